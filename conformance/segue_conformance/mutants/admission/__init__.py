"""Faults in who is let in."""
