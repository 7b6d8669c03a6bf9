"""The options of `segue serve`: from a file, the environment and the command line, and what is said of a wrong one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from segue_gateway.cli import serve
from segue_gateway.options import GROUPS, Setting
from segue_gateway.settings import Settings

SECRET = "sk-the-key-of-alice"
ENVIRONMENT = {"ALICE_KEY": SECRET, "BOB_KEY": "sk-the-key-of-bob"}
SETTINGS = [setting for group in GROUPS.values() for setting in group]


def check(*arguments: str, **environment: str) -> Result:
    """Ask what would be served."""
    runner = CliRunner(env={**ENVIRONMENT, **environment})
    return runner.invoke(serve, ["--check-config", *arguments], catch_exceptions=False)


def started(*arguments: str) -> tuple[int, str, str]:
    """Serve in a process of its own, which is to end by itself."""
    command = [sys.executable, "-m", "segue_gateway", *arguments]
    environment = {**os.environ, **ENVIRONMENT}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def told(result: Result) -> dict[str, str]:
    assert result.exit_code == 0, result.output
    lines = (line.partition(":") for line in result.output.splitlines())
    return {subject: rest.strip() for subject, _, rest in lines}


@pytest.fixture
def write(tmp_path: Path):
    def written(text: str) -> str:
        path = tmp_path / "segue.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return written


def test_without_anything_the_defaults_are_served() -> None:
    result = told(check())
    assert result["address"] == "http://127.0.0.1:8080"
    assert result["engine"] == "scripted, as model scripted"
    assert result["store"] == "memory"
    assert "this machine only" in result["principals"]
    for wire in ("segue-ws at /segue/v1", "openai-http at /v1", "anthropic at /v1"):
        assert wire in result["surfaces"]


def test_a_flag_goes_before_the_environment_and_that_before_the_file(write) -> None:
    file = write("port = 1111\ncached-ms = 2222\nlanes = 3\nreplay-ms = 7")
    result = told(check("--config", file, "--port", "4444", SEGUE_PORT="5555", SEGUE_CACHED_MS="6666"))
    assert result["address"].endswith(":4444")
    assert "cached_ms 6666," in result["limits"]
    assert "lanes 3," in result["limits"]
    assert "replay_ms 7," in result["limits"]
    assert "heartbeat_ms 1000," in result["limits"]
    assert result["file"] == file


def test_a_file_has_every_kind_of_value(write, tmp_path: Path) -> None:
    file = write(
        'host = "0.0.0.0"\nplain-text = true\nstore = "sqlite:state.db?synchronous=full"\n'
        'upstream = "https://api.example/v1"\nwire = "chat"\nupstream-key-env = "BOB_KEY"\nupstream-timeout = 5\n'
        'origin = ["https://a.example"]\n[key]\nalice = "ALICE_KEY"\nbob = "BOB_KEY"\n'
    )
    result = told(check("--config", file))
    assert result["address"] == "http://0.0.0.0:8080"
    assert result["principals"] == "alice, bob"
    assert result["upstream"] == "https://api.example/v1, chat, key from BOB_KEY"
    assert result["store"] == f"sqlite:{tmp_path / 'state.db'}?synchronous=full"
    assert not list(tmp_path.glob("state.db*"))  # nothing is opened


def test_keys_may_be_a_list_and_stand_in_the_environment(write) -> None:
    assert told(check("--config", write('key = ["bob=BOB_KEY"]')))["principals"] == "bob"
    assert told(check(SEGUE_KEY="alice=ALICE_KEY bob=BOB_KEY"))["principals"] == "alice, bob"
    assert told(check(SEGUE_CONFIG=write('[key]\nalice = "ALICE_KEY"')))["principals"] == "alice"


def test_where_what_is_seen_goes_is_told() -> None:
    result = told(check("--metrics", "127.0.0.1:9464", "--log-format", "json", OTEL_TRACES_EXPORTER="pigeon"))
    assert result["metrics"] == "http://127.0.0.1:9464/metrics"
    assert result["logs"] == "warning and above, as json"
    assert "nowhere: the OTEL_ variables ask for traces, and the exporter 'pigeon' is not installed" in result["traces"]
    assert told(check())["metrics"] == "/metrics"
    assert told(check("--host", "0.0.0.0", "--plain-text", "--key", "a=BOB_KEY"))["metrics"] == "nowhere"
    result = check("--metrics", "somewhere")
    assert (result.exit_code, "no HOST:PORT" in result.output) == (2, True)


def test_what_an_orchestrator_says_of_a_service_is_no_option() -> None:
    result = told(check(SEGUE_PORT="tcp://10.0.0.1:8080", SEGUE_SERVICE_HOST="10.0.0.1"))
    assert result["address"] == "http://127.0.0.1:8080"


def test_the_file_of_the_page_is_one(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "operate.md"
    (text,) = re.findall(r"^```toml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (tmp_path / "segue.toml").write_text(text, encoding="utf-8")
    result = told(check("--config", str(tmp_path / "segue.toml"), PROVIDER_KEY="sk-x"))
    assert result["principals"] == "alice, bob"
    assert result["store"] == f"sqlite:{tmp_path / 'state.db'}"
    assert "cached_ms 86400000," in result["limits"]


def test_a_store_that_cannot_be_opened_is_told_with_its_place(write, tmp_path: Path) -> None:
    (tmp_path / "state.db").write_text("no database at all, but long enough to look like one" * 20)
    code, _, said = started("--config", write('\nstore = "sqlite:state.db"'), "--port", "0")
    assert code == 2
    assert "line 2, 'store': " in said


def test_which_variables_count_is_told_and_which_are_of_no_option() -> None:
    lines = check(SEGUE_LANES="4", SEGUE_LANE="4").output.splitlines()
    assert "environment: SEGUE_LANES" in lines
    assert [line for line in lines if "SEGUE_LANE " in line] == [
        "note:        SEGUE_LANE is set, and is the variable of no option"
    ]


WRONG = {
    "unknown": ("\nprot = 8", "line 2, 'prot': there is no such option; did you mean 'port'?"),
    "unknown, nothing like it": ("zzz = 8", "line 1, 'zzz': there is no such option; `segue serve --help`"),
    "underscores": ("cached_ms = 8", "did you mean 'cached-ms'?"),
    "not for files": ('config = "x"', "'config': there is no such option"),
    "a string for a number": ('port = "8080"', "line 1, 'port' wants a whole number"),
    "a flag for a number": ("port = true", "'port' wants a whole number"),
    "a number for a string": ("host = 1", "'host' wants a string"),
    "a number for a flag": ("plain-text = 1", "'plain-text' wants true or false"),
    "a string for a float": ('upstream-timeout = "x"', "'upstream-timeout' wants a number"),
    "a string for a list": ('origin = "x"', "'origin' wants a list of strings"),
    "a table of numbers": ("# keys\n[key]\nalice = 1", "line 2, 'key' wants a table of strings"),
    "out of range": ("port = 70000", "line 1, 'port': 70000 is not in the range"),
    "no TOML": ("port = \n", "is no TOML: Invalid value (at line 1"),
    "a key without a variable": ('key = ["alice"]', "line 1, 'key' wants NAME=ENVVAR"),
    "a variable that is not set": ('[key]\nalice = "NOT_SET"', "line 1, 'key' alice: the environment variable NOT_SET"),
    "no store": ('store = "redis:x"', "line 1, 'store': 'redis:x' is no store"),
    "no folder": ('store = "sqlite:none/x.db"', "is no folder"),
    "no wire": ('upstream = "http://x"\nwire = "y"', "line 2, 'wire': 'y' is none of"),
    "no provider": ('upstream = "x"', "'upstream': x: that is no URL of a provider"),
    "a wire of nothing": ('wire = "chat"', "are about an --upstream"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_in_a_file_is_said_with_its_place(case: str, write) -> None:
    text, sentence = WRONG[case]
    result = check("--config", write(text))
    assert result.exit_code == 2
    assert sentence in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "text",
    [
        f'[key]\nalice = "{SECRET}"',
        f'key = ["alice={SECRET}"]',
        f'upstream = "https://api.example/v1"\nupstream-key-env = "{SECRET}"',
        f'store = "valkey://:{SECRET}@host/0"',
        f'upstream = "https://someone:{SECRET}@api.example/v1"',
    ],
)
def test_a_secret_in_a_file_is_refused_and_not_said(text: str, write) -> None:
    result = check("--config", write(text))
    assert result.exit_code == 2
    assert SECRET not in result.output
    assert "variable" in result.output


def test_no_secret_is_told_where_it_is_legal() -> None:
    result = check(
        "--upstream", f"https://someone:{SECRET}@api.example/v1", "--wire", "chat", "--upstream-key-env", "BOB_KEY",
        "--key", "alice=ALICE_KEY",
    )  # fmt: skip
    assert "https://…@api.example/v1, chat, key from BOB_KEY" in result.output
    assert all(secret not in result.output for secret in ENVIRONMENT.values())


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    result = check("--config", str(tmp_path / "none.toml"))
    assert (result.exit_code, "can't be read: No such file" in result.output) == (2, True)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    assert "is not UTF-8" in check("--config", str(tmp_path / "bytes.toml")).output


def test_a_wrong_value_of_the_environment_is_told_by_its_variable() -> None:
    result = check(SEGUE_PORT="many")
    assert result.exit_code == 2
    assert "the environment variable SEGUE_PORT" in result.output
    assert "--lanes" in check("--lanes", "-1").output


def test_a_command_that_serves_gives_the_same_sentence(write) -> None:
    """In a process of its own: what the check says, the start says."""
    code, printed, said = started("--config", write("prot = 8"))
    assert (code, printed) == (2, "")
    last = said.splitlines()[-1]
    assert last.endswith("segue.toml, line 1, 'prot': there is no such option; did you mean 'port'?")


def test_names_follow_from_one_another() -> None:
    assert [param for param in serve.params if not isinstance(param, Setting)] == []
    for setting in SETTINGS:
        assert setting.name == setting.key.replace("-", "_")  # so click finds the variable by itself
        assert setting.variable in (None, f"SEGUE_{setting.name.upper()}")
    kinds = {one.name for one in fields(Settings) if one.type == "int"}
    assert kinds <= {setting.name for setting in SETTINGS}


def test_every_option_of_the_table_is_one_of_the_command_in_its_order() -> None:
    assert [param.name for param in serve.params] == [setting.name for setting in SETTINGS]
    helps = click.Context(serve, info_name="serve").get_help()
    assert [flag for flag in (setting.flag for setting in SETTINGS) if flag not in helps] == []
