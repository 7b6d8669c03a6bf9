"""The way to the server: scripts run with patience, and what it promises is read each time it is reached anew.

Where an answer is lost nobody knows whether the step was done. It is asked again, marked as such, and every script
knows its own work again; so a server that restarts in the middle of a turn ends no turn that could go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.connection import AbstractConnection, BlockingConnectionPool, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.retry import Retry as SyncRetry

from ..base import Unusable, Unwritable
from .address import Address
from .promises import SETTINGS, Promises, check_version, promises
from .scripts import Script, script

__all__ = ["AGAIN", "Server", "first_look"]

#: Stands in a script's arguments where it is told whether it is asked again.
AGAIN = object()
_CONNECTIONS = 64
_ANSWER = 2.0  # seconds in which the server answers, or the connection counts as lost
_PAUSES = (0.02, 0.05, 0.1, 0.2)


class Server:
    """A server's scripts, run over a pool of connections. `reached` hears of what it promises, at each connection."""

    def __init__(self, address: Address, *, patience: float, reached: Callable[[Promises], None]) -> None:
        self.address = address
        self.round_trips = 0
        self._patience = patience
        self._reached = reached
        self._client: Any = None

    @property
    def client(self) -> Any:
        """The client, made on the loop that first asks for it."""
        if self._client is None:
            more: dict[str, Any] = {"connection_class": SSLConnection} if self.address.tls else {}
            pool = BlockingConnectionPool(
                max_connections=_CONNECTIONS,
                timeout=self._patience,
                protocol=2,
                socket_timeout=_ANSWER,
                socket_connect_timeout=_ANSWER,
                retry=Retry(NoBackoff(), 0),  # what is tried again is decided here
                redis_connect_func=self._greet,
                **self.address.options(),
                **more,
            )
            self._client = redis.asyncio.Redis(connection_pool=pool)
        return self._client

    async def _greet(self, connection: AbstractConnection) -> None:
        await connection.on_connect()
        try:
            settings = _pairs(await _ask(connection, "CONFIG", "GET", *SETTINGS))
        except ResponseError:  # a server that lets nobody look
            settings = {}
        info = _info(await _ask(connection, "INFO"))
        self._reached(promises(settings, info))

    async def run(self, name: str, base: str, *arguments: Any) -> list[Any]:
        """Return what a script answers; Unwritable where the server can't be reached, or takes nothing more."""
        step = script(name)
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience
        tries = 0
        while True:
            given = [(b"1" if tries else b"0") if one is AGAIN else one for one in arguments]
            try:
                return await self._once(step, base, given)
            except ResponseError as error:  # it answered: not now (no room, read only), or a fault of ours
                # Not in its words: a server may quote what it was sent.
                raise Unwritable(f"{self.address} refused it ({type(error).__name__})") from error
            except (RedisError, OSError) as error:
                if loop.time() >= until:
                    raise Unwritable(f"{self.address} can't be reached ({type(error).__name__})") from error
            await asyncio.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += 1

    async def _once(self, step: Script, base: str, arguments: list[Any]) -> list[Any]:
        self.round_trips += 1
        try:
            answer = await self.client.execute_command("EVALSHA", step.sha, 1, base, *arguments)
        except NoScriptError:  # a server that was started anew
            self.round_trips += 1
            answer = await self.client.execute_command("EVAL", step.text, 1, base, *arguments)
        return list(answer)

    async def close(self) -> None:
        """End all connections."""
        if self._client is not None:
            await self._client.aclose(close_connection_pool=True)


def first_look(address: Address) -> Promises:
    """Return what a server promises, before anything is served; Unusable, with what is wrong with it."""
    client: Any = redis.Redis(
        **address.options(), ssl=address.tls, protocol=2, socket_timeout=_ANSWER, socket_connect_timeout=_ANSWER,
        retry=SyncRetry(NoBackoff(), 0),
    )  # fmt: skip
    try:
        info = _info(client.execute_command("INFO"))
        check_version(info, str(address))
        try:
            settings = _pairs(client.execute_command("CONFIG", "GET", *SETTINGS))
        except ResponseError:
            settings = {}
        client.execute_command("SCRIPT", "LOAD", script("due").text)
    except redis.AuthenticationError:
        raise Unusable(f"{address} does not take this user and password") from None
    except ResponseError as error:
        raise Unusable(f"{address} does not let this user in: {error}") from None
    except (RedisError, OSError) as error:
        raise Unusable(f"{address} can't be reached ({type(error).__name__}): is a server running there?") from None
    finally:
        client.close()
    return promises(settings, info)


async def _ask(connection: AbstractConnection, *command: str) -> Any:
    await connection.send_command(*command, check_health=False)
    return await connection.read_response()


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _pairs(answer: Any) -> dict[str, str]:
    if isinstance(answer, Mapping):
        return {_text(name): _text(value) for name, value in answer.items()}
    told = list(map(_text, answer))
    return dict(zip(told[::2], told[1::2], strict=True))


def _info(answer: Any) -> dict[str, str]:
    if isinstance(answer, Mapping):
        return {_text(name): _text(value) for name, value in answer.items()}
    lines = (line.partition(":") for line in _text(answer).splitlines() if ":" in line)
    return {name: value for name, _, value in lines}
