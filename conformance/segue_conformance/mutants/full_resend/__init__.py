"""Faults in histories that are sent whole."""
