"""Faults in Chat Completions: whole answers, chunks, the end of a stream, errors."""
