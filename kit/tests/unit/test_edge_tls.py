"""Facts about the edge over TLS: who gets in, and who reads what."""

import asyncio
import http.client
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import picows
import pytest
from prometheus_client import CollectorRegistry

from kit.edge import Answer, Edge, Peer, answer
from kit.health import HealthBook
from kit.testing import FakeClock, eventually
from kit.testing.pki import TestAuthority
from kit.tls import Identity, Kind, Reloading, TlsFiles, client_context, host_of, server_context

TERMINAL = Identity.terminal("ann", "t1")


@pytest.fixture
def ca(tmp_path: Path) -> TestAuthority:
    return TestAuthority(tmp_path)


class Met:
    """Remembers who came through the door."""

    def __init__(self) -> None:
        self.peers: list[Peer] = []

    def accept(self, _request: picows.WSUpgradeRequest, peer: Peer) -> Answer:
        self.peers.append(peer)
        return answer(200, str(peer.identity).encode(), "text/plain")


@asynccontextmanager
async def edge(ca: TestAuthority, met: Met, *, strangers: bool = False, terminals: bool = False) -> AsyncIterator[int]:
    """The bridge's edge on a free port."""
    context = server_context(ca.service("data-bridge"), client_certificates=True, optional=strangers)
    admits = frozenset({Kind.SERVICE, Kind.OPERATOR} | ({Kind.TERMINAL} if terminals else set()))
    made = Edge(
        "data-bridge", "127.0.0.1", 0, HealthBook(FakeClock()), CollectorRegistry(), met.accept,
        tls=context, admits=admits, strangers=strangers,
    )  # fmt: skip
    await made.start()
    try:
        yield made.port
    finally:
        await made.stop()


def _get(port: int, context: ssl.SSLContext | None, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.connect()
    if context is not None:
        connection.sock = context.wrap_socket(connection.sock, server_hostname=host_of("data-bridge"))
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


async def get(port: int, files: TlsFiles | Path | None, path: str = "/x") -> tuple[int, bytes]:
    """What a caller with these files is told."""
    return await asyncio.to_thread(_get, port, client_context(files) if files else None, path)


async def test_the_door_is_told_who_calls(ca: TestAuthority) -> None:
    met = Met()
    async with edge(ca, met) as port:
        assert await get(port, ca.service("trading-engine")) == (200, b"svc/trading-engine")
    assert met.peers[0].address == "127.0.0.1"
    assert met.peers[0].identity == Identity.service("trading-engine")


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
async def test_health_and_metrics_are_for_the_platforms_own_programs(ca: TestAuthority, path: str) -> None:
    async with edge(ca, Met(), strangers=True, terminals=True) as port:
        assert (await get(port, ca.operator(), path))[0] == 200
        assert (await get(port, ca.service("central-hub"), path))[0] == 200
        assert (await get(port, ca.issue(TERMINAL), path))[0] == 403
        assert (await get(port, ca.operator().ca, path))[0] == 403


async def test_a_terminal_reaches_only_a_door_for_terminals(ca: TestAuthority) -> None:
    met = Met()
    async with edge(ca, met, terminals=True) as port:
        assert (await get(port, ca.issue(TERMINAL)))[0] == 200
    async with edge(ca, met) as port:
        assert (await get(port, ca.issue(TERMINAL)))[0] == 403
    assert [peer.identity for peer in met.peers] == [TERMINAL]


async def test_a_caller_without_certificate_reaches_the_door_only_where_strangers_may(ca: TestAuthority) -> None:
    met = Met()
    async with edge(ca, met, strangers=True) as port:
        assert (await get(port, ca.operator().ca)) == (200, b"None")
    async with edge(ca, met) as port:
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
            await get(port, ca.operator().ca)
    assert len(met.peers) == 1


async def test_N09_a_certificate_of_another_root_is_refused_even_where_strangers_may(
    ca: TestAuthority, tmp_path: Path
) -> None:
    stranger = TestAuthority(tmp_path / "other").service("trading-engine")
    stranger.ca.write_bytes(ca.operator().ca.read_bytes())
    met = Met()
    async with edge(ca, met, strangers=True) as port:
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
            await get(port, stranger)
    assert met.peers == []


async def test_plain_http_is_not_answered_by_an_edge_with_tls(ca: TestAuthority) -> None:
    met = Met()
    async with edge(ca, met, strangers=True) as port:
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            await get(port, None)
    assert met.peers == []


async def test_N11_a_connection_that_stands_is_not_touched_by_a_renewal(ca: TestAuthority) -> None:
    bridge = ca.service("data-bridge")
    context = server_context(bridge, client_certificates=True)
    echoed: list[bytes] = []

    class Echo(picows.WSListener):
        def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
            transport.send(picows.WSMsgType.BINARY, frame.get_payload_as_bytes())

    class Hear(picows.WSListener):
        def on_ws_frame(self, _transport: picows.WSTransport, frame: picows.WSFrame) -> None:
            echoed.append(frame.get_payload_as_bytes())

    made = Edge(
        "data-bridge", "127.0.0.1", 0, HealthBook(FakeClock()), CollectorRegistry(), lambda _r, _p: Echo(), tls=context
    )
    await made.start()
    watcher = Reloading(bridge, [context])
    transport, _ = await picows.ws_connect(
        Hear,
        f"wss://127.0.0.1:{made.port}/terminal",
        ssl_context=client_context(ca.service("trading-engine")),
        server_hostname=host_of("data-bridge"),
    )
    for number in range(20):
        if number % 5 == 0:
            ca.service("data-bridge")
            assert watcher.look()
        transport.send(picows.WSMsgType.BINARY, b"%d" % number)
        await eventually(lambda count=number + 1: len(echoed) == count)
    transport.disconnect()
    await made.stop()
