"""Faults in how wrong requests are refused on OpenAI's wires."""
