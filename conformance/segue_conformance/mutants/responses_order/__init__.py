"""Faults in the order of events on OpenAI's wires."""
