"""The live stream: one WebSocket per browser, written by one task that never sends more than the browser takes."""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from litestar import Request, WebSocket, post, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler

from api_gateway.domain.access import SOCKET, Caller
from api_gateway.domain.lifetimes import TICKET_MS
from api_gateway.domain.quotas import Quotas
from api_gateway.domain.refusals import too_many
from api_gateway.domain.single_use import SingleUse
from api_gateway.routes.door import caller_of
from api_gateway.routes.fanout import PER_USER, SESSION_OVER, Fanout, Seat
from api_gateway.routes.measures import Measures
from api_gateway.routes.problems import Report, refuse, unexpected
from api_gateway.routes.schema import errors
from contracts.people_views import StreamTicket
from kit.clock import Clock

TICKET_BYTES = 32
TICKET_WAIT_S = 10.0
"""How long a browser may take to show its ticket."""
CLOSE_LIMIT_S = 5.0
"""How long a slow browser may take until it can be told why it is closed."""
MAX_HEARD = 256
"""A browser has nothing to say here; one that talks this much is no browser."""
TALKATIVE = 4429
"""As 429: too many messages."""
ACCIDENT = 1011


@dataclass(slots=True)
class Tickets:
    """Good once, for half a minute, for the session that fetched it."""

    clock: Clock
    open: SingleUse[Caller] = field(default_factory=lambda: SingleUse(TICKET_MS))

    def issue(self, caller: Caller) -> StreamTicket:
        """A new ticket."""
        ticket = secrets.token_urlsafe(TICKET_BYTES)
        return StreamTicket(ticket, self.open.put(ticket, caller, self.clock.now_ms()))

    def fits(self, ticket: str, caller: Caller) -> bool:
        """Whether this is a ticket of the caller's own session; it is used up whoever brings it."""
        owner = self.open.take(ticket, self.clock.now_ms())
        return owner is not None and (owner.user_id, owner.session) == (caller.user_id, caller.session)


def ticket_route(tickets: Tickets) -> HTTPRouteHandler:
    """POST /api/v1/stream-ticket."""

    @post("/api/v1/stream-ticket", responses=errors(401, 403))
    async def stream_ticket(request: Request[Any, Any, Any]) -> StreamTicket:
        """What a browser has to say first on its WebSocket: a cookie alone opens none, whatever page uses it."""
        return tickets.issue(caller_of(request.scope))

    return stream_ticket


def stream_route(
    fanout: Fanout, clock: Clock, measures: Measures, report: Report, tickets: Tickets, quotas: Quotas
) -> WebsocketRouteHandler:
    """WS /api/v1/stream."""

    @websocket("/api/v1/stream")
    async def stream(socket: WebSocket[Any, Any, Any]) -> None:
        """Accounts first, then prices every 20 ms, orders and executions as they come, a heartbeat each second."""
        caller = caller_of(socket.scope)
        if refusal := quotas.socket(caller.tenant, len(fanout.room(caller.tenant).seats)):
            await refuse(socket.send, SOCKET, refusal)
            return
        seat = fanout.enter(caller)
        if seat is None:
            await refuse(socket.send, SOCKET, too_many(f"open streams, {PER_USER} are allowed", 5))
            return
        try:
            await socket.accept()
            if seat.caller.by_cookie and not await _has_ticket(socket, seat.caller, tickets):
                measures.cut(SESSION_OVER)
                await socket.close(code=SESSION_OVER)
                return
            measures.browsers(fanout.browsers)
            await _serve(socket, seat, fanout, clock)
            if seat.close_code:
                measures.cut(seat.close_code)
        except Exception as error:  # noqa: BLE001 the framework would close without a word in the log
            unexpected(error, report)
            with contextlib.suppress(Exception):
                await socket.close(code=ACCIDENT)
        finally:
            fanout.exit(seat)
            measures.browsers(fanout.browsers)

    return stream


async def _has_ticket(socket: WebSocket[Any, Any, Any], caller: Caller, tickets: Tickets) -> bool:
    # as a message and not in the address or a header: those end in logs
    try:
        async with asyncio.timeout(TICKET_WAIT_S):
            message = await socket.receive()
    except TimeoutError:
        return False
    ticket = message.get("text") if message["type"] == "websocket.receive" else None
    return isinstance(ticket, str) and tickets.fits(ticket, caller)


async def _serve(socket: WebSocket[Any, Any, Any], seat: Seat, fanout: Fanout, clock: Clock) -> None:
    """Until the browser goes or must leave. The writer stands still while the browser's buffers are full."""
    parts = [
        asyncio.create_task(_write(socket.send, seat, fanout, clock)),
        asyncio.create_task(_listen(socket, seat)),
        asyncio.create_task(seat.leave.wait()),
    ]
    try:
        done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        for part in done:
            if part.exception() is not None and not _gone(part.exception()):
                part.result()
    finally:
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)
    if seat.close_code:
        with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError, OSError):
            await asyncio.wait_for(socket.close(code=seat.close_code), CLOSE_LIMIT_S)


def _gone(error: BaseException | None) -> bool:
    # uvicorn's own "the client has gone" is an OSError
    return isinstance(error, WebSocketDisconnect | OSError)


async def _write(send: Callable[[Any], Awaitable[None]], seat: Seat, fanout: Fanout, clock: Clock) -> None:
    while True:
        seat.wake.clear()
        while (message := _next(seat, fanout, clock.now_ms())) is not None:
            await send({"type": "websocket.send", "text": message.decode(), "bytes": None})
        await seat.wake.wait()


def _next(seat: Seat, fanout: Fanout, now_ms: int) -> bytes | None:
    # asked for only when a heartbeat is due: prices go out fifty times a second
    paused = fanout.paused(seat.caller.tenant) if seat.browser.beat_due else None
    return seat.browser.next_message(now_ms, fanout.bus_ok, paused)


async def _listen(socket: WebSocket[Any, Any, Any], seat: Seat) -> None:
    for _ in range(MAX_HEARD):
        if (await socket.receive())["type"] == "websocket.disconnect":
            return
    seat.dismiss(TALKATIVE)
