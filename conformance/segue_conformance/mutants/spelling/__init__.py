"""Faults in how messages are written."""
