"""A bad network between two programs: a TCP relay that delays, slows, loses, slices, swallows and resets.

It works on the byte stream, so that the same test does the same everywhere and needs no rights. A lost packet is what
TCP makes of it: everything after it waits until it was sent again, twice as long each time it is lost once more.
"""

import asyncio
import contextlib
import random
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

SEGMENT = 1_448
"""Bytes of a usual packet."""
RETRY_S = 0.2
"""How long TCP waits at least before it sends a lost packet again."""
LONGEST_RETRY_S = 3.0
PAUSE_S = 0.0001
"""Between two slices, or the kernel would glue them together again."""
WAITING_BYTES = 64 * 1024
"""What may be on the way in one direction; a narrow link keeps less."""


@dataclass
class Link:
    """How the network is; change it while bytes flow. `up` is from whoever connects, `down` the other way."""

    port: int
    target: int
    latency_s: float = 0.0
    jitter_s: float = 0.0
    """Added or taken away at random; order is kept."""
    loss: float = 0.0
    """Part of the packets that is lost."""
    bytes_per_s: float = 0.0
    """0: as fast as it goes."""
    slice_bytes: int = 0
    """Hand over so many bytes at a time; 0: as they come."""
    up_dark: bool = False
    down_dark: bool = False
    refusing: bool = False
    """Reset whoever connects."""
    connected_at: list[float] = field(default_factory=list)
    """Monotonic seconds of every connection that was taken."""
    up_bytes: int = 0
    down_bytes: int = 0
    resets: int = 0
    _rng: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 the same faults every time
    _live: set["asyncio.StreamWriter"] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop | None = None

    @property
    def living(self) -> int:
        """Connections that stand."""
        return len(self._live) // 2

    def reset(self) -> None:
        """Cut every connection with RST, as a router that lost its memory does."""
        assert self._loop is not None, "runs inside of `bad_link`"
        asyncio.run_coroutine_threadsafe(self._reset(), self._loop).result(5)

    async def _reset(self) -> None:
        for writer in list(self._live):
            _abort(writer)
            self.resets += 1

    def delay_s(self, size: int) -> float:
        """How long these bytes take, apart from the link's width."""
        delay = max(0.0, self.latency_s + self.jitter_s * self._rng.uniform(-1, 1))
        for _ in range(-(-size // SEGMENT)):
            again = RETRY_S
            while self._rng.random() < self.loss:
                delay += again
                again = min(again * 2, LONGEST_RETRY_S)
        return delay

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until one side ends it."""
        if self.refusing:
            _abort(writer)
            return
        self.connected_at.append(time.monotonic())
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target, limit=WAITING_BYTES)
        except OSError:
            _abort(writer)
            return
        for end in (writer, back):
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            end.transport.set_write_buffer_limits(high=SEGMENT)
        self._live |= {writer, back}
        try:
            carrying = [
                asyncio.create_task(_Way(self, reader, back, up=True).carry()),
                asyncio.create_task(_Way(self, there, writer, up=False).carry()),
            ]
            _, left = await asyncio.wait(carrying, return_when=asyncio.FIRST_COMPLETED)
            for task in left:
                task.cancel()
            await asyncio.gather(*carrying, return_exceptions=True)
        except asyncio.CancelledError:
            return  # the block ends
        finally:
            for end in (writer, back):
                self._live.discard(end)
                end.close()


@dataclass
class _Way:
    """One direction of one connection."""

    link: Link
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    up: bool
    queue: "asyncio.Queue[tuple[float, bytes]]" = field(default_factory=lambda: asyncio.Queue(WAITING_BYTES // SEGMENT))

    @property
    def dark(self) -> bool:
        return self.link.up_dark if self.up else self.link.down_dark

    async def carry(self) -> None:
        handing = asyncio.create_task(self._hand_over())
        try:
            await self._take()
            await self.queue.join()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            handing.cancel()
            await asyncio.gather(handing, return_exceptions=True)

    async def _take(self) -> None:
        due = 0.0
        while data := await self.reader.read(SEGMENT):
            now = time.monotonic()
            due = max(due, now + self.link.delay_s(len(data)))
            if self.link.bytes_per_s:
                due = max(due, now) + len(data) / self.link.bytes_per_s
                # what is on the way in a narrow link fills its own small buffer, not ours
                await asyncio.sleep(max(0.0, due - now - 0.25))
            await self.queue.put((due, data))

    async def _hand_over(self) -> None:
        while True:
            due, data = await self.queue.get()
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            while self.dark:  # noqa: ASYNC110 a test switches it from another thread
                await asyncio.sleep(0.01)
            size = self.link.slice_bytes or len(data)
            with contextlib.suppress(OSError):
                for at in range(0, len(data), size):
                    self.writer.write(data[at : at + size])
                    await self.writer.drain()
                    if self.link.slice_bytes:
                        await asyncio.sleep(PAUSE_S)
            if self.up:
                self.link.up_bytes += len(data)
            else:
                self.link.down_bytes += len(data)
            self.queue.task_done()


def _abort(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextlib.contextmanager
def bad_link(target: int, buffer_bytes: int = 0) -> Iterator[Link]:
    """A link to a port of this machine, carried by a thread of its own until the block ends. With `buffer_bytes` its
    sockets hold no more than that: a slow link must not look fast because buffers swallow what is sent."""
    loop = asyncio.new_event_loop()
    listening = socket.create_server(("127.0.0.1", 0))
    if buffer_bytes:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    link = Link(listening.getsockname()[1], target, _loop=loop)
    ready = threading.Event()
    stop = asyncio.Event()

    async def serve() -> None:
        async with await asyncio.start_server(link.accept, sock=listening, limit=SEGMENT):
            ready.set()
            await stop.wait()
            await link._reset()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name="bad link", daemon=True)
    thread.start()
    ready.wait(5)
    try:
        yield link
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(5)
        loop.close()
