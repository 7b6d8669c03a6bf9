"""Faults where a bound is reached, or a window ends."""
