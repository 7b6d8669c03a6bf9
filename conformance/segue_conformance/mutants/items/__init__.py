"""Faults in items and their deltas."""
