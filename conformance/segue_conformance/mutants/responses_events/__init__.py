"""Faults in the events of OpenAI's wires."""
