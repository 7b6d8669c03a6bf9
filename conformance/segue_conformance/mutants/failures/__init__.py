"""Faults in turns that fail or are cut."""
