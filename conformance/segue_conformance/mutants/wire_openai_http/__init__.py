"""Faults in OpenAI's HTTP: statuses, headers, streams."""
