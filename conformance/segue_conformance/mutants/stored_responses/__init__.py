"""Faults in what is read by its id over OpenAI's HTTP."""
