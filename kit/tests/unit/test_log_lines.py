"""Whatever is logged becomes one short line that a program can read."""

import io
import json
import logging
import subprocess
import sys
from typing import Any

import pytest

from kit import log

HOSTILE = {
    "line breaks": 'ok\r\n{"event": "forged", "level": "info"}\n',
    "colours": "\x1b[2J\x1b[31mred\x1b[0m\x9b31m",
    "reading order": "invoice\u202efdp.exe\u2066\u200f",
    "line separators": "a\u2028b\u2029c\x85d\x0b\x0c",
    "NUL": "a\x00b\x7fc",
    "half a pair": "\ud800",
    "a megabyte": "x" * 2**20,
    "a megabyte of breaks": "\n" * 2**20,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize(
    "event",
    [
        lambda text: {"event": text},
        lambda text: {"event": "e", "name": text},
        lambda text: {"event": "e", text: 1},
        lambda text: {"event": "e", "rows": [{"name": text}] * 1_000},
        lambda text: {"event": "e", "error": ValueError(text)},
        lambda text: {"event": "e"} | {f"{text[:20]}{n}": text for n in range(200)},
        lambda text: {"event": "e"} | {f"{n}{text[:90]}": 1 for n in range(3_000)},
    ],
    ids=["event", "value", "key", "nested", "object", "many", "many small"],
)
def test_W08_any_input_is_one_escaped_bounded_line(text: str, event: Any) -> None:
    made = log.line(log._redact(None, "", event(text)))
    assert len(made) <= log.MAX_LINE
    assert made.isascii()
    assert made.isprintable()
    assert "event" in json.loads(made)


def test_W08_numbers_that_json_lacks_are_texts() -> None:
    made = log.line(log._redact(None, "", {"event": "e", "a": float("nan"), "b": float("inf"), "c": 10**400}))
    assert json.loads(made, parse_constant=lambda _: pytest.fail("no JSON")) | {"c": ""} == {
        "event": "e",
        "a": "nan",
        "b": "inf",
        "c": "",
    }


def test_W08_other_peoples_libraries_write_the_same_kind_of_line() -> None:
    program = (
        "from kit import log; import logging, asyncio\n"
        "log.configure('x', '1', 'info')\n"
        "logging.getLogger('asyncio').warning('a %s', 'b\\n{\"forged\": 1}')\n"
        "log.get('p').info('c\\r\\nd', name='\\x1b[31m')\n"
        "try:\n    1/0\nexcept ZeroDivisionError:\n    logging.getLogger('y').exception('broke')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    events = [json.loads(one) for one in done.stderr.splitlines()]
    assert [one["event"] for one in events] == ['a b\n{"forged": 1}', "c\r\nd", "broke"]
    assert {one["service"] for one in events} == {"x"}
    assert "ZeroDivisionError" in events[2]["exception"]


def test_secrets_in_objects_and_long_texts_are_hidden_too() -> None:
    token = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"
    for value in (ValueError(token), "x" * 3_990 + token, [{"deep": (token,)}]):
        assert "eyJzdWIi" not in str(log.redact(value))
    assert log.redact({"password": "hunter2"}) == {"password": log.HIDDEN}


def test_a_formatter_keeps_what_a_record_says() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(log._OneLine("s", "1"))
    logger = logging.Logger("n")
    logger.addHandler(handler)
    logger.error("it %s", "broke")
    made = json.loads(stream.getvalue())
    assert (made["event"], made["level"], made["part"]) == ("it broke", "error", "n")
    assert made["at"].endswith("Z")
