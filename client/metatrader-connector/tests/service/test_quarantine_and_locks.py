"""Refused ticks stay readable and bounded; failpoints and locks do what they say."""

import msgspec
import numpy as np
import pytest

from metatrader_connector.adapters.quarantine import MAX_ROWS_PER_READ, Quarantine
from metatrader_connector.adapters.single import AlreadyRunning, hold_directory
from metatrader_connector.domain.cursor import TICK_DTYPE
from metatrader_connector.failpoints import from_environment, never


def test_refused_rows_are_kept_with_reason_and_the_file_never_grows_beyond_its_limit(tmp_path) -> None:
    rows = np.zeros(1_000, dtype=TICK_DTYPE)
    rows["bid"] = float("nan")
    keep = Quarantine(tmp_path / "q.jsonl")
    keep.keep("EURUSD", "nan", rows, 5)
    lines = keep.path.read_bytes().splitlines()
    assert len(lines) == MAX_ROWS_PER_READ
    assert {"symbol": "EURUSD", "reason": "nan", "of": 1_000, "bid": "nan"}.items() <= msgspec.json.decode(
        lines[0]
    ).items()
    keep.path.write_bytes(b"x" * (8 * 1024 * 1024 + 1))
    keep.keep("EURUSD", "nan", rows[:1], 5)
    assert keep.path.stat().st_size < 1_000
    assert keep.path.with_suffix(".old").exists()


def test_a_failpoint_needs_permission_and_a_known_name() -> None:
    wanted = {"AITRADING_FAILPOINT": "after_send"}
    assert from_environment(wanted) is never
    assert from_environment({**wanted, "AITRADING_FAILPOINT": "x", "AITRADING_ALLOW_FAILPOINTS": "1"}) is never
    armed = from_environment({**wanted, "AITRADING_ALLOW_FAILPOINTS": "1"})
    assert armed is not never
    armed("after_journal")  # another step: nothing happens


def test_a_directory_is_held_once(tmp_path) -> None:
    held = hold_directory(tmp_path / "connector.lock")
    with pytest.raises(AlreadyRunning, match="stop it first"):
        hold_directory(tmp_path / "connector.lock")
    held.close()
    hold_directory(tmp_path / "connector.lock").close()
