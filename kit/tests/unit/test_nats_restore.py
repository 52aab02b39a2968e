"""What is made again after the server came back, while services go on making and ending consumers."""

import asyncio

from nats.errors import TimeoutError as NoAnswer

from kit.backoff import Backoff
from kit.nats_bus import NatsBus
from kit.testing import eventually, whoever_may


class Server:
    """Takes streams and consumers; `silent` counts the answers it does not give; `during` runs at each consumer."""

    def __init__(self, silent: int = 0) -> None:
        self.silent = silent
        self.made: list[str] = []
        self.during = lambda name: None

    async def add_stream(self, config: object) -> None:
        if self.silent:
            self.silent -= 1
            raise NoAnswer

    async def add_consumer(self, stream: str, config: str) -> None:
        self.made.append(config)
        self.during(config)


def bus_on(server: Server, *names: str) -> NatsBus:
    bus = NatsBus("test", whoever_may("operator"))
    bus._js = server  # type: ignore[assignment]
    bus._consumers = {name: ("TICKS", name) for name in names}  # type: ignore[misc]
    return bus


async def test_consumers_that_come_and_go_meanwhile_do_not_end_the_restoring() -> None:
    server = Server()
    bus = bus_on(server, "first", "second", "third")

    def change(name: str) -> None:
        bus._consumers.pop("second", None)

    server.during = change
    await bus._restore()
    assert server.made == ["first", "third"]


async def test_a_server_that_needs_long_is_asked_until_it_answers() -> None:
    server = Server(silent=60)
    bus = bus_on(server, "first")
    bus._restore_backoff = Backoff(0.0001, 0.0001)
    await bus._restore()
    assert server.made == ["first"]


async def test_a_server_that_came_back_once_more_gets_everything_again() -> None:
    server = Server()
    bus = bus_on(server, "first", "second")
    halfway, never = asyncio.Event(), asyncio.Event()

    async def dies(stream: str, config: str) -> None:
        halfway.set()
        await never.wait()

    answers, server.add_consumer = server.add_consumer, dies  # type: ignore[method-assign]
    await bus._on_reconnected()
    await halfway.wait()
    server.add_consumer = answers  # type: ignore[method-assign]
    await bus._on_reconnected()
    await eventually(lambda: server.made == ["first", "second"])


async def test_an_error_that_nobody_foresaw_does_not_end_the_restoring() -> None:
    server = Server()
    bus = bus_on(server, "first")
    bus._restore_backoff = Backoff(0.0001, 0.0001)
    foreseen = server.add_stream

    async def stumbles(config: object) -> None:
        server.add_stream = foreseen  # type: ignore[method-assign]
        raise ValueError("not JSON")

    server.add_stream = stumbles  # type: ignore[method-assign]
    await bus._restore()
    assert server.made == ["first"]
