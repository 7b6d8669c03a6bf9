"""Faults in names, records and their readers."""
