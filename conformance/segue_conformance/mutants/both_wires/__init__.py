"""Faults between OpenAI's two wires."""
