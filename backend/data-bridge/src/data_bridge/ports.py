"""What the bridge needs of the world, in its own words."""

from collections.abc import Callable
from typing import Protocol

import picows

from contracts.rpc import LeaseTaken, LeaseWish, Stored
from data_bridge.domain.greeting import Identity
from kit.edge import Peer

OpenTalk = Callable[[str, Peer], "picows.WSListener | int"]
"""Makes the listener of a PC that joins or renews (the path says which), or says in how many seconds to come again."""
OpenErrands = Callable[[Identity], "picows.WSListener | None"]
"""Makes the listener of a terminal's PC that brings news; None when there are too many already."""
OpenTerminal = Callable[[Identity], picows.WSListener]
"""Makes the listener of a terminal whose token was proved."""


class Store(Protocol):
    """What the bridge asks of the store of ticks and executions."""

    async def stored(self, tenant: str, account: str, epoch: int) -> Stored | None:
        """What is stored; None when the store does not answer."""
        ...

    async def lease(self, wish: LeaseWish) -> LeaseTaken | None:
        """Ask that the account be lent to a client; None when the store does not answer."""
        ...


class Trail(Protocol):
    """Where the bridge writes what must be explainable later."""

    def record(self, tenant: str, kind: str, subject: str, detail: dict[str, str]) -> None:
        """Write an audit record; never blocks."""
        ...

    def refusal(self, tenant: str, subject: str, code: str, reason: str) -> None:
        """Count a refusal; the trail gets one record per kind and period."""
        ...


class Shelf(Protocol):
    """Where bad frames are kept aside for inspection."""

    def put(self, who: Identity, code: str, frame: bytes) -> None:
        """Keep it, if there is room."""
        ...
