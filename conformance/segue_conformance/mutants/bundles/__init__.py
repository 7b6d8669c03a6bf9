"""Faults in export and import."""
