"""Faults in what a turn says of itself."""
