"""Faults in what a lost connection leaves."""
