"""Passes HTTP requests on to another server and prints each body that comes by: what a gateway sends to its worker.

python relay.py http://HOST:PORT; prints `READY URL`, then a line `SENT JSON` for each body. Only for tracing: the run
of the suite has nothing between the gateway and the endpoint.
"""

from __future__ import annotations

import sys
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

UPSTREAM = urlsplit(sys.argv[1])
HOP = ("connection", "transfer-encoding", "content-length", "date", "server")


class Relay(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if body:
            print(f"SENT {body.decode('utf-8')}", flush=True)
        self._pass_on(body)

    def do_GET(self) -> None:
        self._pass_on(b"")

    def _pass_on(self, body: bytes) -> None:
        upstream = HTTPConnection(UPSTREAM.hostname or "", UPSTREAM.port, timeout=20)
        kept = {name: value for name, value in self.headers.items() if name.lower() not in (*HOP, "host")}
        upstream.request(self.command, self.path, body, kept)
        answer = upstream.getresponse()
        data = answer.read()
        upstream.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
print(f"READY http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
