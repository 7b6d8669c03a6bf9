"""Faults in the parent and what it stands for."""
