"""Faults in what the endpoint says of itself."""
