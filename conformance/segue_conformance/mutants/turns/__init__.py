"""Faults in turns and their ends."""
