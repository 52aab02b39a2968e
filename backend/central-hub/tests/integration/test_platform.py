"""The real engines and tiny services under a real hub process: start, stop, kill, take over."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from central_hub.adapters import net, processes
from central_hub.adapters.datadir import DataDir
from central_hub.adapters.leftovers import stop_recorded
from central_hub.adapters.secret_files import seed_file
from central_hub.cli import main
from central_hub.cli.asking import get, on_bus
from central_hub.domain.runstate import RunState
from contracts import rpc
from kit.errors import KitError
from kit.nats_client import KeyedClient
from kit.testing import eventually
from kit.tls import TlsFiles, client_context, host_of

HERE = Path(__file__).parent
pytestmark = pytest.mark.integration


def within(fact: Callable[[], object], limit_s: float = 15.0) -> None:
    """Wait until `fact()` is true."""
    deadline = time.monotonic() + limit_s
    while not fact():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


class Hub:
    """A hub process on a data directory."""

    def __init__(self, root: Path) -> None:
        self.data = DataDir(root)
        self.out = root.parent / "hub.out"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *programs: str) -> "Hub":
        environ = {**os.environ, "PYTHONPATH": str(HERE)}
        with self.out.open("ab") as out:
            argv = [sys.executable, str(HERE / "hub_driver.py"), str(self.data.root), *programs]
            self.process = subprocess.Popen(argv, env=environ, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        return self

    def said(self) -> str:
        return self.out.read_text()

    def ready(self) -> None:
        before = self.said().count("ready: ")
        within(lambda: self.said().count("ready: ") > before or self.ended())
        assert not self.ended(), self.said()

    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)

    def state(self) -> RunState:
        return self.data.read_state()

    def pids(self) -> dict[str, int]:
        return {name: record.pid for name, record in self.state().programs.items()}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = Hub(tmp_path / "d")
    made.out.touch()
    yield made
    if not made.ended():
        made.stop()
    import asyncio

    from hub_driver import TABLE

    asyncio.run(stop_recorded(made.state(), TABLE, lambda _: None))


@pytest.fixture(autouse=True)
def _driver_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))


def test_all_programs_start_become_ready_and_stop(hub: Hub) -> None:
    hub.start().ready()
    state = hub.state()
    assert set(state.programs) == {"nats", "postgresql", "fake-first", "fake-second"}
    assert all(processes.is_same(record) for record in state.programs.values())
    assert hub.stop() == 0
    assert not any(processes.is_same(record) for record in state.programs.values())
    assert hub.state() == RunState()
    assert "Traceback" not in hub.said()


def test_the_list_tells_what_the_hub_found_when_it_asked_the_engines(hub: Hub) -> None:
    hub.start("nats", "postgresql").ready()
    rows = engines(hub)
    assert {name: row.state for name, row in rows.items()} == {"nats": "running", "postgresql": "running"}
    assert {row.probe.detail for row in rows.values() if row.probe} == {"JetStream is on", "takes connections"}
    assert all(row.heartbeat is None and row.probe and row.probe.health == "ok" for row in rows.values())
    assert {name: row.port for name, row in rows.items()} == {"nats": hub.state().ports["nats"], "postgresql": 0}
    os.kill(hub.pids()["nats"], signal.SIGKILL)
    within(lambda: (probe := engines(hub)["nats"].probe) is not None and probe.health == "failed")
    within(lambda: (probe := engines(hub)["nats"].probe) is not None and probe.health == "ok")


def engines(hub: Hub) -> dict[str, rpc.ServiceRow]:
    """What the hub's page says of the engines."""
    status, body = get(hub.data, "central-hub", "/services")
    assert status == 200
    services = msgspec.convert(msgspec.json.decode(body)["services"], rpc.Services)
    return {row.service: row for row in services.services if row.service in ("nats", "postgresql")}


def test_services_live_on_when_the_hub_is_killed_and_a_new_hub_takes_them_over(hub: Hub) -> None:
    hub.start().ready()
    before = hub.pids()
    hub.kill()
    assert all(processes.is_same(record) for record in hub.state().programs.values())
    assert get(hub.data, "fake-first", "/health/ready")[0] == 200
    hub.start().ready()
    assert hub.pids() == before
    assert hub.said().count("taken over") == 4
    hub.stop()
    assert not any(processes.started(pid) for pid in before.values())


def test_what_a_dead_hub_left_can_be_stopped(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.start("nats").ready()
    record = hub.state().programs["nats"]
    hub.kill()
    assert main(["down", "--data", str(hub.data.root)]) == 0
    assert not processes.is_same(record)
    assert "nats: stopped" in capsys.readouterr().out


def test_a_living_hub_is_stopped_from_outside(hub: Hub) -> None:
    hub.start("nats").ready()
    assert main(["down", "--data", str(hub.data.root)]) == 0
    assert hub.process
    assert hub.process.wait(5) == 0


def test_a_second_hub_is_refused_in_one_sentence(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.start("nats").ready()
    assert main(["up", "--data", str(hub.data.root)]) == 1
    said = capsys.readouterr().err
    assert "already runs" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("program", ["fake-first", "nats", "postgresql"])
def test_a_killed_program_is_started_again(hub: Hub, program: str) -> None:
    hub.start().ready()
    killed = hub.pids()[program]
    os.kill(killed, signal.SIGKILL)
    within(lambda: hub.pids().get(program, killed) != killed)
    assert hub.state().programs[program].restarts == 1
    if program != "postgresql":
        port = hub.state().ports[program]
        within(lambda: net.is_taken(port))


def test_a_service_killed_while_no_hub_lived_is_started_by_the_next(hub: Hub) -> None:
    hub.start().ready()
    before = hub.pids()
    hub.kill()
    os.kill(before["fake-first"], signal.SIGKILL)
    within(lambda: not processes.is_same(hub.state().programs["fake-first"]))
    hub.start().ready()
    after = hub.pids()
    assert after["fake-first"] != before["fake-first"]
    assert after["nats"] == before["nats"]


def test_a_service_that_falls_at_once_does_not_take_the_others_along(hub: Hub) -> None:
    hub.data.open()
    (hub.data.root / "fake-second.fails").touch()
    hub.start()
    within(lambda: "starting it again in 0.8 s" in hub.said())
    assert "no reason to live" in hub.said()
    assert get(hub.data, "fake-first", "/health/ready")[0] == 200
    (hub.data.root / "fake-second.fails").unlink()
    within(lambda: "ready: 4 programs" in hub.said())


def test_the_hub_answers_about_everything_over_the_bus_and_as_a_page(hub: Hub) -> None:
    hub.start().ready()

    def known() -> dict[str, str]:
        with contextlib.suppress(OSError, KitError):
            found = on_bus(hub.data, lambda bus: bus.ask(rpc.SERVICES, rpc.Nothing()))
            return {row.service: row.state for row in found.services}
        return {}

    within(lambda: {"nats", "postgresql", "central-hub", "fake-first"} <= set(known()))
    assert known()["postgresql"] == "running"
    assert get(hub.data, "central-hub", "/services")[0] == 200


def test_an_engine_that_can_not_start_ends_the_start_with_a_sentence(hub: Hub) -> None:
    hub.data.open()
    (hub.data.root / "nats").write_text("in the way")
    hub.start("nats")
    within(hub.ended)
    assert hub.process
    assert hub.process.returncode == 1
    assert "nats could not be prepared" in hub.said()
    assert "Traceback" not in hub.said()


def test_a_taken_port_is_told_before_anything_is_started(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        first = min(port, 65_000)
        assert main(["up", "--data", str(tmp_path / "d"), "--ports-from", str(first)]) == 1
    said = capsys.readouterr().err
    assert f"Port {port} for nats" in said
    assert "--free-ports" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "d" / "nats").exists()


async def test_a_service_may_not_speak_for_another_on_the_real_bus(hub: Hub) -> None:
    import nats

    hub.start("nats").ready()
    url = f"tls://127.0.0.1:{hub.state().ports['nats']}"

    def files_of(user: str) -> TlsFiles:
        return TlsFiles(hub.data.secrets / "tls" / user)

    heard: list[bytes] = []
    errors: list[Exception] = []

    async def note(error: Exception) -> None:
        errors.append(error)

    async def connect(user: str) -> nats.NATS:
        client = KeyedClient()  # the library's own needs a package that we do not ship
        await client.connect(
            url, nkeys_seed=str(seed_file(hub.data.secrets, user)), tls=client_context(files_of(user)),
            tls_hostname=host_of("nats"), tls_handshake_first=True, error_cb=note, allow_reconnect=False,
        )  # fmt: skip
        return client

    bridge, engine, gateway = (
        await connect("data-bridge"),
        await connect("trading-engine"),
        await connect("api-gateway"),
    )

    async def hear(message: nats.aio.msg.Msg) -> None:
        heard.append(message.data)

    await bridge.subscribe("signals.>", cb=hear)
    await bridge.flush()
    await gateway.publish("signals.default.1", b"forged")
    await gateway.flush()
    await engine.publish("signals.default.1", b"real")
    await engine.flush()
    await eventually(lambda: heard == [b"real"])
    await eventually(lambda: any("permissions violation" in str(error).lower() for error in errors))
    with pytest.raises(nats.errors.Error):  # a certificate alone is not enough
        await nats.connect(
            url, tls=client_context(files_of("operator")), tls_hostname=host_of("nats"), tls_handshake_first=True,
            allow_reconnect=False, error_cb=note,
        )  # fmt: skip
    for client in (bridge, engine, gateway):
        await client.close()
