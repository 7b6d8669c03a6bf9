"""Segue's conformance suite: checks any endpoint for stateful continuation.

`segue check` is its face; the checks are pytest functions in `segue_conformance.checks`.
"""

__all__: list[str] = []
