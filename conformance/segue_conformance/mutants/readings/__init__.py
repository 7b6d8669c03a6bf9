"""Faults in where a reading begins, and in what is left to be read."""
