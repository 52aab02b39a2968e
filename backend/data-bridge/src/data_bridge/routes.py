"""The edge: who may open a terminal's WebSocket, and who may ask to become or to stay a terminal."""

from dataclasses import dataclass

import msgspec
import picows

from contracts import errands
from contracts.subjects import ACCOUNT, TENANT
from contracts.terminals import JOIN_PATH, RENEW_PATH
from contracts.uplink import PATH
from contracts.views import Problem
from data_bridge.domain.counts import Counts
from data_bridge.domain.greeting import Identity
from data_bridge.ports import OpenErrands, OpenTalk, OpenTerminal, Trail
from kit.clock import Clock
from kit.edge import Peer, answer
from kit.errors import TokenRefused
from kit.policy import EDGES, NOBODY, TERMINAL, Denied, Facts, Subject, decide
from kit.revocations import RevocationBook
from kit.tls import Kind, thumbprint
from kit.tokens import Keys, signed_by, verify

KIND = "terminal+jwt"
AUDIENCE = "data-bridge"
MAX_LIFE_S = 2 * 86_400
"""A terminal's token lives as long as its certificate, a day."""
BINDING = "x5t#S256"


@dataclass(slots=True)
class Door:
    """Hand `accept` to the edge: it refuses before the upgrade whatever does not prove who it is."""

    keys: Keys
    """The keys that sign terminal tokens, by id; also those before a change."""
    clock: Clock
    counts: Counts
    trail: Trail
    revoked: RevocationBook
    operator_tenant: str
    open_terminal: OpenTerminal
    open_talk: OpenTalk
    open_errands: OpenErrands
    closing: bool = False

    def accept(
        self, request: picows.WSUpgradeRequest, peer: Peer
    ) -> picows.WSListener | picows.WSUpgradeResponseWithListener | None:
        """A listener for a proved terminal or for one that joins, 401 for anybody else, None for another path."""
        path = request.path.split(b"?", 1)[0].decode("latin-1")
        if path not in (PATH, errands.PATH, JOIN_PATH, RENEW_PATH):
            return None
        if self.closing:
            return self._refuse(503, "restarting", "the bridge is restarting; try again in a few seconds", peer)
        try:
            known = path in (PATH, errands.PATH)
            who = self._identify(request.headers.get("Authorization", ""), peer) if known else None
        except TokenRefused as refusal:
            return self._refuse(401, refusal.code, str(refusal), peer)
        subject = Subject(who.terminal, who.tenant, TERMINAL) if who else NOBODY
        facts = Facts(self.clock.now_ms(), False, self.revoked.states(subject.tenant))
        decided = decide(subject, EDGES.get((AUDIENCE, "WS", path), ""), subject.tenant, facts)
        if isinstance(decided, Denied):
            return self._refuse(403, decided.code, decided.reason, peer)
        if who is not None and path == PATH:
            return self.open_terminal(who)
        talk = self.open_talk(path, peer) if who is None else self.open_errands(who)
        if talk is None:
            return self._refuse(503, "busy", "too many terminals come at once; try again in a few seconds", peer)
        if isinstance(talk, int):
            why = f"too many terminals join at once or from one address; try again in {talk} seconds"
            return self._refuse(429, "busy", why, peer, talk)
        return talk

    def _identify(self, authorization: str, peer: Peer) -> Identity:
        if peer.identity is None or peer.identity.kind is not Kind.TERMINAL:
            raise TokenRefused("no_certificate", "a terminal shows its certificate; enrol it to get one")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise TokenRefused(
                "no_token", "send `Authorization: Bearer <terminal token>`; enrol the terminal to get one"
            )
        now_s = self.clock.now_ms() // 1_000
        token = token.strip()
        claims = verify(token, self.keys, KIND, AUDIENCE, now_s, MAX_LIFE_S)
        if self.revoked.refuses(issued_ms=claims.iat * 1_000, key=signed_by(token)) is not None:
            # not the terminal's fault: it renews its token and comes again
            raise TokenRefused("unknown_key", "the key that signed this token was revoked")
        if TENANT.match(claims.tenant) is None or ACCOUNT.match(claims.account) is None:
            raise TokenRefused("no_account", "the token names no account; enrol the terminal again")
        # RFC 8705: a stolen token is worth nothing without the key of the certificate it was made for
        if claims.cnf != {BINDING: thumbprint(peer.certificate)}:
            raise TokenRefused("wrong_certificate", "the token is bound to another certificate than the one shown")
        if (peer.identity.tenant, peer.identity.name) != (claims.tenant, claims.sub):
            raise TokenRefused("wrong_certificate", "certificate and token name different terminals")
        revocation = self.revoked.refuses(issued_ms=claims.iat * 1_000, tenant=claims.tenant, terminal=claims.sub)
        if revocation is not None and not revocation.holds:  # what holds is the policy's to say
            raise TokenRefused("revoked", f"this terminal was revoked: {revocation.reason}")
        return Identity(claims.tenant, claims.account, claims.sub, claims.exp * 1_000)

    def _refuse(
        self, status: int, code: str, reason: str, peer: Peer, retry_after_s: int = 0
    ) -> picows.WSUpgradeResponseWithListener:
        self.counts.refuse(code)
        tenant = peer.identity.tenant if peer.identity is not None else ""
        self.trail.refusal(tenant or self.operator_tenant, "upgrade", code, reason)
        more = {"Retry-After": str(retry_after_s)} if retry_after_s else {}
        return answer(status, msgspec.json.encode(Problem(code, reason)), "application/json", more)
