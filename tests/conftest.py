"""What system and chaos tests share: the stage of tools/, made ticks, and a browser where one can be had."""

import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.testing.alone import alone

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "system")]

from stage import Stage  # noqa: E402 the tools are programs, not a package


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A platform of one's own on free ports; what it started is gone afterwards."""
    stage = Stage(tmp_path / "data")
    try:
        yield stage
    finally:
        stage.stop()


@pytest.fixture
def made_ticks(tmp_path: Path) -> Path:
    """20,000 made EURUSD quotes, about 200 ms apart, with repeated stamps; `ts_ms_utc,bid,ask`."""
    walk, bid, now = random.Random(11), 1.1, 1_700_000_000_000
    lines = ["ts_ms_utc,bid,ask"]
    for _ in range(20_000):
        now += walk.choice((0, 1, 150, 250, 400, 400))
        bid = round(bid + walk.choice((-1, 0, 0, 1)) * 1e-5, 5)
        lines.append(f"{now},{bid:.5f},{bid + 8e-5:.5f}")
    path = tmp_path / "ticks.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def chromium() -> str:
    """A Chromium to drive; installed with apt where we may, otherwise the test is skipped and says so."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None and shutil.which("apt-get"):
        with alone("apt"):
            for command in (
                ["apt-get", "update", "-qq"],
                ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core"],
            ):
                if shutil.which("chromium") is None:
                    subprocess.run(command, check=False, capture_output=True, timeout=600)
        found = shutil.which("chromium")
    if found is None:
        pytest.skip("NO BROWSER: install Chromium (apt-get install chromium) to run the browser tests")
    return found
