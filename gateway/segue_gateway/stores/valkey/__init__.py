"""The store in a Valkey or Redis server: several nodes, one state."""

from .address import Address
from .server import first_look
from .store import ValkeyStore

__all__ = ["Address", "ValkeyStore", "first_look"]
