"""The whole client as a person starts it: four apps, one line, a status, and an orderly or a sudden end."""

import asyncio
import contextlib
import json
import os
import sys

import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client_security.lifespan import STOP_ON_EOF
from client_security.testing import enrolment_of
from client_security.vaults import vault_in
from kit.free_ports import free_port
from kit.testing import eventually
from kit.testing.pki import TestAuthority

pytestmark = pytest.mark.integration
BUNDLE = os.environ.get("AITRADING_TEST_BUNDLE", "")
"""A bundled program to test in place of the sources."""
PROGRAM = [BUNDLE] if BUNDLE else [sys.executable, "-m", "desktop.cli"]


@pytest.fixture
def home(tmp_path):
    """An enrolment for a server that is not there, and a simulated terminal."""
    port = free_port()
    server = f"wss://127.0.0.1:{port}/terminal"
    enrolment = enrolment_of(TestAuthority(tmp_path / "server"), server, Ed25519PrivateKey.generate())
    (tmp_path / "enrolment.json").write_text(json.dumps(enrolment))
    (tmp_path / "terminal.json").write_text(json.dumps({"account": {"login": 1000001}}))
    return tmp_path


async def start(home) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *PROGRAM, "run", "--enrolment", str(home / "enrolment.json"),
        "--terminal", "mt5sim", "--terminal-path", str(home / "terminal.json"), "--terminal-clock", "utc",
        "--data", str(home / "data"), "--free-ports", "--keeper", "file",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env={**os.environ, STOP_ON_EOF: "1"},
    )  # fmt: skip


def stop(client: asyncio.subprocess.Process) -> None:
    """As a person does: Ctrl-C, which Windows can't send to one program alone; there as the tray does."""
    if sys.platform == "win32":
        client.stdin.close()
    else:
        client.terminate()


async def status(home) -> dict[str, dict[str, str]]:
    """app -> dependency -> health, as `status --json` tells it."""
    asked = await asyncio.create_subprocess_exec(
        *PROGRAM, "status", "--json", "--data", str(home / "data"),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    text, _ = await asked.communicate()
    return {a["service"]: {d["name"]: d["health"] for d in a["dependencies"]} for a in json.loads(text or b"[]")}


async def test_it_starts_four_apps_tells_the_truth_restarts_one_and_stops_clean(home) -> None:
    client = await start(home)
    try:

        async def honest() -> bool:
            found = await status(home)
            connector = found.get("metatrader-connector", {})
            return len(found) == 4 and connector.get("terminal") == "ok" and connector.get("uplink") == "failed"

        await eventually(honest, within_s=30, every_s=0.3)
        children = psutil.Process(client.pid).children()
        assert len(children) == 4
        assert_no_secret_is_in_sight(home, client.pid)
        victim = next(child for child in children if "config_manager" in child.cmdline())
        victim.kill()
        await eventually(lambda: _config_manager(client.pid) not in (None, victim.pid), within_s=15)
    finally:
        everyone = psutil.Process(client.pid).children(recursive=True)
        stop(client)
        assert await asyncio.wait_for(client.wait(), 20) == 0
    assert not [one for one in everyone if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    text = (await client.stdout.read()).decode()
    assert "client of account 1000001" in text
    assert "not connected: " in text


def assert_no_secret_is_in_sight(home, pid: int) -> None:
    """Neither in a command line, nor in an environment, nor in a log: of this program and all below it."""
    vault = vault_in(home / "data")
    secrets = {vault.unlocked_key().hex().encode(), vault.unlocked_key(), b"one-time-secret"}
    if (key := vault.entry("terminal-key")) is not None:
        secrets.add(key.split(b"\n")[1])
    looked = [path.read_bytes() for path in (home / "data" / "logs").iterdir()]
    for one in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
        looked.append(" ".join(one.cmdline()).encode())
        looked.append(repr(one.environ()).encode())
    assert len(looked) >= 4 + 2 * 5
    assert not [secret for secret in secrets for text in looked if secret in text]


def _config_manager(parent: int) -> int | None:
    for child in psutil.Process(parent).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it may end while it is looked at
            if "config_manager" in child.cmdline():
                return child.pid
    return None


async def test_a_killed_client_leaves_nothing_running(home) -> None:
    client = await start(home)
    await eventually(lambda: len(psutil.Process(client.pid).children(recursive=True)) >= 5, within_s=20)
    everyone = psutil.Process(client.pid).children(recursive=True)
    client.kill()
    await client.wait()
    gone = lambda: not [p for p in everyone if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]  # noqa: E731
    await eventually(gone, within_s=20)


async def test_it_stops_in_order_when_whoever_started_it_is_gone(home) -> None:
    client = await start(home)
    await eventually(lambda: len(psutil.Process(client.pid).children(recursive=True)) >= 5, within_s=20)
    everyone = psutil.Process(client.pid).children(recursive=True)
    client.stdin.close()
    assert await asyncio.wait_for(client.wait(), 20) == 0
    assert not [one for one in everyone if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
