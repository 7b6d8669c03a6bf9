"""Faults in what an endpoint should do, though nothing breaks without it."""
