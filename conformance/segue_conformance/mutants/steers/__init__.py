"""Faults in what enters a turn that runs."""
