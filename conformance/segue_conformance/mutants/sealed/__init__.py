"""Faults in sealed items of the endpoint's own."""
