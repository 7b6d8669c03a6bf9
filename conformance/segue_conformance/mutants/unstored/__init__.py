"""Faults in turns that nobody stores."""
