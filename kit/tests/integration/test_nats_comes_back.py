"""The bus is back in use soon after its server is, whatever became of the connections meanwhile."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from nats.errors import Error as NatsError

from kit import nkeys
from kit.errors import BusUnavailable
from kit.nats_bus import NatsBus
from kit.testing import eventually, whoever_may
from kit.testing.engines import NatsServer, nats_server

pytestmark = pytest.mark.integration

OnConnection = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def nats(tmp_path: Path):  # type: ignore[no-untyped-def]
    with nats_server(tmp_path) as server:
        yield server


async def works(bus: NatsBus) -> bool:
    with contextlib.suppress(BusUnavailable, NatsError, TimeoutError, OSError):
        await bus.probe()
        return True
    return False


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def hangs_up_in_the_handshake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.transport.abort()


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        await reader.read()  # until the other side gave up
    writer.close()


@pytest.mark.parametrize("answers", [hangs_up, hangs_up_in_the_handshake, says_nothing])
async def test_a_failed_handshake_while_the_server_was_away_leaves_no_bus_deaf(
    nats: NatsServer, answers: OnConnection
) -> None:
    bus = await nats.connect("data-bridge")
    nats.kill()
    came = ended = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal came, ended
        came += 1
        await answers(reader, writer)
        ended += 1

    dying = await asyncio.start_server(count, "127.0.0.1", nats.port)
    await eventually(lambda: came >= 2 and ended >= 1, within_s=20)  # it was tried, in vain, and tried again
    dying.close()
    await asyncio.to_thread(nats.start)
    await eventually(lambda: works(bus), within_s=20)
    await bus.close()


async def test_a_connection_ended_by_the_server_for_a_reason_comes_back_when_the_reason_is_gone(
    nats: NatsServer,
) -> None:
    bus = await nats.connect("data-bridge")
    config = nats.directory / "nats.conf"
    ours = config.read_text()
    config.write_text(ours.replace(nkeys.public_of(nats.seed.read_text()), nkeys.public_of(nkeys.make_seed())))
    nats.reload()  # the server says "authorization violation" to those it no longer knows, and hangs up
    await eventually(lambda: not bus._nc.is_connected, within_s=20)
    config.write_text(ours)
    nats.reload()
    await eventually(lambda: works(bus), within_s=20)
    await bus.close()


class Stumbling(NatsBus):
    """A bus that fails in a way nobody foresaw when its connection is lost, once."""

    stumbled = 0

    async def _on_disconnected(self) -> None:
        self.stumbled += 1
        if self.stumbled == 1:
            raise RuntimeError("nobody foresaw this")


async def test_a_failure_that_nobody_foresaw_does_not_end_the_reconnecting(nats: NatsServer) -> None:
    bus = await Stumbling.connect(
        nats.url, "data-bridge", nats.seed, nats.files("data-bridge"), guard=whoever_may("data-bridge")
    )
    nats.kill()
    await asyncio.to_thread(nats.start)
    await eventually(lambda: bus.stumbled == 2, within_s=20)
    await eventually(lambda: works(bus), within_s=20)
    await bus.close()
