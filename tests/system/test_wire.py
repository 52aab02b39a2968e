"""A running platform as the network sees it: which sockets listen, what crosses them, who gets in."""

import asyncio
import http.client
import json
import os
import socket
import ssl
import stat
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sniffer import Heard, listening, may_listen

from contracts import rpc
from contracts.ports import ANYONE, LISTENERS, Wire
from kit.tls import TlsFiles, client_context, host_of
from stage import ACCOUNT, TENANT, Stage, generated_market, until

pytestmark = pytest.mark.system

NEEDLES = (
    b"EURUSD", b"XAUUSD", ACCOUNT.encode(), b'"tenant"', b"ticks.default", b"signals.default", b"_INBOX.", b"$JS.API",
    b"CONNECT {", b"INFO {", b"PING\r\n", b"HTTP/1.1", b"GET /", b"POST /", b"Authorization", b"eyJhbG", b"SELECT ",
    b"insert into", b"heartbeat", b"welcome",
)  # fmt: skip
LIFETIME_S = 30


def plain_ports(stage: Stage) -> dict[int, str]:
    """Ports that may carry plain text, each with its reason."""
    return {stage.ports["api-gateway"]: "the browser's own machine: plain HTTP on loopback only"}


def pids(stage: Stage) -> list[psutil.Process]:
    """Every process of the server: the hub, what it started, and their children."""
    state = json.loads((stage.data / "run" / "state.json").read_text())
    roots = [state["hub"]["pid"], *(record["pid"] for record in state["programs"].values())]
    found = {process.pid: process for pid in roots for process in [psutil.Process(pid)]}
    for process in list(found.values()):
        found |= {child.pid: child for child in process.children(recursive=True)}
    client = stage.client.pid if stage.client else 0
    return [process for pid, process in found.items() if pid != client]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Heard | None]]:
    """A platform with a client, heard from its first byte on, whose certificates live half a minute."""
    stage = Stage(tmp_path_factory.mktemp("wire") / "data", generated_market(seed=3, ticks_per_second=50.0))
    stage.strategy = stage.strategy.replace("sample_ms=1000", "sample_ms=200")
    stage.environ = {"AITRADING_LEAF_LIFETIME_S": str(LIFETIME_S)}
    try:
        heard = None
        if may_listen():
            # until the first orders are filled; later tests speak plainly on purpose
            with listening(NEEDLES) as heard:
                _run(stage)
        else:
            _run(stage)
        yield stage, heard
    finally:
        stage.stop()


def _run(stage: Stage) -> None:
    stage.start_platform()
    stage.start_client()
    asyncio.run(_trade(stage))
    with urllib.request.urlopen(f"{stage.address}/api/v1/setup", timeout=5) as answer:
        assert answer.status == 200


async def _trade(stage: Stage) -> None:
    async with stage.bus() as bus:

        async def filled() -> bool:
            return (await bus.ask(rpc.SUMMARY, rpc.StoredQuestion(TENANT, ""), timeout_s=15)).executions > 0

        await until(filled, 60, "filling the first order")


Whole = tuple[Stage, Heard | None]


def test_exactly_the_listed_ports_listen_and_only_on_loopback(whole: Whole) -> None:
    stage, _ = whole
    found = {}
    for process in pids(stage):
        for one in process.net_connections("inet"):
            if one.status == psutil.CONN_LISTEN or one.type == socket.SOCK_DGRAM:
                found[one.laddr.port] = (one.laddr.ip, process.name())
    assert set(found) == {stage.ports[program] for program in LISTENERS}, found
    assert {address for address, _ in found.values()} == {"127.0.0.1"}


def test_unix_sockets_are_for_their_owner_only(whole: Whole) -> None:
    stage, _ = whole
    ours = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    paths = {Path(parts[7]) for parts in ours if len(parts) > 7 and parts[7].startswith(str(stage.data))}
    assert {path.name for path in paths} == {".s.PGSQL.5432"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}


def ask(port: int, context: ssl.SSLContext | None, program: str, path: str = "/metrics") -> int:
    """The status of a page; 0 when the caller is not answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.connect()
        if context:
            connection.sock = context.wrap_socket(connection.sock, server_hostname=host_of(program))
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


@pytest.mark.parametrize("program", [name for name, one in LISTENERS.items() if one.wire is not Wire.HTTP_LOOPBACK])
def test_N09_whoever_shows_no_certificate_or_speaks_plainly_learns_nothing(whole: Whole, program: str) -> None:
    stage, _ = whole
    port, secrets = stage.ports[program], stage.data / "secrets" / "tls"
    operator = client_context(TlsFiles(secrets / "operator"))
    assert ask(port, None, program) == 0
    nobody = ask(port, client_context(secrets / "operator" / "ca.pem"), program)
    if program != "nats":  # it does not speak HTTP
        assert ask(port, operator, program) == 200
    assert nobody == (403 if ANYONE in LISTENERS[program].who else 0)


@pytest.mark.parametrize("program", [name for name, one in LISTENERS.items() if one.wire is not Wire.HTTP_LOOPBACK])
def test_N10_tls_1_2_is_refused_on_every_port(whole: Whole, program: str) -> None:
    stage, _ = whole
    old = client_context(TlsFiles(stage.data / "secrets" / "tls" / "operator"))
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", stage.ports[program]), 5) as plain, pytest.raises(OSError):
        old.wrap_socket(plain, server_hostname=host_of(program))


def test_no_secret_stands_in_an_environment_or_a_command_line(whole: Whole) -> None:
    stage, _ = whole
    secrets = stage.data / "secrets"
    files = [*secrets.rglob("*.seed"), *secrets.rglob("*.password"), *secrets.rglob("*.key"), secrets / "setup.code"]
    known = [file.read_bytes().strip() for file in files if file.is_file()]
    assert len(known) > 10
    for process in pids(stage):
        shown = b"\n".join(Path(f"/proc/{process.pid}/{name}").read_bytes() for name in ("environ", "cmdline"))
        assert not [secret for secret in known if secret in shown], process.name()


async def _stored(stage: Stage) -> tuple[int, int, int]:
    async with stage.bus() as bus:
        stats = await bus.ask(rpc.TICKS_STATS, rpc.StatsQuestion(TENANT, ACCOUNT), timeout_s=15)
        return tuple(sum(getattr(one, name) for one in stats.streams) for name in ("rows", "lost", "duplicated"))  # type: ignore[return-value]


def test_N11_certificates_change_while_the_platform_trades_and_nothing_is_lost_or_cut(whole: Whole) -> None:
    stage, _ = whole
    leafs = {folder.name: (folder / "cert.pem") for folder in (stage.data / "secrets" / "tls").iterdir()}
    before = {name: file.read_bytes() for name, file in leafs.items()}
    rows, _, _ = asyncio.run(_stored(stage))
    deadline = time.monotonic() + 2 * LIFETIME_S
    while any(file.read_bytes() == before[name] for name, file in leafs.items()):
        assert time.monotonic() < deadline, "not everybody got a new certificate"
        time.sleep(0.5)
    # past the end of the first leafs: what runs now runs on new ones
    time.sleep(LIFETIME_S)
    more, lost, doubled = asyncio.run(_stored(stage))
    assert more > rows
    assert (lost, doubled) == (0, 0)
    assert all(stage.ready(program) for program in LISTENERS if program != "nats")
    logs = "".join(file.read_text(errors="replace") for file in (stage.data / "logs").glob("*.log"))
    assert "certificate_reloaded" in logs
    assert "bus_disconnected" not in logs
    assert "uplink_down" not in logs


@pytest.mark.skipif(not may_listen(), reason="NOT RUN: only root on Linux may hear the wire")
def test_no_plain_byte_of_ours_crosses_the_network(whole: Whole) -> None:
    stage, heard = whole
    assert heard is not None
    allowed = plain_ports(stage)
    ours = {port for process in pids(stage) for one in process.net_connections("tcp") for port in _ports(one)}
    ours |= {stage.ports[program] for program in LISTENERS}
    guarded = {stage.ports[name] for name, one in LISTENERS.items() if one.wire is not Wire.HTTP_LOOPBACK}
    # the ear works: the gateway's own HTTP was heard, and every guarded port carried something
    assert stage.ports["api-gateway"] in heard.found[b"HTTP/1.1"]
    assert all(heard.total(port) > 1_000 for port in guarded)
    assert heard.total(stage.ports["nats"]) > 100_000
    assert heard.lost == 0, "the kernel dropped packets: this proves nothing, run it again on a quieter machine"
    guarded |= set(json.loads((stage.client_data / "client.json").read_text())["ports"].values())
    leaks = {needle: ports & guarded for needle, ports in heard.found.items() if ports & guarded}
    assert leaks == {}
    assert heard.not_tls(guarded) == {}
    elsewhere = {needle: sorted(ports & ours) for needle, ports in heard.found.items() if ports & ours}
    for needle, ports in elsewhere.items():
        assert set(ports) & set(allowed), f"{needle!r} crossed {ports}"


def _ports(one: "psutil._common.pconn") -> list[int]:
    return [end.port for end in (one.laddr, one.raddr) if end]


@pytest.mark.skipif(not may_listen(), reason="NOT RUN: only root on Linux may hear the wire")
def test_the_ear_hears_a_plain_word_and_tells_it_from_tls() -> None:
    with listening((b"EURUSD",)) as heard, socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            near, _ = server.accept()
            client.sendall(b"price of EUR")
            time.sleep(0.05)
            client.sendall(b"USD")
            near.recv(100)
            near.close()
        time.sleep(0.5)
    assert port in heard.found[b"EURUSD"]
    assert heard.not_tls({port})
    assert os.geteuid() == 0
