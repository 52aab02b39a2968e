"""Bring an account's signals from the bus to its terminal, and answer the bus when they are executed or over."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from contracts.codec import decode
from contracts.errors import ContractError
from contracts.executions import Execution
from contracts.signals import SignedSignal
from contracts.subjects import signals, token
from data_bridge.domain.counts import Counts
from data_bridge.domain.signal_desk import SignalDesk
from data_bridge.ports import Trail
from kit import log
from kit.backoff import Backoff
from kit.bus import Bus, Delivery, Subscription
from kit.clock import Clock
from kit.errors import BusUnavailable

ACK_WAIT_S = 20.0
"""Without a final execution a signal is handed over again after this long: the connector answers with what it knows
and never sends it to the broker twice."""

_log = log.get("signals")
_encode = msgspec.msgpack.Encoder().encode


@dataclass(slots=True)
class SignalFeed:
    """`open` when the terminal was lent the account, `close` at disconnect: the durable consumer stays and keeps what
    was not answered."""

    bus: Bus
    clock: Clock
    trail: Trail
    counts: Counts
    tenant: str
    account: str
    send: Callable[[bytes], None]
    withheld: Callable[[], str] = lambda: ""
    """Why the terminal may not have signals now; empty when it may."""
    desk: SignalDesk[Delivery] = field(init=False)
    _subscription: Subscription | None = None
    _closed: bool = False

    def __post_init__(self) -> None:
        self.desk = SignalDesk(self.tenant, self.account)

    async def open(self) -> None:
        """Begin to bring signals, as soon as the bus can."""
        name = f"bridge-{token(self.tenant)}-{token(self.account)}"
        subject = signals(self.tenant, self.account)
        for delay in Backoff(0.1, 5.0).delays():
            if self._closed:
                return
            try:
                made = await self.bus.consume("SIGNALS", name, subject, self._arrived, ack_wait_s=ACK_WAIT_S)
                break
            except BusUnavailable as error:
                _log.warning("signals_wait", account=self.account, error=str(error))
                await asyncio.sleep(delay)
        if self._closed:
            await made.stop()  # the terminal left while the consumer was made
        else:
            self._subscription = made

    async def _arrived(self, deliveries: list[Delivery]) -> None:
        now_ms = self.clock.now_ms()
        for delivery in deliveries:
            try:
                signal = decode(delivery.data, SignedSignal)
                objection = self.desk.objection(signal)
            except ContractError as error:
                objection = str(error)
            if objection is not None:
                self.counts.refuse("bad_signal")
                _log.error("signal_dropped", subject=delivery.subject, reason=objection)
                self.trail.record(
                    self.tenant, "signal_dropped", self.account, {"subject": delivery.subject, "reason": objection}
                )
                await delivery.drop()
            elif not self.desk.take(signal, delivery, now_ms):
                await delivery.ack()
            elif because := self.withheld():
                self.counts.refuse("withheld")
                self.trail.refusal(self.tenant, self.account, "withheld", because)
            else:
                self.send(_encode(signal))

    async def executed(self, execution: Execution) -> None:
        """An execution is safely in its stream: the signal it answers may leave its own."""
        delivery = self.desk.executed(execution)
        if delivery is not None:
            await _answer([delivery])

    async def tick(self) -> None:
        """Let go of signals that are over."""
        over = self.desk.expire(self.clock.now_ms())
        if over:
            await _answer(over)

    async def close(self) -> None:
        """Stop bringing; what was not answered comes again to the next connection at once."""
        self._closed = True
        if self._subscription is not None:
            await self._subscription.stop()
            self._subscription = None
        for delivery in self.desk.leave():
            with contextlib.suppress(Exception):  # unanswered it comes again after ACK_WAIT_S
                await delivery.retry(0.0)


async def _answer(deliveries: Iterable[Delivery]) -> None:
    for delivery in deliveries:
        try:
            await delivery.ack()
        except Exception as error:  # noqa: BLE001 whatever the bus library raises: the signal comes again, harmlessly
            _log.warning("signal_not_acknowledged", error=repr(error))
