"""Faults in what a history keeps."""
