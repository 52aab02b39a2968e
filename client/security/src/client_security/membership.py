"""Become a terminal of the server and stay one: join once, renew at two thirds of each certificate's life."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import picows
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from client_security.adapters.papers import Papers, PinsRefused
from client_security.adapters.wire import Address, Resolve, TurnedAway, Unreachable, context_for, dial, system_resolve
from client_security.domain.enrolment import Enrolment
from client_security.domain.pins import Pins
from contracts.codec import decode, encode
from contracts.errors import ContractError
from contracts.terminals import (
    ANSWER_WITHIN_S,
    JOIN_PATH,
    MAX_JOIN_BYTES,
    RENEW_PATH,
    JoinAnswer,
    Joined,
    JoinRequest,
    NotJoined,
    RenewRequest,
    renewal_bytes,
)
from kit import log, pki
from kit.backoff import Backoff
from kit.clock import Clock
from kit.errors import KitError

LOOK_EVERY_S = 1.0
OF_THE_TOKEN = frozenset(
    {"unknown_key", "bad_signature", "malformed", "expired", "lives_too_long", "wrong_certificate"}
)
""" words of the server that a new token may change """
_log = log.get("membership")


class Ended(KitError):
    """The server will never take this terminal; the text says what to do."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Ticket:
    """What one connection is made with."""

    context: ssl.SSLContext
    token: str = field(repr=False)
    terminal: str = ""


@dataclass(slots=True)
class Membership:
    """Ask `ticket` before each connection, and run `keep` as a task."""

    papers: Papers
    scratch: Path
    clock: Clock
    resolve: Resolve = system_resolve
    enrolment: Enrolment = field(init=False)
    pins: Pins = field(init=False)
    joined: Joined | None = field(init=False)
    last: Address = field(init=False)
    _refused: str = ""
    """A token that the server did not take."""
    _busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.enrolment = self.papers.enrolment()
        self.pins = self.papers.pins()
        self.joined = self.papers.membership()
        self.last = Address(self.scratch.parent / "server.address", self.resolve)

    def objection(self) -> str:
        """Why no server may be believed now; empty when one may."""
        refusal = self.pins.objection(self.clock.now_ms())
        return refusal.reason if refusal else ""

    def warning(self) -> str:
        """What the trader should do within a month; empty when nothing."""
        return self.pins.warning(self.clock.now_ms())

    async def ticket(self) -> Ticket:
        """Join or renew where that is needed. Unreachable: try again later; Ended: never."""
        self._may_connect()
        async with self._busy:
            joined = self.joined
            if joined is None:
                joined = await self._join()
            elif self.clock.now_ms() >= joined.expires_ms or joined.token == self._refused:
                joined = await self._renew(joined)
        return Ticket(await asyncio.to_thread(self._context, joined), joined.token, joined.terminal)

    async def living_ticket(self) -> Ticket:
        """For a program that neither joins nor renews: with what the connector keeps in the vault at this moment."""
        joined = self.joined = await asyncio.to_thread(self.papers.membership)
        self.pins = await asyncio.to_thread(self.papers.pins)
        self._may_connect()
        if joined is None or self.clock.now_ms() >= joined.expires_ms:
            raise Unreachable("this PC has no living certificate; the connector gets it when it reaches the server")
        return Ticket(await asyncio.to_thread(self._context, joined), joined.token, joined.terminal)

    def turned_away(self, ticket: Ticket, code: str) -> None:
        """The server refused this ticket. Where its token was the reason (the server's keys may have changed), the next
        one is a new one."""
        if code in OF_THE_TOKEN:
            self._refused = ticket.token

    async def keep(self) -> None:
        """Renew in time, again and again, until cancelled. What stands open is not touched by it. Raises Ended."""
        delays = Backoff(1.0, 60.0).delays()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            joined = self.joined
            if joined is None or self.clock.now_ms() < due_ms(joined) or self.objection():
                continue
            try:
                async with self._busy:
                    await self._renew(joined)
                delays = Backoff(1.0, 60.0).delays()
            except OSError as error:
                _log.warning("not_renewed", reason=str(error))
                await asyncio.sleep(next(delays))

    def _may_connect(self) -> None:
        if why := self.objection():
            raise Unreachable(why)

    async def _join(self) -> Joined:
        key = await asyncio.to_thread(self._key)
        request = JoinRequest(self.enrolment.join_token, pki.make_request(key))
        answer = await self._ask(JOIN_PATH, encode(request), context_for(self.pins.trusted()))
        await asyncio.to_thread(self._keep, answer)
        _log.info("joined", terminal=answer.terminal)
        return answer

    async def _renew(self, joined: Joined) -> Joined:
        key = await asyncio.to_thread(self._key)
        request, now = pki.make_request(key), self.clock.now_ms()
        proof = key.sign(renewal_bytes(joined.terminal, request, now), ec.ECDSA(hashes.SHA256()))
        living = now < joined.expires_ms
        context = await asyncio.to_thread(self._context, joined) if living else context_for(self.pins.trusted())
        answer = await self._ask(RENEW_PATH, encode(RenewRequest(joined.terminal, request, now, proof)), context)
        await asyncio.to_thread(self._keep, answer)
        _log.info("renewed", terminal=answer.terminal, expires_ms=answer.expires_ms)
        return answer

    def _context(self, joined: Joined) -> ssl.SSLContext:
        return context_for(self.pins.trusted(), joined.chain, self.papers.key() or b"", self.scratch)

    def _key(self) -> pki.Key:
        """Made here, on disk in the vault before its public part leaves this PC, and never anywhere else."""
        known = self.papers.key()
        if known is not None:
            return pki.read_key(known)
        made = pki.make_key()
        self.papers.keep_key(pki.key_pem(made))
        return made

    def _keep(self, joined: Joined) -> None:
        self.papers.keep_membership(joined)
        self.joined = joined
        self.enrolment = self.papers.enrolment()
        if joined.pinset:
            try:
                self.pins = self.papers.take_pins(joined.pinset, self.clock.now_ms())
                _log.info("pins_taken", version=self.pins.version)
            except PinsRefused as refusal:
                # the one it has already comes with each renewal; anything else is worth a look
                _log.debug("pins_not_taken", reason=str(refusal))

    async def _ask(self, path: str, question: bytes, context: ssl.SSLContext) -> Joined:
        url = urlsplit(self.enrolment.server)._replace(path=path).geturl()
        try:
            said = await _one_question(
                lambda talk: dial(url, lambda: talk, context, self.last, max_frame_size=4 * MAX_JOIN_BYTES), question
            )
        except TurnedAway as refusal:
            raise Unreachable(str(refusal)) from None
        if isinstance(said, NotJoined):
            if said.retry or said.code == "stale_proof":
                raise Unreachable(said.reason)
            raise Ended(said.reason)
        return said


def due_ms(joined: Joined) -> int:
    """When the next certificate is asked for: at two thirds of this one's life."""
    return joined.issued_ms + (joined.expires_ms - joined.issued_ms) * 2 // 3


class _Talk(picows.WSListener):
    def __init__(self, answer: "asyncio.Future[bytes]") -> None:
        super().__init__()
        self._answer = answer

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type is picows.WSMsgType.BINARY and not self._answer.done():
            self._answer.set_result(frame.get_payload_as_bytes())

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        if not self._answer.done():
            self._answer.set_exception(Unreachable("the server hung up without an answer"))


async def _one_question(connect: "Callable[[_Talk], object]", question: bytes) -> JoinAnswer:
    answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    transport, _ = await connect(_Talk(answer))  # type: ignore[misc]
    try:
        transport.send(picows.WSMsgType.BINARY, question)
        said: JoinAnswer = decode(await asyncio.wait_for(answer, ANSWER_WITHIN_S + 5), JoinAnswer)  # type: ignore[arg-type]
    except TimeoutError:
        raise Unreachable("the server did not answer in time") from None
    except ContractError as error:
        raise Unreachable(f"the server's answer is not understood ({error}); update the older one") from None
    finally:
        transport.disconnect()
    return said
