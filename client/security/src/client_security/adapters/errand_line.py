"""The short connection beside the terminal's: one errand, its answer, the next."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import picows

from client_security.adapters.wire import TurnedAway, Unreachable, dial
from client_security.membership import Membership
from contracts.codec import decode, encode
from contracts.errands import ANSWER_WITHIN_S, MAX_FRAME_BYTES, PATH, DownErrand, UpErrand
from contracts.errors import ContractError

SPARE_S = 5.0
"""The server answers or says that it can't within ANSWER_WITHIN_S; the rest is for the way."""


class _Listener(picows.WSListener):
    def __init__(self) -> None:
        super().__init__()
        self.answers: asyncio.Queue[bytes | None] = asyncio.Queue(2)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type is picows.WSMsgType.BINARY and frame.fin and not self.answers.full():
            self.answers.put_nowait(frame.get_payload_as_bytes())
        elif frame.msg_type not in (picows.WSMsgType.PING, picows.WSMsgType.PONG):
            transport.disconnect()

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        if not self.answers.full():
            self.answers.put_nowait(None)


@dataclass(frozen=True, slots=True)
class ErrandLine:
    """An open connection."""

    transport: picows.WSTransport
    listener: _Listener

    async def ask(self, errand: UpErrand) -> DownErrand:
        """Send one, wait for its answer. Unreachable when none comes."""
        if self.transport.is_disconnected:
            raise Unreachable("the server hung up")
        self.transport.send(picows.WSMsgType.BINARY, encode(errand))
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S + SPARE_S):
                data = await self.listener.answers.get()
            if data is None:
                raise Unreachable("the server hung up without an answer")
            answer: Any = decode(data, DownErrand)  # type: ignore[arg-type]  # a union is a type to msgspec
        except TimeoutError:
            raise Unreachable("the server did not answer in time") from None
        except ContractError as error:
            raise Unreachable(f"the server's answer is not understood ({error}); update the older one") from None
        said: DownErrand = answer
        return said


@asynccontextmanager
async def open_line(membership: Membership) -> AsyncIterator[ErrandLine]:
    """Connect as the terminal of this PC, whose certificate the connector keeps. Unreachable: try again later."""
    ticket = await membership.living_ticket()
    url = urlsplit(membership.enrolment.server)._replace(path=PATH).geturl()
    headers = {"Authorization": f"Bearer {ticket.token}"}
    try:
        transport, listener = await dial(url, _Listener, ticket.context, membership.last, headers, MAX_FRAME_BYTES)
    except TurnedAway as refusal:
        raise Unreachable(f"the server turned this PC away: {refusal}") from None
    assert isinstance(listener, _Listener), "the factory made it"
    try:
        yield ErrandLine(transport, listener)
    finally:
        transport.disconnect()
