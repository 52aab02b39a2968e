"""The edge: who may open a terminal's WebSocket."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import picows
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contracts.subjects import ACCOUNT, TENANT
from contracts.uplink import PATH
from contracts.views import Problem
from data_bridge.domain.counts import Counts
from data_bridge.domain.greeting import Identity
from data_bridge.ports import OpenTerminal, Trail
from kit.clock import Clock
from kit.edge import Peer, answer
from kit.errors import TokenRefused
from kit.tokens import verify

KIND = "terminal+jwt"
AUDIENCE = "data-bridge"
MAX_LIFE_S = 31 * 86_400


@dataclass(slots=True)
class Door:
    """Hand `accept` to the edge: it refuses before the upgrade whatever does not prove who it is."""

    keys: Mapping[str, Ed25519PublicKey]
    """ key id -> key that signs terminal tokens """
    clock: Clock
    counts: Counts
    trail: Trail
    operator_tenant: str
    open_terminal: OpenTerminal
    closing: bool = False

    def accept(
        self, request: picows.WSUpgradeRequest, _peer: Peer
    ) -> picows.WSListener | picows.WSUpgradeResponseWithListener | None:
        """A listener for a proved terminal, 401 for anybody else, None for another path."""
        if request.path.split(b"?", 1)[0] != PATH.encode():
            return None
        if self.closing:
            return self._refuse(503, "restarting", "the bridge is restarting; try again in a few seconds")
        try:
            who = self._identify(request.headers.get("Authorization", ""))
        except TokenRefused as refusal:
            return self._refuse(401, refusal.code, str(refusal))
        return self.open_terminal(who)

    def _identify(self, authorization: str) -> Identity:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise TokenRefused(
                "no_token", "send `Authorization: Bearer <terminal token>`; enrol the terminal to get one"
            )
        now_s = self.clock.now_ms() // 1_000
        claims = verify(token.strip(), dict(self.keys), KIND, AUDIENCE, now_s, MAX_LIFE_S)
        if TENANT.match(claims.tenant) is None or ACCOUNT.match(claims.account) is None:
            raise TokenRefused("no_account", "the token names no account; enrol the terminal again")
        return Identity(claims.tenant, claims.account, claims.sub, claims.exp * 1_000)

    def _refuse(self, status: int, code: str, reason: str) -> picows.WSUpgradeResponseWithListener:
        self.counts.refuse(code)
        self.trail.refusal(self.operator_tenant, "upgrade", code, reason)
        return answer(status, msgspec.json.encode(Problem(code, reason)), "application/json")
