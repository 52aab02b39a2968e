"""Carry effects out in the order they were decided: commit first, then publish, then acknowledge."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from contracts.signals import SignedSignal
from kit import log
from kit.backoff import Backoff
from kit.clock import Clock
from trading_engine.domain.effects import Effect, RecordAudit, RecordOrder, SavePauses, SendOrder
from trading_engine.domain.events import SignalDropped, StoreChanged
from trading_engine.ports import NotAccepted, PauseBook, Pending, Seal, Store, Unavailable, Wire

GROUP = 64
"""What waits is committed together, at most this many effects at a time; nothing waits for a group to fill."""
MOST_WAITING = 10_000
"""Beyond this an unanswered delivery is not kept here: the bus brings it again."""
RESEND_EVERY_S = 5.0
RESEND_PAUSE_S = 0.2
ANSWERS_WANTED_MS = 3_600_000
"""A signal that expired without an answer is brought for so long after: its terminal refuses it, or tells what it did
with it; without that answer the order would stay UNKNOWN. The bus keeps signals as long."""

Durable = SendOrder | RecordOrder | RecordAudit
"""What the store has to commit."""
Sealed = tuple[Durable, SignedSignal | None]
_log = log.get("carrier")


@dataclass(slots=True)
class Carrier:
    """Give it effects with `submit`; run `run` and `resend` as long as the service lives."""

    store: Store
    wire: Wire
    pauses: PauseBook
    seal: Seal
    clock: Clock
    tell: Callable[[SignalDropped | StoreChanged], None]
    """Takes what the domain has to know of; submits what follows from it."""
    committed_s: Callable[[float], None]
    """Takes how long a commit took."""
    dropped: int = 0
    """Effects that could not be made durable: signals that expired first, and what the store refused for good."""
    _queue: deque[Durable | Pending] = field(default_factory=deque)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _outbox_wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _available: bool = True
    _committing: bool = False

    def submit(self, effects: list[Effect], delivery: Pending | None = None) -> None:
        """Queue effects; `delivery` is acknowledged when they, and all before them, are durable."""
        for effect in effects:
            if isinstance(effect, SavePauses):
                # at once, though the disk makes everyone wait: a pause must not queue behind a store that is away
                self.pauses.save(effect.paused)
            else:
                self._queue.append(effect)
        if delivery is not None and len(self._queue) <= MOST_WAITING:
            self._queue.append(delivery)
        self._wake.set()

    async def run(self) -> None:
        """Carry out what is submitted, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                await self._turn()

    async def _turn(self) -> None:
        group: list[Durable] = []
        deliveries: list[Pending] = []
        while self._queue and len(group) < GROUP:
            head = self._queue[0]
            if isinstance(head, Durable):
                group.append(head)
            else:
                deliveries.append(head)
            self._queue.popleft()
        if group:
            self._committing = True
            durable = await self._commit([(effect, self._sealed(effect)) for effect in group])
            self._committing = False
            await self._publish(durable)
        for delivery in deliveries:
            try:
                await delivery.ack()
            except Exception as error:  # noqa: BLE001 what was not acknowledged comes again and changes nothing
                _log.warning("not_acknowledged", error=repr(error))

    def _sealed(self, effect: Durable) -> SignedSignal | None:
        return self.seal(effect.signal) if isinstance(effect, SendOrder) else None

    async def _commit(self, group: list[Sealed]) -> list[Sealed]:
        """Those of the group that are durable now. Tries until all are, or have become pointless."""
        delays = Backoff(0.02, 1.0).delays()
        while True:
            group = [pair for pair in group if not self._expired(pair[0])]
            if not group:
                return []
            began = self.clock.monotonic_ns()
            try:
                await self._write(group)
            except Unavailable as error:
                self._store_is(False, str(error))
                await asyncio.sleep(next(delays))
            except NotAccepted as error:
                self._store_is(True)
                if len(group) > 1:
                    # one bad row must not take the others with it
                    return [done for pair in group for done in await self._commit([pair])]
                self._drop(group[0][0], str(error))
                return []
            else:
                self.committed_s((self.clock.monotonic_ns() - began) / 1e9)
                self._store_is(True)
                return group

    async def _write(self, group: list[Sealed]) -> None:
        orders = {}
        audit = {}
        for effect, _ in group:
            audit[effect.audit.id] = effect.audit
            if not isinstance(effect, RecordAudit):
                orders[effect.order.id] = effect.order  # within one transaction only its last state counts
        signals = tuple(signed for _, signed in group if signed is not None)
        await self.store.commit(tuple(orders.values()), signals, tuple(audit.values()))

    def _expired(self, effect: Durable) -> bool:
        if not isinstance(effect, SendOrder) or self.clock.now_ms() < effect.signal.expires_ms:
            return False
        self._drop(effect, "it could not be stored before its signal expired")
        return True

    def _drop(self, effect: Durable, because: str) -> None:
        self.dropped += 1
        _log.error("effect_dropped", effect=type(effect).__name__, because=because)
        if isinstance(effect, SendOrder):
            self.tell(SignalDropped(self.clock.now_ms(), effect.order.id, because))

    def _store_is(self, available: bool, because: str = "") -> None:
        if available is not self._available:
            self._available = available
            _log.warning("store_changed", available=available, because=because)
            self.tell(StoreChanged(self.clock.now_ms(), available))

    async def _publish(self, group: list[Sealed]) -> None:
        for _, signed in group:
            if signed is not None:
                try:
                    await self.wire.signal(signed)  # one after the other: their numbers rise
                except Unavailable as error:
                    _log.warning("signal_left_in_outbox", signal_id=signed.signal_id, error=str(error))
                    self._outbox_wanted.set()
        for effect, _ in group:
            if not isinstance(effect, RecordAudit):
                with contextlib.suppress(Unavailable):  # told again with its next state; the truth is stored
                    await self.wire.order(effect.order)

    async def resend(self) -> None:
        """Bring the outbox to the wire: at once, every five seconds, and soon after a signal found no way."""
        delays = Backoff(RESEND_PAUSE_S, RESEND_EVERY_S).delays()
        while True:
            self._outbox_wanted.clear()
            try:
                for signed in await self.store.outbox(self.clock.now_ms() - ANSWERS_WANTED_MS):
                    await self.wire.signal(signed)
            except (Unavailable, NotAccepted) as error:
                _log.warning("outbox_not_sent", error=str(error))
                await asyncio.sleep(next(delays))
                continue
            if not self._committing:
                self._store_is(True)  # nothing else would find out, should the failed commit have been given up
            delays = Backoff(RESEND_PAUSE_S, RESEND_EVERY_S).delays()
            await asyncio.sleep(RESEND_PAUSE_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RESEND_EVERY_S):
                    await self._outbox_wanted.wait()
