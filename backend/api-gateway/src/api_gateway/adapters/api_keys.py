"""API keys as callers: looked up in the store, remembered for half a minute, dropped as soon as they are revoked."""

from collections.abc import Callable
from dataclasses import dataclass, field

from api_gateway.domain.access import Caller
from api_gateway.domain.scopes import PURPOSE, Networks, actions_of, may_come_from, networks_of
from api_gateway.ports import People, Vault
from contracts import people
from contracts.people import ApiKey
from contracts.revocations import Revocation, RevocationKind
from contracts.rpc import User
from kit.clock import Clock
from kit.limits import Limiter

MAX_CHARS = 128
FRESH_MS = 30_000
MAX_KNOWN = 1_024
UNKNOWN_PER_MINUTE = 30
"""Keys that nobody has, from one address: beyond it the store is not asked."""


@dataclass(slots=True)
class _Known:
    caller: Caller
    networks: Networks
    asked_ms: int


@dataclass(slots=True)
class ApiKeyDesk:
    """Ask `caller` with what stood behind `Bearer`."""

    people: People
    vault: Vault
    clock: Clock
    mint: Callable[[str, User, str, int], str]
    """A token for the services behind the gateway: of a key's id, its owner, the actions it is for, and now."""
    refused: Callable[[Caller], bool]
    """Whether something of the caller was revoked since the key was looked up."""
    _known: dict[bytes, _Known] = field(default_factory=dict)
    """ digest of a key -> who it is """
    _unknown: Limiter = field(default_factory=lambda: Limiter(UNKNOWN_PER_MINUTE))

    async def caller(self, key: str, address: str, peer: str) -> Caller | None:
        """The program with this key at this address; None when the key is nobody's, over, or not for here. `peer` is
        the address as limits count it."""
        if len(key) > MAX_CHARS:
            return None
        now_ms = self.clock.now_ms()
        digest = self.vault.digest(PURPOSE, key)
        known = self._known.get(digest)
        if known is None or now_ms - known.asked_ms >= FRESH_MS:
            known = await self._ask(digest, peer, now_ms)
        if known is None or now_ms >= known.caller.expires_ms or not may_come_from(address, known.networks):
            return None
        return known.caller

    async def _ask(self, digest: bytes, peer: str, now_ms: int) -> _Known | None:
        # a key that was good a moment ago is asked for whatever its neighbours have guessed
        if self._known.pop(digest, None) is None and self._unknown.full(peer, now_ms):
            return None
        found = await self.people.ask(people.API_KEY_FIND, people.ApiKeyQuestion(digest, now_ms))
        key, user = found.key, found.user
        if key is None or user is None or user.disabled or key.revoked_ms or now_ms >= key.expires_ms:
            self._unknown.wait_ms(peer, now_ms)
            return None
        if len(self._known) >= MAX_KNOWN:
            del self._known[next(iter(self._known))]
        known = _Known(self._caller(key, user, now_ms), networks_of(key.cidrs), now_ms)
        if self.refused(known.caller):
            return None  # revoked while the answer was on its way
        self._known[digest] = known
        return known

    def _caller(self, key: ApiKey, user: User, now_ms: int) -> Caller:
        # presenting the key is the proof; it was made by somebody who had just proved who they are
        actions = actions_of(key.scopes)
        return Caller(
            user.name,
            user.tenant,
            user.role,
            "",
            key.expires_ms,
            key.id,
            False,
            now_ms,
            actions,
            user.id,
            issued_ms=now_ms,
            amr=("key",),
            api_key=key.id,
            token=self.mint(key.id, user, " ".join(sorted(actions)), now_ms),
        )

    def revoked(self, revocation: Revocation) -> None:
        """Forget whom it may concern: the store knows what is left of them."""
        for digest, known in list(self._known.items()):
            caller = known.caller
            if revocation.kind is RevocationKind.TENANT or revocation.subject in (caller.api_key, caller.user_id):
                del self._known[digest]
