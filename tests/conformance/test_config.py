"""Several endpoints in one file: the options under their own names, mistakes named, the worst exit code."""

from __future__ import annotations

import json

import pytest

ONLY = ("--only", "turns.plain_turn", "--timeout", "2")


def told(ran, code, *words):
    assert ran.code == code, ran.all
    assert "Traceback" not in ran.all
    for word in words:
        assert word in ran.all, ran.all


@pytest.fixture
def config(tmp_path):
    def write(text, name="endpoints.toml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return write


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no endpoint"),
        ("x = ", "is no TOML"),
        ("[endpoints.a]\nurl = 'http://x.test'", "unknown key 'endpoints'; did you mean 'endpoint'?"),
        ("[endpoint]\na = 3", "names no endpoint"),
        ("[endpoint.a]\nmodel = 'm'", "an endpoint has a `url`"),
        ("[endpoint.a]\nurl = 'http://x.test'\napi_key_env = 'K'", "did you mean 'api-key-env'?"),
        ("[endpoint.a]\nurl = 'http://x.test'\nzzz = 1", "[endpoint.a] has the unknown key 'zzz' (there is"),
        ("[endpoint.a]\nurl = 'http://x.test'\ndebug = true", "for the command line only"),
        ("[endpoint.a]\nurl = 'http://x.test'\ntimeout = 'long'", "`timeout`: it is a number"),
        ("[endpoint.a]\nurl = 'http://x.test'\ntimeout = 0", "`timeout`: 0"),
        ("[endpoint.a]\nurl = 'http://x.test'\ntimeout = true", "`timeout`: it is a number"),
        ("[endpoint.a]\nurl = 'http://x.test'\nwire = 'openai-ws'", "`wire`: it is a list of strings"),
        ("[endpoint.a]\nurl = 'http://x.test'\nwire = ['smoke']", "'smoke' is not one of"),
        ("[endpoint.a]\nurl = 'http://x.test'\ninsecure = 1", "`insecure`: it is true or false"),
        ("[endpoint.a]\nurl = 'http://x.test'\nmodel = 7", "`model`: it is a string"),
        (
            "[defaults]\nurl = 'http://x.test'\n[endpoint.a]\nurl = 'http://x.test'",
            "[defaults] has the unknown key 'url'",
        ),
        ("defaults = 1\n[endpoint.a]\nurl = 'http://x.test'", "`defaults` is a table"),
        ("[endpoint.a]\nurl = 'ftp://x.test'", "no URL of an endpoint"),
        ("[endpoint.a]\nurl = 'http://x.test'\napi-key-env = 'SEGUE_TEST_UNSET'", "SEGUE_TEST_UNSET is not set"),
    ],
)
def test_mistakes_are_named(check, config, text, said):
    told(check("--config", config(text)), 2, said)


def test_a_file_that_is_not_there(check):
    told(check("--config", "none.toml"), 2, "can't read none.toml")


def test_a_name_that_is_not_there(check, config):
    file = config("[endpoint.staging]\nurl = 'http://x.test'")
    told(check("--config", file, "stagin"), 2, "has no endpoint 'stagin'; did you mean 'staging'?")


def test_two_reports_do_not_go_to_one_file(check, config):
    file = config("[endpoint.a]\nurl = 'http://x.test'\n[endpoint.b]\nurl = 'http://y.test'")
    told(check("--config", file, "--json", "r.json"), 2, "a and b can't go to the same place", "write {name} in it")


def test_two_endpoints_and_the_worst_of_them(check, config, server, tmp_path):
    good, bad = server("mock"), server("drops_in_turn")
    file = config(
        f"[defaults]\nwire = ['openai-http']\ntimeout = 2\njson = 'reports/{{name}}.json'\n"
        f"[endpoint.good]\nurl = 'http://127.0.0.1:{good}/v1'\nmodel = 'm'\nextra-body = {{ seed = 7 }}\n"
        f"[endpoint.bad]\nurl = 'http://127.0.0.1:{bad}/v1'\n"
    )
    (tmp_path / "reports").mkdir()
    ran = check("--config", file, "--only", "turns.plain_turn")
    told(ran, 1, "good  exit code 0", "bad  exit code 1", "All endpoints", "segue check --config endpoints.toml bad")
    reports = {name: json.loads((tmp_path / "reports" / f"{name}.json").read_bytes()) for name in ("good", "bad")}
    assert [reports[name]["exit_code"] for name in ("good", "bad")] == [0, 1]
    assert reports["good"]["target"]["model"] == "m"


def test_one_of_them_by_its_name_and_the_line_goes_before_the_file(check, config, server, tmp_path):
    url = f"http://127.0.0.1:{server('mock')}/v1"
    file = config(f"[endpoint.a]\nurl = '{url}'\nmodel = 'file'\n[endpoint.b]\nurl = 'http://127.0.0.1:1'\n")
    ran = check("--config", file, "a", "--model", "line", "--json", "r.json", *ONLY)
    told(ran, 0)
    assert "All endpoints" not in ran.out
    assert json.loads((tmp_path / "r.json").read_bytes())["target"]["model"] == "line"


def test_an_unset_key_shows_before_anything_is_sent(check, config, server):
    file = config(
        f"[endpoint.a]\nurl = 'http://127.0.0.1:{server('mock')}/v1'\n"
        "[endpoint.b]\nurl = 'http://x.test'\napi-key-env = 'SEGUE_TEST_UNSET'\n"
    )
    ran = check("--config", file, *ONLY)
    told(ran, 2, "SEGUE_TEST_UNSET is not set")
    assert "will run" not in ran.all
