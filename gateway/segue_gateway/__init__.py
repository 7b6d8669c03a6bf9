"""The reference endpoint of Segue: surfaces -> turns -> engine and store.

`create_app` makes an ASGI app that mounts into a user's own; `Endpoint` is what it serves. Floors: a surface knows
the wire's server side and the endpoint; an engine never imports a store, nor a store an engine.
"""

from .endpoint import Endpoint
from .settings import Settings

__all__ = ["Endpoint", "Settings"]
