"""Faults in messages and refusals."""
