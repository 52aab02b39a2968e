"""The rim under trouble: a bus that refuses, an audit trail that waits, a shelf that is full, a missing key."""

import asyncio
import base64
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bench_bridge
import bridge_rig as rig
import pytest

from contracts.audit import AuditRecord
from contracts.codec import decode, encode
from contracts.uplink import Control, Hello, Ping, Welcome
from data_bridge.adapters.shelf import EVERY_MS, FileShelf
from data_bridge.adapters.trail import MOST_WAITING, BusTrail
from data_bridge.app import create_app
from data_bridge.domain.counts import Counts
from data_bridge.domain.greeting import Identity
from data_bridge.settings import Settings
from kit.errors import BusUnavailable, SettingsError
from kit.lifespan import opened
from kit.testing import FakeBus, FakeClock, eventually
from kit.tls import host_of


class ChokingBus(FakeBus):
    """Answers probes, yet refuses ticks a number of times: a stream without room."""

    refusals = 6

    async def store(self, subject: str, data: bytes, message_id: str = "") -> None:
        if subject.startswith("ticks.") and self.refusals:
            self.refusals -= 1
            raise BusUnavailable("no room") if self.refusals % 2 else RuntimeError("something else")
        await super().store(subject, data, message_id)


async def test_a_bus_that_answers_but_takes_nothing_is_waited_for_and_nothing_is_missing(run_app: Any) -> None:
    async with run_app(ChokingBus()) as app, app.terminal() as terminal:
        await eventually(lambda: terminal.heard(Welcome))
        await asyncio.wait_for(terminal.feed("EURUSD", 100, batch=10), 10)
        assert app.store.kept["EURUSD", rig.EPOCH] == list(range(1, 101))
        assert app.metric("bridge_publish_failures_total") == 6


async def test_stored_news_that_can_not_be_read_are_counted_and_harm_nobody(app: Any) -> None:
    async with app.terminal() as terminal:
        await eventually(lambda: terminal.heard(Welcome))
        await app.bus.publish("stored.default.1000001", b"\xc1")
        assert app.metric("bridge_refused_total", reason="bad_stored") == 1
        await terminal.send(rig.ticks_of("EURUSD", 1, 1))
        await eventually(lambda: terminal.acked("EURUSD") == 1)


async def test_audit_records_wait_for_the_bus_in_order() -> None:
    bus = FakeBus(down=True)
    trail = BusTrail("data-bridge", bus, FakeClock(), Counts())
    working = asyncio.create_task(trail.work())
    for kind in ("first", "second"):
        trail.record("default", kind, "x", {})
    await asyncio.sleep(0)
    bus.down = False
    await trail.finish(5)
    assert [decode(d, AuditRecord).kind for d in bus.on("audit.default")] == ["first", "second"]
    working.cancel()


async def test_an_audit_trail_has_a_bound_and_its_overflow_is_counted() -> None:
    counts = Counts()
    trail = BusTrail("data-bridge", FakeBus(down=True), FakeClock(), counts)
    for _ in range(MOST_WAITING + 3):
        trail.record("default", "k", "x", {})
    assert len(trail.waiting) == MOST_WAITING
    assert counts.refused == {"audit_overflow": 3}
    trail.waiting = type(trail.waiting)([trail.waiting[0]])
    await trail.finish(0.01)  # the bus stays away: the log gets the record


def test_a_shelf_keeps_a_bounded_number_of_frames_and_is_not_hurried(tmp_path: Path) -> None:
    clock = FakeClock()
    shelf = FileShelf(tmp_path / "refused", 2, clock)
    who = Identity("default", "1000001", "pc-1", 0)
    for frame in (b"1", b"2", b"3"):
        clock.advance(EVERY_MS)
        shelf.put(who, "malformed", frame)
        shelf.put(who, "malformed", b"too soon")
    kept = {p.read_bytes() for p in (tmp_path / "refused").iterdir()}
    assert kept == {b"2", b"3"}


def test_a_shelf_without_slots_or_without_a_folder_keeps_nothing_and_fails_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    who = Identity("default", "1000001", "pc-1", 0)
    FileShelf(tmp_path / "none", 0, FakeClock()).put(who, "malformed", b"1")
    FileShelf(tmp_path / "file", 1, FakeClock()).put(who, "malformed", b"1")
    assert not (tmp_path / "none").exists()


async def test_without_the_hubs_key_the_bridge_says_what_to_do(tmp_path: Path) -> None:
    settings = Settings(port=rig.free_port(), data_dir=tmp_path, token_public_key=tmp_path / "absent")
    async with opened("data-bridge", settings, bus=FakeBus(), clock=FakeClock()) as service:
        with pytest.raises(SettingsError, match="start the hub first"):
            await create_app(service, settings)


async def secured(raw: socket.socket, context: ssl.SSLContext) -> Callable[[bytes], bytes]:
    """Shake hands on a socket of one's own; what is returned seals what is then written to it."""
    loop, incoming, outgoing = asyncio.get_running_loop(), ssl.MemoryBIO(), ssl.MemoryBIO()
    end = context.wrap_bio(incoming, outgoing, server_hostname=host_of("data-bridge"))
    while True:
        try:
            end.do_handshake()
            break
        except ssl.SSLWantReadError:
            await loop.sock_sendall(raw, outgoing.read())
            incoming.write(await loop.sock_recv(raw, 65_536))
    await loop.sock_sendall(raw, outgoing.read())

    def sealed(data: bytes) -> bytes:
        end.write(data)
        return outgoing.read()

    return sealed


async def test_a_terminal_that_never_reads_is_not_read_either_and_then_left(app: Any) -> None:
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        raw.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(raw, ("127.0.0.1", app.service.settings.port))
        sealed = await secured(raw, app.tls)
        upgrade = (
            "GET /terminal HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {app.token()}\r\n\r\n"
        )
        hello = Control(Hello(1, rig.TENANT, rig.ACCOUNT, rig.EPOCH, "deaf", 1))
        await loop.sock_sendall(raw, sealed(upgrade.encode() + bench_bridge.ws_frame(encode(hello))))
        await eventually(lambda: app.metric("bridge_terminals") == 1)
        pings = bench_bridge.ws_frame(encode(Control(Ping(1)))) * 2_000

        async def shout() -> None:
            for _ in range(2_000):  # far more answers than any buffer holds, if they were all made
                await asyncio.wait_for(loop.sock_sendall(raw, sealed(pings)), 0.3)

        with pytest.raises(TimeoutError):
            await shout()
        app.clock.advance(14_000)
        await asyncio.sleep(0.3)
        assert app.metric("bridge_terminals") == 1
        app.clock.advance(1_000)
        await eventually(lambda: app.metric("bridge_terminals") == 0)
