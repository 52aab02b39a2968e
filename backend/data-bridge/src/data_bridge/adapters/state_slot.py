"""An account's newest state on its way to the bus: a newer one replaces the one that waits."""

import asyncio
from dataclasses import dataclass

import msgspec

from contracts.accounts import AccountState
from kit.backoff import Backoff
from kit.bus import Bus
from kit.errors import BusUnavailable

_encode = msgspec.msgpack.Encoder().encode


@dataclass(slots=True)
class StateSlot:
    """`put` a state; when it returns True run `publish`."""

    bus: Bus
    subject: str
    waiting: AccountState | None = None
    busy: bool = False

    def put(self, state: AccountState) -> bool:
        """Keep the newest; True when nobody is publishing yet."""
        self.waiting = state
        idle, self.busy = not self.busy, True
        return idle

    async def publish(self) -> None:
        """Publish what waits until nothing does."""
        delays = Backoff(0.1, 2.0).delays()
        try:
            while (state := self.waiting) is not None:
                try:
                    await self.bus.store(self.subject, _encode(state))
                except BusUnavailable:
                    await asyncio.sleep(next(delays))  # then with the newest, which may be another by now
                    continue
                if self.waiting is state:
                    self.waiting = None
        finally:
            self.busy = False
