"""Faults in Anthropic Messages: whole answers, events, blocks, errors."""
