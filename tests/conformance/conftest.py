"""A stub of an endpoint's subject, check files made on the spot, servers that behave badly, and the real command."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from click.testing import CliRunner
from segue_conformance.budget import Budget
from segue_conformance.cli import check as command
from segue_conformance.preparation import Prepared
from segue_conformance.recorder import Recorder
from segue_conformance.registry import Catalogue
from segue_conformance.results import Report, Target, WireTarget
from segue_conformance.runner import run_prepared
from segue_conformance.settings import Settings

# What is printed is compared with what a pipe gets; workers of pytest-xdist are told the size of a terminal.
for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)
# A shell that runs the tests in the background has them ignore Ctrl-C, and what they start would ignore it as well.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

LIMIT = 60.0

HEAD = """
import asyncio
from segue_adapters.errors import *
from segue_conformance.registry import check
from segue_conformance.verdicts import *
"""

PLAIN_TURN = '''
@check("SEG-MSG-001", profile="core")
async def test_plain_turn(subject):
    """A plain turn works."""
    subject.spend()
'''


class Stub:
    """What the execution needs of a subject, and a note book for the checks of these tests."""

    def __init__(self, wire: str, settings: Settings, budget: Budget) -> None:
        self.wire = wire
        self.settings = settings
        self.budget = budget
        self.recorder = Recorder(settings.secrets)
        self.requests = 0
        self.closed = False

    def spend(self) -> None:
        self.budget.spend()
        self.requests += 1

    async def aclose(self) -> None:
        self.closed = True


@dataclass
class Bench:
    """Runs check files that a test wrote, on stubs."""

    folder: Path
    wires: tuple[str, ...] = ("openai-ws",)
    settings: Settings = field(default_factory=lambda: Settings(url="http://stub.test", timeout=0.1))
    subjects: list[Stub] = field(default_factory=list)
    details: list[str] = field(default_factory=list)

    def write(self, name: str, *checks: str) -> Path:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "__init__.py").touch()
        path = self.folder / name
        path.write_text(HEAD + "\n".join(dedent(text) for text in checks), encoding="utf-8")
        return path

    def catalogue(self) -> Catalogue:
        return Catalogue.load(self.folder)

    def prepared(self) -> Prepared:
        budget = Budget.of(self.settings)

        def factory(wire: str) -> Stub:
            self.subjects.append(Stub(wire, self.settings, budget))
            return self.subjects[-1]

        urls = tuple(WireTarget(wire=wire, url=f"http://stub.test/{wire}") for wire in self.wires)
        target = Target(url=self.settings.url, wires=urls, endpoint="Stub", found_by="as asked")
        return Prepared(self.settings, target, factory, budget)

    def run(self, **options: Any) -> Report:
        return run_prepared(
            self.prepared(),
            self.catalogue(),
            folder=self.folder,
            details=self.details,
            rerun="segue check X",
            **options,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    # pytest knows a module by its name: each test needs a package of its own.
    return Bench(tmp_path / f"checks_{secrets.token_hex(8)}")


# -- servers


def serve_raw(handle: Callable[[socket.socket], None]) -> Callable[[ExitStack], int]:
    """Return a starter of a TCP server on a free port that gives each connection to `handle`."""

    def start(stack: ExitStack) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        stop = threading.Event()

        def one(connection: socket.socket) -> None:
            with connection:
                connection.settimeout(LIMIT)
                with suppress(OSError, ValueError):
                    handle(connection)

        def loop() -> None:
            while not stop.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()

        def close() -> None:
            stop.set()
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            thread.join(5)

        stack.callback(close)
        return int(listener.getsockname()[1])

    return start


@dataclass(frozen=True)
class HTTPRequest:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def read_request(connection: socket.socket) -> HTTPRequest:
    """Read one HTTP request; ValueError where none comes."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise ValueError("no request")
        data += piece
        if not data[:1].isalpha():  # the first byte of a TLS handshake, for one
            answer(connection, 400, "no HTTP", "text/plain")
            raise ValueError("no HTTP")
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    method, path, _ = first.split(" ", 2)
    return HTTPRequest(method, path, headers, body)


def answer(connection: socket.socket, status: int, body: bytes | str, kind: str = "application/json") -> None:
    """Answer a request whole, and end the connection."""
    data = body.encode() if isinstance(body, str) else body
    head = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(data)}\r\nconnection: close\r\n\r\n"
    connection.sendall(head.encode() + data)


def open_stream(connection: socket.socket) -> None:
    """Begin an event stream that ends with the connection."""
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")


def event(kind: str, number: int, **members: Any) -> bytes:
    """Return one event of the Responses family."""
    data = json.dumps({"type": kind, "sequence_number": number, **members})
    return f"event: {kind}\ndata: {data}\n\n".encode()


def response(name: str, status: str, output: list[Any], model: str = "mock") -> dict[str, Any]:
    """Return a Response object."""
    return {
        "id": name, "object": "response", "created_at": 1, "status": status, "model": model, "output": output,
        "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "error": None, "incomplete_details": None,
    }  # fmt: skip


def refusal(status_text: str, code: str | None = None) -> str:
    return json.dumps({"error": {"message": status_text, "type": "invalid_request_error", "param": None, "code": code}})


def mock(connection: socket.socket) -> None:
    """Play a stateless endpoint: it answers "OK" to everything, and takes any parent without a look at it."""
    request = read_request(connection)
    if request.method != "POST" or not request.path.endswith("/responses"):
        answer(connection, 404, refusal("no such thing"))
        return
    asked = request.json
    if not isinstance(asked, dict) or "input" not in asked:
        answer(connection, 400, refusal("input is missing", "missing_required_parameter"))
        return
    part = {"type": "output_text", "text": "OK", "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    name = f"resp_{time.monotonic_ns():032x}"
    if not asked.get("stream"):
        answer(connection, 200, json.dumps(response(name, "completed", [item])))
        return
    open_stream(connection)
    place = {"output_index": 0, "item_id": "msg_1"}
    connection.sendall(
        event("response.created", 0, response=response(name, "in_progress", []))
        + event("response.output_item.added", 1, output_index=0, item={**item, "status": "in_progress", "content": []})
        + event("response.content_part.added", 2, content_index=0, part={**part, "text": ""}, **place)
        + event("response.output_text.delta", 3, content_index=0, delta="OK", **place)
        + event("response.output_text.done", 4, content_index=0, text="OK", **place)
        + event("response.content_part.done", 5, content_index=0, part=part, **place)
        + event("response.output_item.done", 6, output_index=0, item=item)
        + event("response.completed", 7, response=response(name, "completed", [item]))
    )


#: Set when a turn reaches the server that hangs in one.
TURN_BEGUN = threading.Event()


def _probe_or(bad: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    """Return a server that answers the first contact as an endpoint would, and each turn as `bad` does."""

    def handle(connection: socket.socket) -> None:
        request = read_request(connection)
        if request.method != "POST":
            answer(connection, 404, refusal("no such thing"))
        elif not isinstance(request.json, dict) or "input" not in request.json:
            answer(connection, 400, refusal("input is missing"))
        else:
            bad(connection)

    return handle


def _hang(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.recv(65536)


def _hang_in_turn(connection: socket.socket) -> None:
    open_stream(connection)
    TURN_BEGUN.set()
    connection.recv(65536)


def _drop_in_turn(connection: socket.socket) -> None:
    open_stream(connection)
    connection.sendall(event("response.created", 0, response=response("resp_1", "in_progress", [])))


def _junk(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(bytes(range(256)) * 4)


def _junk_in_turn(connection: socket.socket) -> None:
    open_stream(connection)
    connection.sendall(b"event: \xff\xfe\x1b[31m\ndata: {]\n\n" * 3)


def _flood_in_turn(connection: socket.socket) -> None:
    open_stream(connection)
    for _ in range(20):
        connection.sendall(b"data: " + b"x" * (1024 * 1024))


def _status(status: int, body: str, kind: str = "application/json") -> Callable[[socket.socket], None]:
    def handle(connection: socket.socket) -> None:
        read_request(connection)
        answer(connection, status, body, kind)

    return handle


SERVERS: dict[str, Callable[[socket.socket], None]] = {
    "mock": mock,
    "401": _status(401, refusal("bad key \x1b[31m")),
    "404": _status(404, "not here", "text/plain"),
    "html": _status(200, "<!doctype html><title>Welcome</title>", "text/html"),
    "hangs": _hang,
    "junk": _junk,
    "hangs_in_turn": _probe_or(_hang_in_turn),
    "drops_in_turn": _probe_or(_drop_in_turn),
    "junk_in_turn": _probe_or(_junk_in_turn),
    "flood_in_turn": _probe_or(_flood_in_turn),
    "no_such_model": _probe_or(lambda connection: answer(connection, 404, refusal("no such model", "model_not_found"))),
    "401_in_turn": _probe_or(lambda connection: answer(connection, 401, refusal("bad key"))),
}


class Servers:
    """Starts servers by the name of their vice; calling it returns the port."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.turn_begun = TURN_BEGUN

    def __call__(self, name: str) -> int:
        return serve_raw(SERVERS[name])(self._stack)


@pytest.fixture
def server() -> Iterator[Servers]:
    TURN_BEGUN.clear()
    with ExitStack() as stack:
        yield Servers(stack)


# -- the command


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err


Segue = Callable[..., Ran]


def _command() -> list[str]:
    script = Path(sys.executable).parent / "segue"
    if script.exists():
        return [str(script)]
    return [sys.executable, "-P", "-c", "from segue.cli import main; main()"]


@pytest.fixture
def segue_command() -> list[str]:
    return _command()


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Segue:
    """Run `segue check` in this process, which spares a second of imports."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)

    def run(*words: str, env: Mapping[str, str] | None = None) -> Ran:
        done = CliRunner().invoke(command, words, env=dict(env or {}), prog_name="segue check")
        fault = done.exception
        shown = "" if fault is None or isinstance(fault, SystemExit) else f"Traceback: {fault!r}"
        return Ran(done.exit_code, done.stdout, done.stderr + shown)

    return run


@pytest.fixture
def segue(tmp_path: Path) -> Segue:
    """Run the real command in a folder of its own; every word is an argument."""

    def run(*words: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, limit: float = LIMIT) -> Ran:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "SEGUE_"))}
        done = subprocess.run(
            [*_command(), *words],
            cwd=cwd or tmp_path,
            env={**clean, **(env or {})},
            capture_output=True,
            timeout=limit,
            check=False,
            text=True,
            encoding="utf-8",
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run
