"""The bus in our own words: what a service may ask of it, whatever carries the messages."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from contracts.rpc import Method
from kit.service_tokens import Guard

Q = TypeVar("Q")
A = TypeVar("A")

ASK_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it came from the bus."""

    subject: str
    data: bytes
    correlation_id: str = ""


class Delivery(Protocol):
    """A message of a stream. It comes again until it was answered with `ack` or `drop`."""

    subject: str
    data: bytes
    correlation_id: str
    attempt: int
    """1 the first time."""

    async def ack(self) -> None:
        """Its effect is durable."""
        ...

    async def retry(self, delay_s: float) -> None:
        """Bring it again after a while."""
        ...

    async def drop(self) -> None:
        """Never bring it again: it can't be used. Keep it aside first."""
        ...


OnMessage = Callable[[Message], Awaitable[None]]
OnDeliveries = Callable[[list[Delivery]], Awaitable[None]]
"""Takes everything that has arrived, oldest first. Raising is allowed: what was not answered comes again."""
Answer = Callable[[Any], Awaitable[Any]]


class Subscription(Protocol):
    """Something that can be ended."""

    kept: int
    """How many messages the stream held for it when it began; 0 where there is no stream."""

    async def stop(self) -> None:
        """No more messages after this."""
        ...


class Bus(Protocol):
    """Publish, keep, receive, ask and answer."""

    guard: Guard
    """Proves who we are to those we ask, and judges those who ask us."""

    async def publish(self, subject: str, data: bytes) -> None:
        """Send to whoever listens now. A newer message replaces it; nobody misses it."""
        ...

    async def store(self, subject: str, data: bytes, message_id: str = "") -> None:
        """Send into the stream of the subject; returns when the stream has it, raises BusUnavailable when that is
        not known in time. The same `message_id` twice within two minutes is stored once."""
        ...

    async def subscribe(self, subject: str, on_message: OnMessage, *, pending: int = 65_536) -> Subscription:
        """Hear what is published from now on, one message after the other. At most `pending` wait; beyond that the
        newest are lost and counted: use it only for what newer messages replace."""
        ...

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
    ) -> Subscription:
        """Work through a stream under a durable `name`: everything is brought until acknowledged, at most `in_flight`
        unanswered at a time. `only_new` begins now instead of at the stream's start when the name is new;
        `forget_after_s` lets the bus forget the name after that long without a listener."""
        ...

    async def ask(self, method: Method[Q, A], question: Q, timeout_s: float = ASK_TIMEOUT_S) -> A:
        """Ask a service, in the name of the person of `service_tokens.on_behalf_of` where there is one. Raises
        AnswerFault when it refuses (`forbidden`: the policy does), BusUnavailable when it does not answer in time."""
        ...

    async def answer(self, method: Method[Q, A], handler: Callable[[Q], Awaitable[A]]) -> Subscription:
        """Answer a method, to those whom the policy lets ask it.

        A handler raises AnswerFault to refuse; anything else becomes a logged `internal` fault."""
        ...

    async def probe(self) -> str:
        """Ask the server for a round trip; raises when there is none."""
        ...

    async def close(self) -> None:
        """Send what is still to be sent and hang up."""
        ...


class Joinable(Protocol):
    """A bus in memory, which several services of a test share."""

    def join(self, service: str, now_ms: Callable[[], int]) -> Bus:
        """The bus as one service sees it."""
        ...
