"""Faults in lanes and cancelling."""
