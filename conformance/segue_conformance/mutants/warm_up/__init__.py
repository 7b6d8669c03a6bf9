"""Faults in warm-ups."""
