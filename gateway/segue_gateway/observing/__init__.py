"""What an operator sees of an endpoint: logs, metrics and traces, each an `Observer` (spec: observability)."""

from .base import SILENT, Ask, Observer, Observers

__all__ = ["SILENT", "Ask", "Observer", "Observers"]
