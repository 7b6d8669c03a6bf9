"""Faults in signs of life, warm-ups and announced ends."""
