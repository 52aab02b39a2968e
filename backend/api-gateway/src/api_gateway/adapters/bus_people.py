"""People asked over the bus, and revocations told to everybody."""

from collections import deque
from collections.abc import Callable
from typing import TypeVar

from contracts.revocations import Revocation
from contracts.rpc import Method
from kit import log
from kit.bus import Bus
from kit.errors import BusUnavailable
from kit.revocations import RevocationBook, revoke

Q = TypeVar("Q")
A = TypeVar("A")
MAX_WAITING = 10_000

_log = log.get("people")


class BusPeople:
    """The database service's answers about people."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def ask(self, method: Method[Q, A], question: Q) -> A:
        """One question."""
        return await self._bus.ask(method, question)


class BusRevoker:
    """Holds at once in this process, then goes to the stream; what the stream did not take is sent again."""

    def __init__(self, bus: Bus, book: RevocationBook, on_revoked: Callable[[Revocation], None]) -> None:
        self._bus = bus
        self._book = book
        self._on_revoked = on_revoked
        self.waiting: deque[Revocation] = deque(maxlen=MAX_WAITING)
        """Told here and not yet to the others."""

    async def revoke(self, revocation: Revocation) -> None:
        """Never fails: whoever takes something away must not be told that it stayed."""
        if self._book.hear(revocation):
            self._on_revoked(revocation)
        try:
            await revoke(self._bus, revocation)
        except BusUnavailable as error:
            _log.warning("revocation_waits", kind=revocation.kind, error=str(error))
            self.waiting.append(revocation)

    async def tell_waiting(self) -> None:
        """Send what waits; stops at the first that is not taken. Call it each second."""
        while self.waiting:
            try:
                await revoke(self._bus, self.waiting[0])
            except BusUnavailable:
                return
            self.waiting.popleft()
