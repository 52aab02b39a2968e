"""Gather tick batches, judge them, write what is new in one insert, and answer only after it is durable."""

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass, field

from contracts import subjects
from contracts.codec import encode
from contracts.rpc import Stored
from contracts.tenants import Measure
from contracts.ticks import TickBatch
from database_service.domain.catalog import Catalog
from database_service.domain.streams import Duplicate, Hole, New, Plan, StreamKey, key_of
from database_service.metrics import Metrics
from database_service.ports import StoreUnavailable, TickStore
from kit import log
from kit.backoff import Backoff
from kit.bus import Bus, Delivery
from kit.clock import Clock
from kit.errors import BusUnavailable
from kit.usage import Meter

_log = log.get("tick_writer")
_STOP_WITHIN_S = 5.0
_TRICKLE_TICKS = 1_000
_BUSY_EVERY_S = 0.1
"""More than a trickle does not wait as long, and neither does an import, which asks for one batch after the other."""


@dataclass(eq=False, slots=True)
class Waiting:
    """A batch that waits to be written, and who wants to know: a delivery of the bus or an asker."""

    batch: TickBatch
    size: int
    delivery: Delivery | None = None
    asker: "asyncio.Future[Stored] | None" = None


@dataclass(eq=False, slots=True)
class TickWriter:
    """`offer` batches in order; run `run` as a task; `stop` finishes the insert under way."""

    store: TickStore
    catalog: Catalog
    bus: Bus
    clock: Clock
    metrics: Metrics
    group_ticks: int
    insert_every_s: float
    queue_bytes: int
    many_batches: int
    meter: Meter = field(default_factory=lambda: Meter(""))
    """Hears how many ticks of each tenant were stored."""
    backoff: Backoff = field(default_factory=lambda: Backoff(0.1, 5.0))
    told_holes: dict[StreamKey, int] = field(default_factory=dict)
    """ stream -> where its hole begins, once it was logged """
    _queue: deque[Waiting] = field(default_factory=deque)
    _queued_bytes: int = 0
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _stopping: bool = False
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, waiting: Waiting) -> bool:
        """Take a batch, or refuse when too much waits already: the bus brings it again later."""
        if self._queued_bytes + waiting.size > self.queue_bytes and self._queue:
            self.metrics.count("deliveries_left")
            return False
        self._queue.append(waiting)
        self._resize(waiting.size)
        self._arrived.set()
        return True

    def _resize(self, change: int) -> None:
        self._queued_bytes += change
        self.metrics.queue_bytes.set(self._queued_bytes)

    async def run(self) -> None:
        """Write until stopped."""
        loop = asyncio.get_running_loop()
        began = 0.0
        try:
            while not self._stopping:
                await self._arrived.wait()
                # a trickle waits a moment to be written together; a flood has a full group already
                pause = began + self._every_s() - loop.time()
                if pause > 0 and not self._flooded():
                    await asyncio.sleep(pause)
                began = loop.time()
                if group := self._take():
                    await self._write(group)
        finally:
            self._ended.set()

    def _every_s(self) -> float:
        busy = sum(w.batch.count for w in self._queue) > _TRICKLE_TICKS or any(w.asker is not None for w in self._queue)
        return min(self.insert_every_s, _BUSY_EVERY_S) if busy else self.insert_every_s

    def _flooded(self) -> bool:
        # with this many batches unanswered the bus brings no more, so there is nothing to wait for
        return len(self._queue) >= self.many_batches or sum(w.batch.count for w in self._queue) >= self.group_ticks

    async def stop(self) -> None:
        """Finish the insert under way; what still waits was not acknowledged and comes again."""
        self._stopping = True
        self._arrived.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), _STOP_WITHIN_S)
        for waiting in self._queue:
            if waiting.asker is not None and not waiting.asker.done():
                waiting.asker.set_exception(StoreUnavailable("the service is stopping"))

    def _take(self) -> list[Waiting]:
        group: list[Waiting] = []
        ticks = 0
        while self._queue and (not group or ticks + self._queue[0].batch.count <= self.group_ticks):
            waiting = self._queue.popleft()
            self._resize(-waiting.size)
            ticks += waiting.batch.count
            group.append(waiting)
        if not self._queue and not self._stopping:
            self._arrived.clear()
        return group

    async def _write(self, group: list[Waiting]) -> None:
        delays = self.backoff.delays()
        while True:
            plan, parts, trimmed, holes = self._plan(group)
            try:
                if parts:
                    await self._insert(parts)
                break
            except StoreUnavailable as error:
                self.metrics.count("inserts_failed")
                _log.error("insert_failed", error=str(error), batches=len(group))
                await asyncio.sleep(next(delays))
                if self._stopping:
                    return
                await self._ask_again(plan)
        self.catalog.written(plan, parts)
        for part in parts:
            self.meter.count(part.tenant, Measure.TICKS, part.count, self.clock.now_ms())
        self.metrics.count("ticks_stored", sum(part.count for part in parts))
        self.metrics.count("ticks_duplicate", trimmed)
        self.metrics.count("tick_holes", holes)
        await self._answer(group)

    def _plan(self, group: list[Waiting]) -> tuple[Plan, list[TickBatch], int, int]:
        plan = self.catalog.streams.begin()
        parts: list[TickBatch] = []
        trimmed = holes = 0
        for waiting in group:
            match plan.judge(waiting.batch):
                case New(batch, known):
                    parts.append(batch)
                    trimmed += known
                case Duplicate(count):
                    trimmed += count
                case Hole(expected):
                    holes += 1
                    self._tell_hole(key_of(waiting.batch), expected, waiting.batch.first_seq)
        return plan, parts, trimmed, holes

    def _tell_hole(self, key: StreamKey, expected: int, came: int) -> None:
        if self.told_holes.get(key) != expected:  # everything that follows a hole meets it again
            self.told_holes[key] = expected
            _log.warning("hole", **key._asdict(), expected=expected, came=came)

    async def _insert(self, parts: list[TickBatch]) -> None:
        began = self.clock.monotonic_ns()
        await self.store.insert(parts, self.clock.now_ms())
        self.metrics.insert_seconds.observe((self.clock.monotonic_ns() - began) / 1e9)
        self.metrics.insert_ticks.observe(sum(part.count for part in parts))

    async def _ask_again(self, plan: Plan) -> None:
        # a failed insert may have arrived all the same: only the store knows, so ask before writing again
        with contextlib.suppress(StoreUnavailable):
            # all or none: without an answer the very same insert goes again, which the store knows for a repeat
            known = [(key, await self.store.watermark(key)) for key in plan.planned]
            for key, seq in known:
                self.catalog.streams.correct(key, seq)

    async def _answer(self, group: list[Waiting]) -> None:
        touched: dict[tuple[str, str], set[StreamKey]] = {}
        for waiting in group:
            key = key_of(waiting.batch)
            touched.setdefault((key.tenant, key.account), set()).add(key)
            if waiting.delivery is not None:
                await acknowledge(waiting.delivery)
        for (tenant, account), keys in touched.items():
            await tell(self.bus, self.catalog.stored(tenant, account, keys))
        for waiting in group:
            if waiting.asker is not None and not waiting.asker.done():
                batch = waiting.batch
                waiting.asker.set_result(self.catalog.stored(batch.tenant, batch.account, {key_of(batch)}))


async def acknowledge(delivery: Delivery) -> None:
    """Ack. When the bus is away just now the message comes again and is recognised."""
    try:
        await delivery.ack()
    except Exception as error:  # noqa: BLE001 the effect is durable; whatever kept the ack from leaving can't undo it
        _log.warning("not_acknowledged", subject=delivery.subject, error=repr(error))


async def tell(bus: Bus, stored: Stored) -> None:
    """Publish what is committed. Whoever misses it asks `rpc.STORED`."""
    with contextlib.suppress(BusUnavailable):
        await bus.publish(subjects.stored(stored.tenant, stored.account), encode(stored))
