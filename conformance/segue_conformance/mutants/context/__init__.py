"""Faults in what becomes of settings."""
