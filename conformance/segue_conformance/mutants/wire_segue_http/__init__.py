"""Faults in Segue's HTTP: routes, statuses, streams, problems."""
