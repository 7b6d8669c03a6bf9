"""Measurements of Segue: what is sent, how long it takes, what the parts cost. One module a question."""
