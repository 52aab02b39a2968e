"""A bus in memory with the semantics of the real one: streams remember, unacknowledged deliveries come again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contracts import subjects
from contracts.codec import decode, encode
from contracts.errors import ContractError
from contracts.rpc import Fault, Method
from kit import log
from kit.bus import ASK_TIMEOUT_S, Message, OnDeliveries, OnMessage
from kit.errors import AnswerFault, BusUnavailable
from kit.service_tokens import FORBIDDEN, Guard, QuestionDenied
from kit.testing.guards import guard_of

Q = TypeVar("Q")
A = TypeVar("A")


def matches(pattern: str, subject: str) -> bool:
    """NATS' rule: `*` stands for one token, `>` for the rest."""
    wanted, got = pattern.split("."), subject.split(".")
    for i, part in enumerate(wanted):
        if part == ">":
            return len(got) > i
        if i >= len(got) or part not in ("*", got[i]):
            return False
    return len(wanted) == len(got)


@dataclass
class FakeDelivery:
    """A delivery that remembers how it was answered."""

    subject: str
    data: bytes
    correlation_id: str
    attempt: int
    answered: str = ""
    again: Callable[["FakeDelivery"], None] | None = None

    async def ack(self) -> None:
        self.answered = "ack"

    async def retry(self, delay_s: float) -> None:
        self.answered = "retry"
        if self.again:
            self.again(FakeDelivery(self.subject, self.data, self.correlation_id, self.attempt + 1, again=self.again))

    async def drop(self) -> None:
        self.answered = "drop"


@dataclass
class _Ending:
    undo: Callable[[], None]
    task: "asyncio.Task[None] | None" = None
    kept: int = 0

    async def stop(self) -> None:
        self.undo()
        if self.task:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)


@dataclass
class FakeBus:
    """Set `down` to make everything fail as an unreachable server would. `sent` holds all that was published."""

    down: bool = False
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)
    _listeners: list[tuple[str, OnMessage]] = field(default_factory=list)
    _consumers: list[tuple[str, "asyncio.Queue[FakeDelivery]"]] = field(default_factory=list)
    _kept: list[tuple[str, bytes, str]] = field(default_factory=list)
    people: dict[str, Ed25519PublicKey] = field(default_factory=dict)
    """ key id -> key that signs people's tokens, for the guards of those who answer """
    _answers: dict[str, tuple[Callable[[Any], Awaitable[Any]], Guard | None]] = field(default_factory=dict)

    def on(self, subject: str) -> list[bytes]:
        """What was published on subjects that match, oldest first."""
        return [data for sent, data in self.sent if matches(subject, sent)]

    def _check(self, what: str) -> None:
        if self.down:
            raise BusUnavailable(f"{what}: the bus is down")

    async def publish(self, subject: str, data: bytes) -> None:
        """Send to whoever listens now."""
        self._check(subject)
        await self._deliver(subject, data)

    async def _deliver(self, subject: str, data: bytes) -> None:
        self.sent.append((subject, data))
        for pattern, listener in list(self._listeners):
            if matches(pattern, subject):
                await listener(Message(subject, data, log.correlation.get()))

    async def store(self, subject: str, data: bytes, message_id: str = "") -> None:
        """Keep in the stream, bring to its consumers; the same id twice is kept once."""
        self._check(subject)
        if not any(matches(p, subject) for s in subjects.STREAMS for p in s.subjects):
            raise BusUnavailable(f"no stream keeps {subject}")
        if message_id:
            if message_id in self._ids:
                return
            self._ids.add(message_id)
        self._kept.append((subject, data, log.correlation.get()))
        for pattern, queue in list(self._consumers):
            if matches(pattern, subject):
                queue.put_nowait(FakeDelivery(subject, data, log.correlation.get(), 1, again=queue.put_nowait))
        await self._deliver(subject, data)

    async def subscribe(self, subject: str, on_message: OnMessage, *, pending: int = 65_536) -> _Ending:
        """Hear what is published from now on."""
        entry = (subject, on_message)
        self._listeners.append(entry)
        return _Ending(lambda: self._listeners.remove(entry))

    async def consume(
        self,
        stream: str,
        name: str,
        subject: str,
        on_deliveries: OnDeliveries,
        *,
        in_flight: int = 256,
        ack_wait_s: float = 30.0,
        only_new: bool = False,
        forget_after_s: float = 0.0,
    ) -> _Ending:
        """Bring what was kept and what will be."""
        queue: asyncio.Queue[FakeDelivery] = asyncio.Queue()
        for kept, data, correlation in [] if only_new else self._kept:
            if matches(subject, kept):
                queue.put_nowait(FakeDelivery(kept, data, correlation, 1, again=queue.put_nowait))

        kept_before = queue.qsize()

        async def work() -> None:
            while True:
                batch = [await queue.get()]
                while not queue.empty():
                    batch.append(queue.get_nowait())
                try:
                    await on_deliveries(list(batch))
                except Exception:  # noqa: BLE001 as the real bus: unanswered deliveries come again
                    await asyncio.sleep(0.01)
                    for delivery in batch:
                        if not delivery.answered:
                            await delivery.retry(0)

        entry = (subject, queue)
        self._consumers.append(entry)
        return _Ending(lambda: self._consumers.remove(entry), asyncio.create_task(work()), kept_before)

    def join(self, service: str, now_ms: Callable[[], int]) -> "FakeSeat":
        """The bus as a service sees it: what it asks carries its proofs, and what it is asked is judged by them."""
        return FakeSeat(self, guard_of(service, now_ms, self.people))

    async def ask(
        self,
        method: Method[Q, A],
        question: Q,
        timeout_s: float = ASK_TIMEOUT_S,
        *,
        asker: Guard | None = None,
        headers: dict[str, str] | None = None,
    ) -> A:
        """Ask through the codec, as over the wire. The test itself asks without proof; an `asker` is judged."""
        self._check(method.name)
        handler, guard = self._answers.get(subjects.rpc(method.service, method.name), (None, None))
        if handler is None:
            raise BusUnavailable(f"{method.service} did not answer {method.name}: nobody listens")
        if asker is not None:
            headers = asker.headers(method)
        try:
            received = decode(encode(question), method.question)
            if headers is not None:
                judge = guard or guard_of(method.service, asker.now_ms if asker else lambda: 0, self.people)
                judge.check(method, received, headers)
            reply = await handler(received)
        except ContractError as error:
            raise AnswerFault("bad_request", str(error)) from None
        except QuestionDenied as denied:
            raise AnswerFault(FORBIDDEN, denied.reason) from None
        if isinstance(reply, Fault):
            raise AnswerFault(reply.code, reply.reason)
        return decode(encode(reply), method.answer)

    async def answer(
        self, method: Method[Q, A], handler: Callable[[Q], Awaitable[A]], *, guard: Guard | None = None
    ) -> _Ending:
        """Answer a method."""
        subject = subjects.rpc(method.service, method.name)
        self._answers[subject] = (handler, guard)
        return _Ending(lambda: self._answers.pop(subject, None) and None)

    async def probe(self) -> str:
        """Up unless `down`."""
        self._check("probe")
        return "fake bus"

    async def close(self) -> None:
        """Nothing to hang up."""


@dataclass
class FakeSeat:
    """A service's end of a FakeBus."""

    bus: FakeBus
    guard: Guard

    async def publish(self, subject: str, data: bytes) -> None:
        """As the bus."""
        await self.bus.publish(subject, data)

    async def store(self, subject: str, data: bytes, message_id: str = "") -> None:
        """As the bus."""
        await self.bus.store(subject, data, message_id)

    async def subscribe(self, subject: str, on_message: OnMessage, *, pending: int = 65_536) -> _Ending:
        """As the bus."""
        return await self.bus.subscribe(subject, on_message, pending=pending)

    async def consume(self, stream: str, name: str, subject: str, on_deliveries: OnDeliveries, **how: Any) -> _Ending:
        """As the bus."""
        return await self.bus.consume(stream, name, subject, on_deliveries, **how)

    async def ask(self, method: Method[Q, A], question: Q, timeout_s: float = ASK_TIMEOUT_S) -> A:
        """Ask with our proofs."""
        return await self.bus.ask(method, question, timeout_s, asker=self.guard)

    async def answer(self, method: Method[Q, A], handler: Callable[[Q], Awaitable[A]]) -> _Ending:
        """Answer those who prove that they may ask."""
        return await self.bus.answer(method, handler, guard=self.guard)

    async def probe(self) -> str:
        """As the bus."""
        return await self.bus.probe()

    async def close(self) -> None:
        """As the bus."""
        await self.bus.close()
