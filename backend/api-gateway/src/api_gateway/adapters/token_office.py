"""Session tokens: minted here, verified here, ended here."""

import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api_gateway.domain.access import Caller
from api_gateway.domain.sessions import SessionMemory
from contracts.views import Session
from kit import tokens
from kit.errors import TokenRefused
from kit.keys import key_id

KIND = "access+jwt"
AUDIENCE = "api-gateway"


class TokenOffice:
    """Signs with the platform's token key and trusts nothing but tokens signed with it."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._public = {key_id(key): key.public_key()}
        self._memory = SessionMemory()

    def mint(self, name: str, tenant: str, role: str, now_ms: int) -> tuple[str, Session]:
        """A token for 15 minutes, and what its owner is told about it."""
        csrf = secrets.token_urlsafe(24)
        now_s = now_ms // 1000
        lifetime_s = tokens.ACCESS_LIFETIME_S
        token = tokens.mint(self._key, KIND, AUDIENCE, name, now_s, lifetime_s, tenant=tenant, role=role, csrf=csrf)
        return token, Session(name, tenant, role, (now_s + lifetime_s) * 1000, csrf)

    def caller(self, token: str, by_cookie: bool, now_ms: int) -> Caller | None:
        """Who the token speaks for; None when it proves nothing."""
        # the same token by cookie and by header is two callers: only one of them needs the CSRF header
        known_as = f"{'cookie' if by_cookie else 'bearer'} {token}"
        if (known := self._memory.recall(known_as, now_ms)) is not None:
            return known
        try:
            claims = tokens.verify(token, self._public, KIND, AUDIENCE, now_ms // 1000, tokens.ACCESS_LIFETIME_S)
        except TokenRefused:
            return None
        caller = Caller(
            claims.sub,
            claims.tenant,
            claims.role,
            claims.csrf,
            claims.exp * 1000,
            claims.jti,
            by_cookie,
            claims.iat * 1000,
            token=token,
        )
        return self._memory.remember(known_as, caller)

    def end(self, caller: Caller, now_ms: int) -> None:
        """Refuse the caller's token from now on."""
        self._memory.end(caller, now_ms)

    def ended(self, caller: Caller) -> bool:
        """Whether a sign-out has ended the caller's token."""
        return caller.token_id in self._memory.ended
