"""A conversation whose gateway is killed: the state lies in a file, and nothing runs twice."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import segue
from segue_schemas import models

SLOW = "Write a long text slowly."


class Gateway:
    """`segue serve` as a process on one port, again and again."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.command = [sys.executable, "-m", "segue_gateway", "--port", str(self.port),
                        "--store", f"sqlite:{folder / 'state.db'}", "--slow-ms", "2000"]  # fmt: skip
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self.process.stdout is not None
        assert self.process.stdout.readline().startswith("Segue serves on ")

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.communicate()
            self.process = None


@pytest.fixture
def gateway(tmp_path: Path) -> Any:
    served = Gateway(tmp_path)
    served.start()
    yield served
    served.kill()


@pytest.mark.parametrize("wire", ["segue-ws", "segue-http"])
def test_a_gateway_that_is_killed_in_mid_turn(run: Any, gateway: Gateway, wire: str) -> None:
    """The turn ends once, and is told as it is; the conversation goes on from what both sides hold."""

    async def main() -> None:
        patience = segue.Patience(reconnects=30, longest=0.5)
        async with segue.connect(gateway.url, wire=wire, context={"model": "scripted"}, limit=20) as session:
            chat = session.conversation(patience=patience)
            assert await (await chat.turn("Remember this word: lantern.")).text() == "OK"
            answer = await chat.turn(SLOW)
            shown = ""
            async for event in answer:
                if isinstance(event, models.ItemDelta) and isinstance(event.append, str):
                    shown += event.append
                    if len(shown) > 40 and gateway.process is not None and not answer.result.recoveries:
                        gateway.kill()
                        restart = asyncio.get_running_loop().run_in_executor(None, gateway.start)
            await restart
            outcome = answer.result
            assert (outcome.failed.error.code, outcome.failed.error.effect) == ("interrupted", "unknown")
            assert {"reconnect", "resume"} <= {recovery.what for recovery in outcome.recoveries}
            with pytest.raises(segue.TurnBroken, match="interrupted"):
                await answer.text()
            assert chat.length == 2
            again = await chat.turn("Which word was it?")
            assert (await again.text(), again.result.sent.kind, again.result.proved) == ("lantern", "delta", True)

    run(main(), 30.0)


def test_a_gateway_that_is_killed_between_turns(run: Any, gateway: Gateway) -> None:
    async def main() -> None:
        async with segue.connect(gateway.url, context={"model": "scripted"}, limit=20) as session:
            chat = session.conversation()
            assert await (await chat.turn("Remember this word: lantern.")).text() == "OK"
            gateway.kill()
            gateway.start()
            await asyncio.sleep(0.05)
            answer = await chat.turn("Which word was it?")
            assert (await answer.text(), answer.result.sent.kind) == ("lantern", "delta")
            assert len(chat.items) == 4

    run(main(), 30.0)
