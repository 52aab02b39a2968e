"""The hub's answers to terminals that join or renew: judge, write the book, sign, tell the audit trail."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from central_hub.domain.terminals import Fault, Terminal, join_fault, join_hash, renew_fault
from contracts import subjects
from contracts.audit import AuditRecord
from contracts.codec import encode
from contracts.revocations import Revocation, RevocationKind
from contracts.terminals import Joined, JoinQuestion, RenewQuestion, renewal_bytes
from kit import log, pki
from kit.bus import Bus
from kit.clock import Clock
from kit.errors import AnswerFault, BusUnavailable, CertificateRefused
from kit.revocations import RevocationBook, revoke
from kit.tls import thumbprint
from kit.tokens import mint

AUDIENCE = "data-bridge"
KIND = "terminal+jwt"
REFUSED_AGAIN_MS = 60_000
"""The same refusal of a renewal is written down this often at most."""

_log = log.get("terminals")

Sign = Callable[[bytes, str, str], bytes]
"""(request, tenant, terminal id) -> chain as PEM; CertificateRefused when the request proves nothing. Blocks."""


class Book(Protocol):
    """What the desk asks of the book of terminals; every call blocks."""

    def by_join(self, join_hash: str) -> Terminal | None:
        """Whom a one-time token was made for."""
        ...

    def by_id(self, terminal_id: str) -> Terminal | None:
        """One terminal."""
        ...

    def claim(self, terminal_id: str, key: bytes, now_ms: int) -> bool:
        """Spend the one-time token; False when another key was first."""
        ...

    def issued(self, terminal_id: str, issued_ms: int, expires_ms: int, address: str) -> bool:
        """Note what was handed out; False when it was revoked meanwhile."""
        ...

    def untold(self) -> list[Terminal]:
        """Revoked, not yet told."""
        ...

    def told(self, terminal_id: str, now_ms: int) -> None:
        """Told."""
        ...


@dataclass(slots=True)
class TerminalDesk:
    """`join` and `renew` answer the bridge's questions; `tell_revoked` once at start."""

    book: Book
    sign: Sign
    token_key: Callable[[], Ed25519PrivateKey]
    """The key that signs tokens now: it may change while the platform runs."""
    pinset: Callable[[], bytes]
    """The newest signed pin set; empty when there was never a rotation."""
    bus: Bus
    clock: Clock
    revocations: RevocationBook = field(default_factory=RevocationBook)
    """What was revoked on the bus; a suspended tenant's terminals stand there only."""
    refused_ms: dict[tuple[str, str], int] = field(default_factory=dict)
    """ terminal, code -> when its refusal was last written down: one that asks all the time fills no trail """

    async def join(self, question: JoinQuestion) -> Joined:
        """The first certificate. Raises AnswerFault."""
        key = _key(question.join.request)
        now = self.clock.now_ms()
        found = await asyncio.to_thread(self.book.by_join, join_hash(question.join.join_token))
        fault = join_fault(found, key, now) or self._revoked(found)
        if fault is None and found is not None:
            if await asyncio.to_thread(self.book.claim, found.id, key, now):
                return await self._issue(found, question.join.request, question.address, "terminal_joined")
            fault = join_fault(await asyncio.to_thread(self.book.by_id, found.id), key, now)
        raise await self._refused("authn_join_fail", found, fault, question.address)

    async def renew(self, question: RenewQuestion) -> Joined:
        """The next certificate. Raises AnswerFault."""
        asked = question.renew
        key = _key(asked.request)
        now = self.clock.now_ms()
        found = await asyncio.to_thread(self.book.by_id, asked.terminal)
        fault = renew_fault(found, key, question.shown, asked.terminal, asked.signed_ms, now) or self._revoked(found)
        if fault is None and not _proves(
            asked.request, renewal_bytes(asked.terminal, asked.request, asked.signed_ms), asked.proof
        ):
            fault = Fault("bad_proof", "the request is not signed by the terminal's key; enrol this PC anew")
        if fault is None and found is not None:
            return await self._issue(found, asked.request, question.address, "terminal_renewed")
        raise await self._refused("authn_renew_fail", found, fault, question.address)

    def _revoked(self, found: Terminal | None) -> Fault | None:
        if found is None:
            return None
        if self.revocations.suspended(found.tenant):
            return Fault("tenant_suspended", "this organisation is suspended; ask whoever runs the platform")
        gone = self.revocations.refuses(issued_ms=found.added_ms, tenant=found.tenant, terminal=found.id)
        return (
            Fault("revoked", f"this terminal was revoked: {gone.reason}; ask the server's operator") if gone else None
        )

    async def tell_revoked(self) -> None:
        """What was revoked while the bus was away is told now."""
        for one in await asyncio.to_thread(self.book.untold):
            await revoke(self.bus, revocation_of(one))
            await asyncio.to_thread(self.book.told, one.id, self.clock.now_ms())

    async def _issue(self, terminal: Terminal, request: bytes, address: str, kind: str) -> Joined:
        now = self.clock.now_ms()
        chain = await asyncio.to_thread(self.sign, request, terminal.tenant, terminal.id)
        leaf = pki.read_chain(chain)[0]
        until_s = int(leaf.not_valid_after_utc.timestamp())
        if not await asyncio.to_thread(self.book.issued, terminal.id, now, until_s * 1000, address):
            raise AnswerFault("revoked", f"terminal {terminal.id} was revoked; ask the server's operator")
        token = mint(
            self.token_key(),
            KIND,
            AUDIENCE,
            terminal.id,
            now // 1000,
            until_s - now // 1000,
            tenant=terminal.tenant,
            account=terminal.account,
            cnf={"x5t#S256": thumbprint(pki.der(leaf))},
        )
        await self._audit(terminal.tenant, kind, terminal.id, {"account": terminal.account, "address": address})
        return Joined(terminal.id, chain, token, now, until_s * 1000, self.pinset())

    async def _refused(self, kind: str, terminal: Terminal | None, fault: Fault | None, address: str) -> AnswerFault:
        fault = fault or Fault("join_token_used", "another PC was first")
        _log.warning("terminal_refused", code=fault.code, terminal=terminal.id if terminal else "", address=address)
        key, now = (terminal.id if terminal else "", fault.code), self.clock.now_ms()
        repeated = kind == "authn_renew_fail" and 0 <= now - self.refused_ms.get(key, 0) < REFUSED_AGAIN_MS
        if terminal is not None and not repeated:
            self.refused_ms[key] = now
            await self._audit(terminal.tenant, kind, terminal.id, {"code": fault.code, "address": address})
        return AnswerFault(fault.code, fault.reason)

    async def _audit(self, tenant: str, kind: str, subject: str, detail: dict[str, str]) -> None:
        record = AuditRecord(
            secrets.token_hex(16),
            tenant,
            self.clock.now_ms(),
            "central-hub",
            kind,
            subject,
            detail,
            log.correlation.get(),
        )
        try:
            await self.bus.store(subjects.audit(tenant), encode(record), record.id)
        except BusUnavailable as error:
            # what can't be explained later is not done
            raise AnswerFault("audit_unavailable", f"the audit trail does not take it ({error}); try again") from None


def revocation_of(terminal: Terminal) -> Revocation:
    """As it is told to every service."""
    return Revocation(
        terminal.tenant, RevocationKind.TERMINAL, terminal.id, terminal.revoked_ms, terminal.revoked_why, "operator"
    )


def _key(request: bytes) -> bytes:
    try:
        key = pki.requested_key(request)
    except CertificateRefused as refusal:
        raise AnswerFault(refusal.code, str(refusal)) from None
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _proves(request: bytes, signed: bytes, proof: bytes) -> bool:
    try:
        pki.requested_key(request).verify(proof, signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
