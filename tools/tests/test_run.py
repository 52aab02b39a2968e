"""`make run LIVE=…` without an exchange: one sentence that says what to do, and no traceback."""

import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).resolve().parent.parent


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module."""
    monkeypatch.syspath_prepend(str(TOOLS))
    spec = importlib.util.spec_from_file_location("run", TOOLS / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_the_exchange_one_sentence_says_why_and_what_to_start_instead(run: ModuleType) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(run.StageError) as said:
            run.look_for_quotes("BTCUSDT", f"ws://127.0.0.1:{nobody.getsockname()[1]}/ws")
    text = str(said.value)
    assert text.startswith("No live quotes of BTCUSDT: 127.0.0.1 cannot be reached (Connection refused)")
    assert text.endswith("For simulated prices, start with: make run")
    assert "\n" not in text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"LIVE": "EURUSD"}, "LIVE=EURUSD is not known: use LIVE=BTCUSDT"),
        ({"LIVE": "btcusdt", "TICKS": "x"}, "LIVE and TICKS"),
    ],
)
def test_what_cannot_be_shown_live_ends_with_code_1_and_no_traceback(given: dict[str, str], words: str) -> None:
    done = subprocess.run(
        [sys.executable, str(TOOLS / "run.py")],
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
