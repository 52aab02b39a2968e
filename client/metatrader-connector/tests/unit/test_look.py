"""A look at the terminal for setup: it shows what is there, and can send nothing."""

import json
import subprocess
import sys
from typing import Any

import pytest
from msgspec.json import decode

import mt5sim
from metatrader_connector.adapters.single import hold_directory
from metatrader_connector.domain.terminal import Launch, Rehearsal
from metatrader_connector.look_cli import Look
from metatrader_connector.terminal_worker import Worker


class NeverSends:
    """The simulator; `order_send` counts its calls and executes none."""

    def __init__(self) -> None:
        self.sent = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(mt5sim, name)

    def order_send(self, *_: Any, **__: Any) -> None:
        self.sent += 1


@pytest.fixture
def terminal(tmp_path):
    path = tmp_path / "terminal.json"
    path.write_text(json.dumps({"account": {"login": 1000001}}))
    return path


def look(terminal, *more: str) -> Look:
    command = [
        sys.executable,
        "-m",
        "metatrader_connector",
        "look",
        "--data",
        str(terminal.parent),
        "--terminal",
        "mt5sim",
    ]
    done = subprocess.run([*command, "--path", str(terminal), *more], capture_output=True, timeout=60, check=True)
    return decode(done.stdout.strip().splitlines()[-1], type=Look)


def test_a_rehearsal_asks_order_check_and_sends_nothing(terminal) -> None:
    module = NeverSends()
    worker = Worker(module, Launch("mt5sim", str(terminal), "", 1_000))
    worker.open()
    try:
        good = worker.rehearse(Rehearsal("EURUSD", 0.01, (0, 1, 2)))
        assert (good.retcode, good.error, good.margin > 0) == (0, 0, True)
        assert worker.rehearse(Rehearsal("EURUSD", 0.0101, (0, 1, 2))).retcode == 10014
        assert (module.sent, mt5sim.positions_total(), mt5sim.orders_total()) == (0, 0, 0)
    finally:
        mt5sim.shutdown()


def test_it_shows_account_and_symbols_and_what_a_test_order_would_meet(terminal) -> None:
    found = look(terminal, "--symbols", "EURUSD,NOPE", "--volume", "5000")
    assert (found.login, found.kind, found.causes) == (1000001, "a demo account, hedging", ())
    known, unknown = found.symbols
    assert (known.name, known.rehearsed) == ("EURUSD", "the broker does not take this volume (10014)")
    assert (unknown.name, unknown.rehearsed) == ("", "")


def test_a_terminal_that_does_not_open_is_trouble_in_words(terminal) -> None:
    terminal.unlink()
    assert "-10003" in look(terminal).trouble


def test_it_stays_away_from_the_terminal_of_a_running_client(terminal) -> None:
    with hold_directory(terminal.parent / "connector.lock"):
        assert "a client runs with" in look(terminal).trouble
