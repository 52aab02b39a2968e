"""Fan-out: one picture per tenant, told to every browser of that tenant each 20 ms at most."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from api_gateway.domain.access import Caller
from api_gateway.domain.browser import Browser, Kind, encoded_rows
from api_gateway.domain.heartbeats import ENGINE, HeartbeatBook
from api_gateway.domain.picture import Picture
from api_gateway.domain.views import account_view, execution_view, order_view
from contracts.accounts import AccountState
from contracts.audit import Heartbeat
from contracts.executions import Execution
from contracts.orders import Order
from contracts.ticks import TickBatch
from kit.clock import Clock

BEAT_S = 0.02
HEARTBEAT_S = 1.0
PER_USER = 64
PER_TENANT = 512
"""However many users a tenant makes."""

SESSION_OVER = 4401
TRY_AGAIN = 1013
"""Something was missed: connect again and ask for everything."""


@dataclass(slots=True, eq=False)
class Seat:
    """One browser's place in the audience. `close_code` is set once, when it must leave."""

    caller: Caller
    browser: Browser
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    close_code: int = 0

    def dismiss(self, code: int) -> None:
        """Make it leave."""
        if not self.close_code:
            self.close_code = code
            self.leave.set()

    def told(self) -> None:
        """Something was offered: send it, or leave when too much was missed."""
        if self.browser.overflowed:
            self.dismiss(TRY_AGAIN)
        self.wake.set()


@dataclass(slots=True)
class Room:
    """The audience of one tenant."""

    picture: Picture = field(default_factory=Picture)
    seats: set[Seat] = field(default_factory=set)
    told_at: float = 0.0
    """Loop time of the last beat."""
    planned: bool = False


class Fanout:
    """Hears the platform and tells the browsers. `tick` must be called each second."""

    def __init__(self, clock: Clock, revoked: Callable[[Caller], bool]) -> None:
        self._clock = clock
        self._revoked = revoked
        self._rooms: dict[str, Room] = {}
        """ tenant -> its audience """
        self.heartbeats = HeartbeatBook()
        self.bus_ok = False
        """What the last probe of the bus found."""
        self._missed = False
        """The bus was away since it was last heard."""
        self.accounts_known = False
        """Whether the states from before our start were read."""

    def room(self, tenant: str) -> Room:
        """A tenant's audience, made when first heard of: tenants come from tokens and the bus, never from a URL."""
        return self._rooms.setdefault(tenant, Room())

    def picture(self, tenant: str) -> Picture:
        """What is known of a tenant."""
        return self.room(tenant).picture

    @property
    def browsers(self) -> int:
        """How many are connected."""
        return sum(len(room.seats) for room in self._rooms.values())

    def enter(self, caller: Caller) -> Seat | None:
        """A place for one more browser, which begins with every account; None when its user or tenant has too many."""
        room = self.room(caller.tenant)
        if len(room.seats) >= PER_TENANT or sum(seat.caller.name == caller.name for seat in room.seats) >= PER_USER:
            return None
        states = room.picture.accounts
        seat = Seat(caller, Browser())
        seat.browser.max_waiting += len(states)
        for account in sorted(states):
            seat.browser.offer_event(Kind.ACCOUNT, msgspec.json.encode(account_view(states[account])))
        seat.wake.set()
        if not room.seats:
            # what changed while nobody looked is in the snapshot that the browser asks for
            room.picture.board.take()
        room.seats.add(seat)
        return seat

    def exit(self, seat: Seat) -> None:
        """The browser has gone."""
        self.room(seat.caller.tenant).seats.discard(seat)

    def hear_ticks(self, batch: TickBatch) -> None:
        """Note prices; browsers are told at the next beat."""
        room = self.room(batch.tenant)
        if not room.picture.board.hear(batch) or room.planned or not room.seats:
            return
        room.planned = True
        loop = asyncio.get_running_loop()
        loop.call_at(max(loop.time(), room.told_at + BEAT_S), self._beat, room)

    def _beat(self, room: Room) -> None:
        room.planned = False
        room.told_at = asyncio.get_running_loop().time()
        rows = room.picture.board.take()
        if not rows or not room.seats:
            return
        encoded = encoded_rows(rows)
        for seat in room.seats:
            seat.browser.offer_rows(rows, encoded)
            seat.wake.set()

    def hear_account(self, state: AccountState) -> None:
        """Tell an account's state."""
        room = self.room(state.tenant)
        room.picture.hear_account(state)
        self._tell(room, Kind.ACCOUNT, account_view(state))

    def recall_account(self, state: AccountState) -> None:
        """Note an account's state from before we listened."""
        self.room(state.tenant).picture.recall_account(state)

    def hear_order(self, order: Order) -> None:
        """Tell an order's state."""
        self._tell(self.room(order.tenant), Kind.ORDER, order_view(order))

    def hear_execution(self, execution: Execution) -> None:
        """Tell a terminal's answer."""
        self._tell(self.room(execution.tenant), Kind.EXECUTION, execution_view(execution))

    def hear_heartbeat(self, beat: Heartbeat) -> None:
        """Note that a service lives. That trading was paused or resumed is told at once."""
        before = {tenant: self.paused(tenant) for tenant in self._rooms} if beat.service == ENGINE else {}
        self.heartbeats.hear(beat)
        for tenant, paused in before.items():
            if self.paused(tenant) is not paused:
                for seat in self._rooms[tenant].seats:
                    seat.browser.beat_due = True
                    seat.wake.set()

    def paused(self, tenant: str) -> bool | None:
        """Whether the tenant's trading is paused; None when no engine says so."""
        return self.heartbeats.paused(tenant, self._clock.now_ms())

    def _tell(self, room: Room, kind: Kind, view: msgspec.Struct) -> None:
        if not room.seats:
            return
        encoded = msgspec.json.encode(view)
        for seat in room.seats:
            seat.browser.offer_event(kind, encoded)
            seat.told()

    def dismiss_revoked(self) -> None:
        """Close the streams of whoever may not listen any more. Call it with each revocation."""
        for room in self._rooms.values():
            for seat in room.seats:
                if self._revoked(seat.caller):
                    seat.dismiss(SESSION_OVER)

    def tick(self, bus_ok: bool) -> None:
        """Once a second: heartbeats, and the end of sessions that are over."""
        back = bus_ok and self._missed
        self._missed = not bus_ok and (self.bus_ok or self._missed)
        self.bus_ok = bus_ok
        now_ms = self._clock.now_ms()
        for room in self._rooms.values():
            for seat in room.seats:
                if seat.caller.expires_ms <= now_ms or self._revoked(seat.caller):
                    seat.dismiss(SESSION_OVER)
                elif back:
                    # nobody knows what was said while the bus was away
                    seat.dismiss(TRY_AGAIN)
                seat.browser.beat_due = True
                seat.wake.set()
