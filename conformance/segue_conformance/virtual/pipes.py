"""Two transports that are the ends of one connection in memory.

What is written at one end comes out at the other in the loop's next round, in order, in pieces of at most `_PIECE`
bytes. Between both there is room for `_ROOM` bytes, as a kernel has; what is beyond waits at the writer's end, whose
protocol is told to pause (flow control). The end of a direction, a close and an abort are those of TCP: an end that is
closed while unread bytes lie there resets the connection, and so does writing to one that is closed.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .loop import VirtualLoop

__all__ = ["Pipe", "join"]

_PIECE = 256 * 1024
_ROOM = 256 * 1024
_HIGH = 64 * 1024

Address = tuple[str, int]


def join(
    loop: VirtualLoop, near: Address, far: Address, file: Callable[[bool], int], contexts: tuple[Context, Context]
) -> tuple[Pipe, Pipe]:
    """Return both ends of a new connection, not yet connected to protocols; `contexts` are the near and far program's.

    What one program has in its context variables the other never sees: between them there are only bytes.
    """
    one, other = Pipe(loop, near, far, file, contexts[0]), Pipe(loop, far, near, file, contexts[1])
    one.peer, other.peer = other, one
    return one, other


class Pipe(asyncio.Transport):
    """One end. `_unread` is what its peer wrote and its protocol did not get yet."""

    peer: Pipe

    def __init__(
        self, loop: VirtualLoop, own: Address, other: Address, file: Callable[[bool], int], context: Context
    ) -> None:
        super().__init__({"sockname": own, "peername": other, "socket": _Socket(self, own, other, file)})
        self._loop = loop
        self._context = context
        self._protocol: Any = None
        self._unread = bytearray()
        self._ended: BaseException | bool = False  # by the peer: True, or the error with which it broke off
        self._eof_told = False
        self._reading = True
        self._due = False
        self._closing = False
        self._written_eof = False
        self._lost = False
        self._writing_paused = False
        self._high, self._low = _HIGH, _HIGH // 4

    def connect(self, protocol: Any, then: Callable[[], Any] = lambda: None) -> None:
        """Give the end to a protocol in the next round."""
        if isinstance(protocol, asyncio.BufferedProtocol):
            raise TypeError("protocols with buffers of their own are not served in memory")
        self._protocol = protocol
        self._loop.call_soon(protocol.connection_made, self, context=self._context)
        self._loop.call_soon(then)
        self._schedule()

    # -- reading

    @property
    def readable(self) -> bool:
        """Whether a read would return at once: bytes, the end, or an error."""
        return bool(self._unread or self._ended or self._eof_told or self._lost)

    def is_reading(self) -> bool:
        """Return whether the protocol takes what comes."""
        return self._reading and not self._closing

    def pause_reading(self) -> None:
        """Leave what comes where it is."""
        self._reading = False

    def resume_reading(self) -> None:
        """Take again what comes."""
        self._reading = True
        self._schedule()

    def _schedule(self) -> None:
        if not self._due and self._protocol is not None and (self._unread or self._ended):
            self._due = True
            self._loop.call_soon(self._deliver, context=self._context)

    def _deliver(self) -> None:
        self._due = False
        if self._lost or self._closing or not self._reading:
            return
        if self._unread:
            data = bytes(self._unread[:_PIECE])
            del self._unread[:_PIECE]
            self.peer._drained()
            self._call(self._protocol.data_received, data)
        elif isinstance(self._ended, BaseException):
            self._end(self._ended)
            return
        elif self._ended:
            self._ended, self._eof_told = False, True
            if not self._call(self._protocol.eof_received):
                self.close()
            return
        self._schedule()

    def _call(self, method: Callable[..., Any], *args: Any) -> Any:
        try:
            return method(*args)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            context = {"message": "Fatal error: a protocol failed", "exception": error, "transport": self,
                       "protocol": self._protocol}  # fmt: skip
            self._loop.call_exception_handler(context)
            self._end(error)
            return True

    # -- writing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes."""
        if self._written_eof:
            raise RuntimeError("Cannot call write() after write_eof()")
        if self._closing or self._lost or not data:
            return
        if self.peer._closing or self.peer._lost:
            self._reset()
            return
        self.peer._unread += data
        self.peer._schedule()
        if not self._writing_paused and self.get_write_buffer_size() > self._high:
            self._writing_paused = True
            self._call(self._protocol.pause_writing)

    def writelines(self, list_of_data: Any) -> None:
        """Send several pieces."""
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        """Send the end; the other direction stays."""
        if not self._written_eof and not self._closing:
            self._written_eof = True
            self._tell_end(True)

    def can_write_eof(self) -> bool:
        """Return True: a direction can end alone."""
        return True

    def get_write_buffer_size(self) -> int:
        """Return how many bytes wait at this end."""
        return max(0, len(self.peer._unread) - _ROOM)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return at how many waiting bytes the protocol goes on and pauses."""
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set at how many waiting bytes the protocol pauses and goes on."""
        if high is None:
            high = _HIGH if low is None else 4 * low
        self._high, self._low = high, high // 4 if low is None else low

    def _drained(self) -> None:
        """Take note that the peer took some bytes."""
        if self._writing_paused and self.get_write_buffer_size() <= self._low and not self._lost:
            self._writing_paused = False
            self._call(self._protocol.resume_writing)
        if self._closing and not self._lost and not self.get_write_buffer_size():
            self._leave(None)

    def _tell_end(self, how: BaseException | bool) -> None:
        if not self.peer._ended and not self.peer._eof_told:
            self.peer._ended = how
            self.peer._schedule()

    def _reset(self) -> None:
        if not self._ended or self._ended is True:
            self._ended = ConnectionResetError("the other end is closed")
            self._reading = True
            self._schedule()

    # -- the end

    def is_closing(self) -> bool:
        """Return whether it is closed or about to be."""
        return self._closing

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Give the end to another protocol, in the middle."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return whose end it is."""
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    def close(self) -> None:
        """Close in order: what was written still goes out."""
        if self._closing:
            return
        self._closing = True
        if not self.get_write_buffer_size():
            self._leave(None)

    def abort(self) -> None:
        """Close at once: what waits at this end is thrown away."""
        self._end(None)

    def _end(self, error: BaseException | None) -> None:
        if self._lost:
            return
        self._closing = True
        del self.peer._unread[_ROOM:]
        self._leave(error)

    def _leave(self, error: BaseException | None) -> None:
        """Leave the connection: the peer sees the end, or a reset where something lies here that nobody read."""
        self._lost = True
        unread = bool(self._unread)
        self._unread.clear()
        if not self._written_eof or unread:
            self._tell_end(ConnectionResetError("the other end was closed with unread bytes") if unread else True)
        self.peer._drained()
        self._loop.call_soon(self._protocol.connection_lost, error, context=self._context)


class _Socket:
    """What a transport shows of its socket: addresses, and a file that tells whether there is something to read."""

    family = socket.AF_INET
    type = socket.SOCK_STREAM
    proto = socket.IPPROTO_TCP

    def __init__(self, pipe: Pipe, own: Address, other: Address, file: Callable[[bool], int]) -> None:
        self._pipe, self._own, self._other, self._file = pipe, own, other, file

    def getsockname(self) -> Address:
        """Return this end's address."""
        return self._own

    def getpeername(self) -> Address:
        """Return the other end's address."""
        return self._other

    def fileno(self) -> int:
        """Return a file that can be polled: it is readable where the connection is."""
        return self._file(self._pipe.readable)

    def setsockopt(self, *_: Any) -> None:
        """Take no notice of options."""
