"""How long an authenticated read takes at 200 requests a second. `measure` is called by `make bench`.

Run alone it measures a gateway of its own, in another process, on a bus in memory:
`python backend/api-gateway/tests/bench_api.py`.
"""

import asyncio
import collections
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

RATE = 200
SECONDS = 10.0
CONNECTIONS = 32
WARM_UP_S = 1.0


class NotAnsweredError(Exception):
    """Not every answer was 200: how long a refusal takes says nothing. The text counts the answers by status."""


class _Connection:
    """One kept-alive connection that asks and reads whole answers; httpx would cost more than the gateway."""

    def __init__(self, host: str, port: int, request: bytes) -> None:
        self._at = (host, port)
        self._request = request
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self) -> int:
        """The status of the answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._at)
        reader, writer = self._streams
        writer.write(self._request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        await reader.readexactly(length)
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def measure(
    base_url: str,
    token: str,
    *,
    path: str = "/api/v1/symbols",
    rate: int = RATE,
    seconds: float = SECONDS,
    warm_up_s: float = WARM_UP_S,
) -> dict[str, float]:
    """Ask `rate` times a second whatever the answers take (open loop) and say how long they took, in ms.

    Each time is counted from the moment the request was due, so that waiting for a slow predecessor counts too.
    NotAnsweredError: one or more were refused or hung up on, so there is no figure.
    """
    parts = urlsplit(base_url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    lines = (f"GET {path} HTTP/1.1", f"Host: {host}:{port}", f"Authorization: Bearer {token}", "", "")
    request = "\r\n".join(lines).encode()
    idle: asyncio.LifoQueue[_Connection] = asyncio.LifoQueue()
    connections = [_Connection(host, port, request) for _ in range(CONNECTIONS)]
    for connection in connections:
        idle.put_nowait(connection)
    times: list[float] = []
    statuses: collections.Counter[int] = collections.Counter()
    """ status -> how many answers had it; 0: no answer """

    async def one(due: float, counted: bool) -> None:
        connection = await idle.get()
        try:
            status = await connection.ask()
        except (OSError, asyncio.IncompleteReadError):
            connection.close()
            status = 0
        idle.put_nowait(connection)
        statuses[status] += 1
        if counted:
            times.append((time.perf_counter() - due) * 1000)

    begin = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int((warm_up_s + seconds) * rate)):
            due = begin + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(due, number / rate >= warm_up_s))
    took = time.perf_counter() - begin - warm_up_s
    for connection in connections:
        connection.close()
    if set(statuses) != {200}:
        shown = ", ".join(f"{count:,} times {status or 'no answer'}" for status, count in statuses.most_common())
        raise NotAnsweredError(f"GET {path} was to be answered with 200 only, and was: {shown}")
    times.sort()

    def at(share: float) -> float:
        return round(times[min(len(times) - 1, int(len(times) * share))], 3)

    return {
        "requests": len(times),
        "rate": round(len(times) / took, 1),
        "p50_ms": at(0.50),
        "p95_ms": at(0.95),
        "p99_ms": at(0.99),
        "max_ms": round(times[-1], 3),
    }


async def _serve(folder: str) -> None:
    sys.path.insert(0, str(Path(__file__).parent))
    from gateway_world import Platform, batch, running, state, user

    symbols = [f"SYM{n:02d}" for n in range(50)]
    instrument = state().instruments[0]
    import msgspec

    states = [state(instruments=tuple(msgspec.structs.replace(instrument, symbol=s) for s in symbols))]
    async with running(Path(folder), platform=Platform({"ann": user()}, states), reads_per_minute=60_000) as world:
        sys.stdout.write(json.dumps({"url": world.origin, "token": world.token()}) + "\n")
        sys.stdout.flush()
        seq = 0
        while True:  # 1,000 ticks a second, as batches of one
            seq += 1
            for symbol in symbols:
                await world.tell(batch(seq, (1.1 + seq % 7 * 0.0001,), symbol=symbol))
            world.bus.sent.clear()
            await asyncio.sleep(0.05)


async def _alone() -> None:
    with tempfile.TemporaryDirectory() as folder:
        child = await asyncio.create_subprocess_exec(
            sys.executable, __file__, folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        assert child.stdout is not None
        try:
            at = json.loads(await child.stdout.readline())
            result = await measure(at["url"], at["token"])
            rss = int(Path(f"/proc/{child.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20
            sys.stdout.write(json.dumps(result | {"rss_mb": round(rss, 1)}) + "\n")
        finally:
            child.kill()
            await child.wait()


if __name__ == "__main__":
    if len(sys.argv) == 2:
        import uvloop

        uvloop.run(_serve(sys.argv[1]))
    else:
        asyncio.run(_alone())
