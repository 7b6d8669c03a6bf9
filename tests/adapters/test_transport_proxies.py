"""Proxies of the environment, a file of authorities, and a pace: on a real CONNECT proxy on loopback."""

from __future__ import annotations

import asyncio
import base64
import ssl
import subprocess
from contextlib import asynccontextmanager, suppress
from shutil import which

import pytest
from segue_adapters.errors import LocalProtocolError, TLSFault, Unreachable
from segue_adapters.transports.base import Options
from segue_adapters.transports.http import HTTPPool
from segue_adapters.transports.proxies import by_proxy, proxy_for
from segue_adapters.transports.websocket import open_socket
from segue_adapters.wires.base import Request

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


# -- which proxy


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        ("http://a.test/v1", {}, None),
        ("http://a.test/v1", {"HTTP_PROXY": "http://p:1"}, "http://p:1"),
        ("ws://a.test/v1", {"HTTP_PROXY": "http://p:1"}, "http://p:1"),
        ("https://a.test/v1", {"HTTP_PROXY": "http://p:1"}, None),
        ("https://a.test/v1", {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ("wss://a.test/v1", {"https_proxy": "http://p:1", "HTTPS_PROXY": "http://q:1"}, "http://p:1"),
        ("wss://a.test/v1", {"ALL_PROXY": "p:1"}, "http://p:1"),
        ("wss://a.test/v1", {"ALL_PROXY": "p:1", "HTTPS_PROXY": "https://q:2"}, "https://q:2"),
        ("http://a.test/v1", {"ALL_PROXY": "p:1", "NO_PROXY": "*"}, None),
        ("http://a.test/v1", {"ALL_PROXY": "p:1", "NO_PROXY": "b.test, .test"}, None),
        ("http://a.test/v1", {"ALL_PROXY": "p:1", "NO_PROXY": "A.TEST"}, None),
        ("http://ba.test/v1", {"ALL_PROXY": "p:1", "NO_PROXY": "a.test"}, "http://p:1"),
        ("http://b.a.test/v1", {"ALL_PROXY": "p:1", "NO_PROXY": "*.a.test"}, None),
        ("http://a.test:8/v1", {"ALL_PROXY": "p:1", "NO_PROXY": "a.test:8"}, None),
        ("http://a.test:9/v1", {"ALL_PROXY": "p:1", "NO_PROXY": "a.test:8"}, "http://p:1"),
        ("https://a.test/v1", {"ALL_PROXY": "p:1", "NO_PROXY": "a.test:443"}, None),
        ("http://10.1.2.3/v1", {"ALL_PROXY": "p:1", "NO_PROXY": "10.0.0.0/8"}, None),
        ("http://[fd00::1]:8/v1", {"ALL_PROXY": "p:1", "NO_PROXY": "[fd00::1]:8"}, None),
        ("http://[fd00::2]/v1", {"ALL_PROXY": "p:1", "NO_PROXY": "fd00::1"}, "http://p:1"),
        ("http://127.0.0.1:8/v1", {"ALL_PROXY": "p:1"}, None),
        ("http://127.9.9.9:8/v1", {"ALL_PROXY": "p:1"}, None),
        ("ws://[::1]:8/v1", {"ALL_PROXY": "p:1"}, None),
        ("ws://localhost:8/v1", {"ALL_PROXY": "p:1"}, None),
        ("no url", {"ALL_PROXY": "p:1"}, None),
        ("http://[::1", {"ALL_PROXY": "p:1"}, None),
    ],
)
def test_which_proxy(url, environ, proxy):
    assert proxy_for(url, environ=environ) == proxy


def test_loopback_where_it_is_asked_for():
    environ = {"ALL_PROXY": "p:1", "NO_PROXY": "127.0.0.2"}
    assert proxy_for("http://127.0.0.1/v1", loopback=True, environ=environ) == "http://p:1"
    assert proxy_for("http://127.0.0.2/v1", loopback=True, environ=environ) is None


@pytest.mark.parametrize("proxy", ["socks5://p:1", "ftp://p:1", "http://", "http://p:notaport"])
def test_a_proxy_that_is_not_spoken_is_a_sentence(proxy):
    with pytest.raises(LocalProtocolError) as told:
        proxy_for("https://a.test", environ={"HTTPS_PROXY": proxy})
    assert "HTTPS_PROXY in the environment" in str(told.value)


def test_a_fault_tells_the_proxy_and_no_password():
    assert by_proxy("http://a", "http://u:hunter2@p:1") == "http://a by the proxy http://p:1"
    assert by_proxy("http://a", None) == "http://a"


# -- by a real one


@asynccontextmanager
async def connect_proxy(raw_server, seen, *, status="200 OK"):
    """Serve CONNECT, and requests of a whole URL, to where they ask; `seen` takes each first line and password."""

    async def copy(reader, writer):
        with suppress(ConnectionError):
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()

    async def handler(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        method, target, _ = lines[0].split(" ")
        keys = [line.partition(" ")[2] for line in lines if line.lower().startswith("proxy-authorization:")]
        seen.append((method, target, base64.b64decode(keys[0].removeprefix("Basic ")).decode() if keys else ""))
        if not status.startswith("200"):
            writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n".encode())
            await writer.drain()
            return
        host = target if method == "CONNECT" else target.removeprefix("http://").partition("/")[0]
        name, _, port = host.rpartition(":")
        there = await asyncio.open_connection(name, int(port))
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            there[1].write(head)
        try:
            done, rest = await asyncio.wait(
                [asyncio.ensure_future(copy(reader, there[1])), asyncio.ensure_future(copy(there[0], writer))],
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in (*done, *rest):
                task.cancel()
        finally:
            there[1].close()

    async with raw_server(handler) as port:
        yield f"http://127.0.0.1:{port}"


async def fetched(url, options):
    pool = HTTPPool(url, options)
    try:
        return (await pool.fetch(Request("GET", "/x"), limit=5)).status
    finally:
        await pool.close()


async def echoed(url, options):
    socket = await open_socket(url, options)
    try:
        await socket.send("hello")
        return await socket.receive(5)
    finally:
        await socket.close()


async def echo(connection):
    async for frame in connection:
        await connection.send(frame)


def answering(line, headers, body):
    return b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"


def test_http_and_websocket_go_by_the_proxy(run, raw_server, http_server, websocket_server, monkeypatch):
    seen = []

    async def main():
        async with (
            connect_proxy(raw_server, seen) as proxy,
            http_server(answering) as http,
            websocket_server(echo) as ws,
        ):
            monkeypatch.setenv("ALL_PROXY", proxy.replace("//", "//user:hunter2@"))
            options = Options(proxy_loopback=True)
            assert await fetched(http, options) == 204
            assert await echoed(ws, options) == "hello"
            return http, ws

    http, ws = run(main())
    assert seen == [("GET", f"{http}/x", "user:hunter2"), ("CONNECT", ws.removeprefix("ws://"), "user:hunter2")]


def test_loopback_goes_by_no_proxy(run, raw_server, http_server, websocket_server, monkeypatch):
    seen = []

    async def main():
        async with (
            connect_proxy(raw_server, seen) as proxy,
            http_server(answering) as http,
            websocket_server(echo) as ws,
        ):
            for name in ("HTTP_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy)
            assert await fetched(http, Options()) == 204
            assert await echoed(ws, Options()) == "hello"

    run(main())
    assert seen == []


@pytest.mark.parametrize("way", [fetched, echoed])
def test_a_proxy_that_refuses_is_told(run, raw_server, monkeypatch, way):
    async def main():
        async with connect_proxy(raw_server, [], status="407 Proxy Authentication Required") as proxy:
            monkeypatch.setenv("ALL_PROXY", proxy.replace("//", "//user:hunter2@"))
            url = "https://127.0.0.1:9" if way is fetched else "ws://127.0.0.1:9"
            with pytest.raises(Unreachable) as told:
                await way(url, Options(proxy_loopback=True))
            return str(told.value), proxy

    told, proxy = run(main())
    assert "the proxy let nothing through" in told
    assert f"by the proxy {proxy}" in told
    assert "hunter2" not in told


@pytest.mark.parametrize("way", [fetched, echoed])
def test_a_proxy_that_is_not_there_is_told(run, raw_server, monkeypatch, way):
    async def main():
        async with connect_proxy(raw_server, []) as gone:
            pass
        monkeypatch.setenv("ALL_PROXY", gone)
        with pytest.raises(Unreachable) as told:
            await way("http://127.0.0.1:9" if way is fetched else "ws://127.0.0.1:9", Options(proxy_loopback=True))
        return str(told.value), gone

    told, gone = run(main())
    assert "refused" in told
    assert f"by the proxy {gone}" in told


# -- whom to trust


@pytest.fixture(scope="session")
def vouched(tmp_path_factory):
    """A server's TLS context, and the file of the authority that vouches for it."""
    if which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("vouched")
    names = ["-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=segue test", "-days", "2"]
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", *names]
    words += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=20)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context, str(folder / "cert.pem")


def test_a_file_of_authorities_is_believed_on_both(run, raw_server, websocket_server, vouched):
    context, file = vouched

    async def handler(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answering("", {}, b""))
        await writer.drain()

    async def main():
        async with raw_server(handler, context) as port, websocket_server(echo, ssl=context) as ws:
            wss = ws.replace("ws://", "wss://")
            assert await fetched(f"https://127.0.0.1:{port}", Options(ca_file=file)) == 204
            assert await echoed(wss, Options(ca_file=file)) == "hello"
            for way, url in ((fetched, f"https://127.0.0.1:{port}"), (echoed, wss)):
                with pytest.raises(TLSFault):
                    await way(url, Options())

    run(main())


# -- a pace


def test_every_request_and_message_is_paced(run, http_server, websocket_server):
    steps = []

    async def pace():
        steps.append("waited")

    async def main():
        options = Options(pace=pace)
        async with http_server(answering) as http, websocket_server(echo) as ws:
            await fetched(http, options)
            assert len(steps) == 1
            await echoed(ws, options)

    run(main())
    assert len(steps) == 3  # the request; the upgrade and one message
