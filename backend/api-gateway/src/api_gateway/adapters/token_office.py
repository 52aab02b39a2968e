"""Access tokens: minted here, verified here, refused here as soon as what they stand on was revoked."""

import base64
import secrets
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from api_gateway.domain.access import Caller
from api_gateway.domain.lifetimes import access_life_ms
from api_gateway.domain.sessions import SessionMemory
from contracts.people import SessionRow
from contracts.rpc import User
from contracts.views import Session
from kit import tokens
from kit.clock import Clock
from kit.errors import TokenRefused
from kit.keys import key_id, read_private_key
from kit.revocations import RevocationBook
from kit.token_keys import TokenKeys

KIND = "access+jwt"
AUDIENCE = "api-gateway"
KEY_TOKEN_S = 60
"""Longer than an API key is believed without asking the store."""
LIFE_MS = tokens.ACCESS_LIFETIME_S * 1000


class TokenOffice:
    """Signs with the platform's token key and trusts nothing but tokens signed with it or its predecessors."""

    def __init__(self, key_file: Path, clock: Clock, book: RevocationBook) -> None:
        """OSError or ValueError when the key can't be used."""
        self._file = key_file
        self._key: Ed25519PrivateKey = read_private_key(key_file)
        self._stamp = key_file.stat().st_mtime_ns
        self._keys = TokenKeys(key_file.with_suffix(".pub"), LIFE_MS + tokens.CLOCK_SKEW_S * 1000, clock.now_ms)
        self._book = book
        self._memory = SessionMemory()

    def look_for_new_key(self) -> bool:
        """Sign with the key that is in the file now. Call it each second; True when the key has changed."""
        try:
            stamp = self._file.stat().st_mtime_ns
            if stamp == self._stamp:
                return False
            self._key, self._stamp = read_private_key(self._file), stamp
        except (OSError, ValueError):
            return False  # in the middle of a change, or gone: the key in memory still signs
        return True

    def mint(self, session: SessionRow, user: User, scope: str, now_ms: int) -> tuple[str, Session]:
        """A token of the session for 15 minutes, and what its owner is told about it.

        Never longer than the session may live; `scope` narrows what it is good for.
        """
        csrf = secrets.token_urlsafe(24)
        now_s = now_ms // 1000
        life_s = access_life_ms(session, now_ms, LIFE_MS) // 1000
        amr = tuple(session.amr.split())
        token = tokens.mint(
            self._key,
            KIND,
            AUDIENCE,
            user.id,
            now_s,
            life_s,
            tenant=user.tenant,
            role=user.role,
            csrf=csrf,
            sid=session.id,
            name=user.name,
            iat_ms=now_ms,
            auth_ms=session.auth_ms,
            amr=amr,
            scope=scope,
            cnf={tokens.THUMBPRINT: session.thumbprint} if session.thumbprint else {},
        )
        told = Session(
            user.name,
            user.tenant,
            user.role,
            (now_s + life_s) * 1000,
            csrf,
            session.id,
            user.id,
            amr,
            session.auth_ms,
            bool(scope),
        )
        return token, told

    def mint_for_key(self, key_id: str, user: User, scope: str, now_ms: int) -> str:
        """What the services behind the gateway are shown when a program asks with an API key; it leaves no process."""
        return tokens.mint(
            self._key,
            KIND,
            AUDIENCE,
            user.id,
            now_ms // 1000,
            KEY_TOKEN_S,
            tenant=user.tenant,
            role=user.role,
            sid=key_id,
            name=user.name,
            iat_ms=now_ms,
            auth_ms=now_ms,
            amr=("key",),
            scope=scope,
        )

    def caller(self, token: str, by_cookie: bool, now_ms: int) -> Caller | None:
        """Who the token speaks for; None when it proves nothing or was revoked."""
        # the same token by cookie and by header is two callers: only one of them needs the CSRF header
        known_as = f"{'cookie' if by_cookie else 'bearer'} {token}"
        caller = self._memory.recall(known_as, now_ms)
        if caller is None:
            try:
                claims = tokens.verify(token, self, KIND, AUDIENCE, now_ms // 1000, tokens.ACCESS_LIFETIME_S)
            except TokenRefused:
                return None
            caller = self._memory.remember(known_as, _caller(claims, by_cookie, _key_of(token), token))
        return None if self.revoked(caller) else caller

    def revoked(self, caller: Caller) -> bool:
        """Whether the caller's token, session, key, user or tenant was revoked after the token was made."""
        refused = self._book.refuses(
            issued_ms=caller.issued_ms,
            tenant=caller.tenant,
            user=caller.user_id,
            session=caller.session,
            key=caller.key_id,
            api_key=caller.api_key,
        )
        return refused is not None

    def get(self, kid: str, /) -> Ed25519PublicKey | None:
        """A key that verifies: the one that signs, or one before it."""
        return self._key.public_key() if kid == self.key_id else self._keys.get(kid)

    @property
    def key_id(self) -> str:
        """Of the key that signs."""
        return key_id(self._key)


class _Header(msgspec.Struct):
    kid: str


def _key_of(token: str) -> str:
    # of a token that was verified: its header is what it should be
    head = token.partition(".")[0]
    return msgspec.json.decode(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)), type=_Header).kid


def _caller(claims: tokens.Claims, by_cookie: bool, kid: str, token: str) -> Caller:
    return Caller(
        claims.name or claims.sub,
        claims.tenant,
        claims.role,
        claims.csrf,
        claims.exp * 1000,
        claims.jti,
        by_cookie,
        claims.auth_ms,
        frozenset(claims.scope.split()) if claims.scope else None,
        claims.sub,
        claims.sid,
        claims.issued_ms,
        claims.amr,
        claims.cnf.get(tokens.THUMBPRINT, ""),
        kid,
        token=token,
    )
