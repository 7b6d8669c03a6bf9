"""Faults in how bodies of requests are read."""
