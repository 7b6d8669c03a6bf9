"""Faults in what is kept and what is gone."""
