"""Faults in how connections end."""
