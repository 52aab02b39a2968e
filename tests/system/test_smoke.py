"""The proof of `make smoke`, on a small file with every kind of bad quote in it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stage import ROOT

pytestmark = pytest.mark.system

KEYS = {
    "ticks", "signals", "executions", "orders", "ready_s", "stored_ticks_per_s", "tick_to_order_ms",
}  # fmt: skip
TICK_KEYS = {"in_file", "sent", "stored", "duplicated", "lost", "refused"}


def dirty(clean: Path, path: Path) -> dict[str, int]:
    """A copy with bad quotes strewn in; returns how many of each must be refused, and how many are crossed."""
    lines = clean.read_text().splitlines()
    bad = {
        100: ("nan", "{t},nan,1.1"),
        200: ("nan", "{t},1.1,nan"),
        300: ("not_positive", "{t},0,1.1"),
        400: ("not_positive", "{t},-1.1,1.1"),
        500: ("crossed", "{t},1.2,1.1"),
        600: ("crossed", "{t},1.3,1.1"),
        700: ("backwards", "{earlier},1.1,1.2"),
    }
    counts: dict[str, int] = {}
    for row, (kind, text) in bad.items():
        stamp = int(lines[row].split(",")[0])
        lines.insert(row + 1, text.format(t=stamp, earlier=stamp - 3_600_000))
        counts[kind] = counts.get(kind, 0) + 1
    path.write_text("\n".join(lines) + "\n")
    return counts


def test_a_dirty_file_goes_through_with_nothing_lost_doubled_or_unexplained(made_ticks: Path, tmp_path: Path) -> None:
    file = tmp_path / "dirty.csv"
    counts = dirty(made_ticks, file)
    done = subprocess.run(
        [sys.executable, "tools/smoke.py", str(file), "EURUSD"],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    proof = json.loads(done.stdout.splitlines()[-1])
    assert proof.keys() >= KEYS
    ticks = proof["ticks"]
    assert ticks.keys() >= TICK_KEYS
    assert ticks["refused"] == {"nan": counts["nan"], "not_positive": counts["not_positive"]}
    assert ticks["crossed"] == counts["crossed"]
    assert (ticks["lost"], ticks["duplicated"]) == (0, 0)
    assert ticks["stored"] == ticks["in_file"] - counts["nan"] - counts["not_positive"]
    assert proof["executions"] > 0
    assert set(proof["orders"]) <= {"FILLED", "DENIED", "REJECTED", "EXPIRED"}


def test_a_file_that_is_not_there_is_said_in_a_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "tools/smoke.py", "nowhere.csv", "EURUSD"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.strip() == "There is no file nowhere.csv; give TICKS=path of a tick file."
