"""Faults in what is refused, and in which order."""
