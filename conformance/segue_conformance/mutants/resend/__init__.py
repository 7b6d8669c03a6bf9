"""Faults in histories that come in parts or grow."""
