"""Faults in whose the state is."""
