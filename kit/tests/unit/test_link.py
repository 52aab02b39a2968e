"""The bad link does what it says: a test network that is better than it claims would prove nothing."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from kit.testing import eventually
from kit.testing.link import Link, bad_link

TEXT = bytes(range(256)) * 40


class Echo:
    """A server that sends back what it hears and remembers in which pieces it came."""

    def __init__(self) -> None:
        self.pieces: list[int] = []
        self.ended = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                self.pieces.append(len(data))
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        self.ended += 1
        writer.close()


@pytest.fixture
async def echo() -> Echo:
    return Echo()


@pytest.fixture
async def link(echo: Echo) -> AsyncIterator[Link]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    with bad_link(server.sockets[0].getsockname()[1]) as made:
        yield made
    server.close()


async def there_and_back(link: Link, text: bytes = TEXT) -> float:
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    writer.write(text)
    assert await asyncio.wait_for(reader.readexactly(len(text)), 30) == text
    writer.close()
    return time.monotonic() - began


async def test_everything_arrives_in_order_whatever_is_wrong(link: Link):
    link.latency_s, link.jitter_s, link.loss, link.slice_bytes = 0.01, 0.01, 0.1, 100
    await there_and_back(link)


async def test_latency_is_added_both_ways(link: Link):
    link.latency_s = 0.15
    assert 0.3 <= await there_and_back(link, b"x") < 1


async def test_a_narrow_link_takes_its_time(link: Link):
    link.bytes_per_s = 20_000
    assert await there_and_back(link) > 0.45


async def test_losses_delay_what_comes_after_them(link: Link):
    link.loss = 0.5
    assert await there_and_back(link) > 0.5


async def test_slices_are_as_small_as_said(link: Link, echo: Echo):
    link.slice_bytes = 1
    await there_and_back(link, b"hello world" * 10)
    assert len(echo.pieces) > 30  # the kernel may glue a few together


async def test_a_reset_ends_both_sides_at_once(link: Link, echo: Echo):
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    writer.write(b"x")
    await reader.readexactly(1)
    await asyncio.to_thread(link.reset)
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(), 5)
    await eventually(lambda: echo.ended == 1)
    assert link.resets == 2
    writer.close()


async def test_a_dark_way_swallows_and_the_other_goes_on(link: Link, echo: Echo):
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    link.down_dark = True
    writer.write(b"x")
    await eventually(lambda: echo.pieces == [1])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.readexactly(1), 0.2)
    link.down_dark = False
    assert await asyncio.wait_for(reader.readexactly(1), 5) == b"x"
    writer.close()


async def test_whoever_comes_while_it_refuses_is_reset(link: Link):
    link.refusing = True

    async def come() -> None:
        reader, _ = await asyncio.open_connection("127.0.0.1", link.port)
        await reader.read()

    with pytest.raises(ConnectionResetError):  # while connecting, or just after
        await asyncio.wait_for(come(), 5)
    assert link.connected_at == []
