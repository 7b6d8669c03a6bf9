"""Faults in the members of a Response."""
