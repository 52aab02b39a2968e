"""Certificates are renewed while messages flow: nothing is lost, nobody is cut off."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from kit import pki
from kit.bus import Delivery
from kit.nats_bus import NatsBus
from kit.testing import eventually, whoever_may
from kit.testing.engines import NatsServer, nats_server
from kit.tls import Identity, Reloading, client_context, host_of

pytestmark = pytest.mark.integration

MESSAGES = 3_000


@pytest.fixture
def nats(tmp_path: Path):  # type: ignore[no-untyped-def]
    with nats_server(tmp_path) as server:
        yield server


async def under_traffic(nats: NatsServer, change: Callable[[], None]) -> tuple[list[bytes], int]:
    """What a reader got while a writer stored MESSAGES numbers and `change` was made ten times, and how often either
    was cut off."""
    buses, watchers = [], []
    for name in ("data-bridge", "database-service"):
        context = client_context(nats.files(name))
        watchers.append(Reloading(nats.files(name), [context]))
        buses.append(await NatsBus.connect(nats.url, name, nats.seed, context, guard=whoever_may(name)))
    writer, reader = buses
    got: list[bytes] = []

    async def work(deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            got.append(delivery.data)
            await delivery.ack()

    await reader.consume("TICKS", "reader", "ticks.>", work)
    for number in range(MESSAGES):
        if number % (MESSAGES // 10) == 0:
            change()
            for watcher in watchers:
                assert watcher.look()
            nats.reload()
            await asyncio.sleep(0.1)
        await writer.store("ticks.default.1.EURUSD", b"%d" % number, f"n{number}")
    await eventually(lambda: len(got) >= MESSAGES, within_s=20)
    cut = sum(bus._nc.stats["reconnects"] for bus in buses)
    for bus in buses:
        await bus.close()
    return got, cut


async def test_N11_leafs_change_under_traffic_and_no_message_is_dropped(nats: NatsServer) -> None:
    def renew() -> None:
        nats.authority.issue(Identity.engine("nats"), folder="nats")
        for name in ("data-bridge", "database-service"):
            nats.authority.service(name)

    got, cut = await under_traffic(nats, renew)
    assert got == [b"%d" % number for number in range(MESSAGES)]
    assert cut == 0
    assert await shown(nats) == pki.der(nats.files("nats").leaf()), "the bus shows its newest certificate"


async def test_N11_the_intermediate_changes_under_traffic_and_no_message_is_dropped(nats: NatsServer) -> None:
    def renew() -> None:
        authority = nats.authority
        authority.intermediate = pki.make_intermediate(authority.root, now_ms=authority.now_ms)
        authority.issue(Identity.engine("nats"), folder="nats")
        for name in ("data-bridge", "database-service"):
            authority.service(name)

    got, cut = await under_traffic(nats, renew)
    assert got == [b"%d" % number for number in range(MESSAGES)]
    assert cut == 0


async def shown(nats: NatsServer) -> bytes:
    """The certificate of the bus, as a new caller sees it."""
    _, writer = await asyncio.open_connection(
        "127.0.0.1", nats.port, ssl=client_context(nats.files("operator")), server_hostname=host_of("nats")
    )
    certificate = writer.get_extra_info("ssl_object").getpeercert(True)
    writer.close()
    return bytes(certificate)
