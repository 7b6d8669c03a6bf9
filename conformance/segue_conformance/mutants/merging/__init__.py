"""Faults in deltas that are merged."""
