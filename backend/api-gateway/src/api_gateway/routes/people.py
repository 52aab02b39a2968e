"""What the routes about people share: opening and ending sessions, and writing down why."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from litestar import Request, Response
from litestar.datastructures import Cookie

from api_gateway.domain.access import Caller
from api_gateway.domain.factors import MFA, Challenge, stamp_of
from api_gateway.domain.headers import DEVICE, SESSION, cookie_name, cookie_of
from api_gateway.domain.lifetimes import CHALLENGE_MS, DEVICE_MS, MAX_SESSIONS, OFFER_MS
from api_gateway.domain.refusals import NOT_SIGNED_IN, TENANT_SUSPENDED, RefusedError
from api_gateway.domain.scopes import ENROL
from api_gateway.domain.single_use import SingleUse
from api_gateway.ports import Hasher, Passkeys, People, Revoker, Store, Tokens, Vault
from api_gateway.routes.door import thumbprint_of
from contracts import people
from contracts.audit import AuditRecord
from contracts.people import Factors, SessionKind, SessionRow
from contracts.revocations import Revocation, RevocationKind
from contracts.rpc import User
from contracts.views import Session
from kit import log
from kit.clock import Clock
from kit.credentials import Breached

TOKEN_AGE_S = 900
MAX_AGENT = 200
NAME = "api-gateway"


@dataclass(slots=True)
class Desk:
    """Where people are dealt with."""

    store: Store
    people: People
    hasher: Hasher
    tokens: Tokens
    vault: Vault
    passkeys: Passkeys
    revoker: Revoker
    clock: Clock
    https: bool
    breached: Breached | None = None
    suspended: Callable[[str], bool] = lambda _tenant: False
    """Whether nobody of the tenant may come in now."""
    challenges: SingleUse[Challenge] = field(default_factory=lambda: SingleUse(CHALLENGE_MS))
    strangers: SingleUse[Challenge] = field(default_factory=lambda: SingleUse(CHALLENGE_MS))
    """Challenges of whoever has proved nothing yet: however many they ask for, they push out nobody else's."""
    offers: SingleUse[Challenge] = field(default_factory=lambda: SingleUse(OFFER_MS))

    def record(self, tenant: str, kind: str, subject: str, /, **detail: str) -> tuple[AuditRecord, ...]:
        """An audit record that goes with a change."""
        identity, now_ms = log.new_correlation_id(), self.clock.now_ms()
        return (AuditRecord(identity, tenant, now_ms, NAME, kind, subject, detail, log.correlation.get()),)

    async def user_of(self, caller: Caller) -> User:
        """The caller as the store knows them now; RefusedError when they may not be here any more."""
        user = (await self.people.ask(people.USER_GET, people.UserById(caller.tenant, caller.user_id))).user
        if user is None or user.disabled:
            raise RefusedError(NOT_SIGNED_IN)
        return user

    async def factors_of(self, user: User) -> Factors:
        """What the person has besides the password."""
        return await self.people.ask(people.FACTORS, people.FactorsQuestion(user.tenant, user.id))

    async def open(
        self,
        request: Request[Any, Any, Any],
        user: User,
        amr: tuple[str, ...],
        refresh_hash: bytes = b"",
        sid: str = "",
    ) -> tuple[SessionRow, User]:
        """A new session, and its person as they are now; the oldest session makes room when there are too many.

        Whoever gets here has proved who they are, and only they are told that their organisation is suspended.
        RefusedError then, and when the person was disabled, changed or given a new password since `user` was read.
        """
        if self.suspended(user.tenant):
            raise RefusedError(TENANT_SUSPENDED)
        now_ms = self.clock.now_ms()
        kind = SessionKind.PROGRAM if refresh_hash else SessionKind.BROWSER
        session = SessionRow(
            sid or secrets.token_hex(16),
            user.tenant,
            user.id,
            kind,
            now_ms,
            now_ms,
            peer_of(request),
            printable(request.headers.get("user-agent", ""))[:MAX_AGENT],
            " ".join(amr),
            now_ms,
            refresh_hash,
            thumbprint_of(request.scope),
        )
        detail = {"role": user.role, "amr": session.amr, "peer": session.peer, "session": session.id, "kind": kind}
        audit = (
            *self.record(user.tenant, "authn_login_success", user.name, **detail),
            *self.record(user.tenant, "session_created", user.name, session=session.id),
        )
        ended = await self.people.ask(people.SESSION_OPEN, people.SessionOpen(session, MAX_SESSIONS, audit))
        for identity in ended.ids:
            await self.revoke_session(user, identity, "too many sessions", user.id)
        # judging a password takes its time: what was taken meanwhile did not know of this session
        now = (await self.people.ask(people.SESSION_FIND, people.SessionQuestion(session.id))).user
        if now is None or now.disabled or stamp_of(now) != stamp_of(user) or now.password_hash != user.password_hash:
            await self.end(user.id, user.tenant, user.name, "changed while signing in", user.id, only=session.id)
            raise RefusedError(NOT_SIGNED_IN)
        return session, now

    async def scope_of(self, session: SessionRow, user: User) -> str:
        """Empty for everything, or the little that is allowed until a required second factor was given.

        That somebody else added one to the account meanwhile does not count: this session has to give it.
        """
        required = MFA not in session.amr.split() and (await self.factors_of(user)).mfa_required
        return " ".join(sorted(ENROL)) if required else ""

    async def gave(self, session: str, tenant: str, peer: str, *how: str) -> None:
        """Note that a living session has proved a second factor, its first one."""
        row = (await self.people.ask(people.SESSION_FIND, people.SessionQuestion(session))).session
        if row is not None:
            amr = " ".join(dict.fromkeys((*row.amr.split(), *how)))
            await self.people.ask(people.SESSION_TOUCH, people.SessionTouch(session, tenant, row.seen_ms, peer, amr))

    async def entered(
        self, request: Request[Any, Any, Any], user: User, amr: tuple[str, ...], status: int
    ) -> Response[Session]:
        """A browser's new session with its cookies."""
        session, user = await self.open(request, user, amr)
        answer = await self.told(session, user, session.created_ms, status)
        if not self.device_of(request, user):
            mark = self.vault.device_mark(user.id)
            answer.set_cookie(cookie(DEVICE, mark, DEVICE_MS // 1000, self.https))
        return answer

    def device_of(self, request: Request[Any, Any, Any], user: User | None) -> str:
        """The browser's own name, where this person signed in from it before."""
        mark = cookie_of(request.headers.get("cookie", ""), self.https, DEVICE)
        return self.vault.device_of(mark, user.id) if mark and user else ""

    async def told(self, session: SessionRow, user: User, now_ms: int, status: int = 200) -> Response[Session]:
        """A new token of the session in the cookie. `now_ms` is from before the person was read: whatever was revoked
        since then refuses the token."""
        token, view = self.tokens.mint(session, user, await self.scope_of(session, user), now_ms)
        return Response(view, status_code=status, cookies=[cookie(SESSION, token, TOKEN_AGE_S, self.https)])

    async def end(
        self, user_id: str, tenant: str, name: str, because: str, by: str, *, only: str = "", but: str = ""
    ) -> int:
        """End sessions of a person: this one, or all but one; how many have ended."""
        kind = "authn_token_revoked" if only else "sessions_ended"
        audit = self.record(tenant, kind, name, because=because, by=by, **({"session": only} if only else {}))
        wish = people.SessionsEnd(tenant, user_id, self.clock.now_ms(), because, only, but, audit)
        ended = await self.people.ask(people.SESSIONS_END, wish)
        for identity in ended.ids:
            await self.revoker.revoke(self._of_session(tenant, identity, name, because, by))
        return len(ended.ids)

    async def revoke_session(self, user: User, identity: str, because: str, by: str) -> None:
        """Refuse what was issued to a session that has ended in the store."""
        await self.revoker.revoke(self._of_session(user.tenant, identity, user.name, because, by))

    def _of_session(self, tenant: str, identity: str, name: str, because: str, by: str) -> Revocation:
        # a session never comes back: whatever it may ever have been given is refused
        before_ms = self.clock.now_ms() + TOKEN_AGE_S * 1000
        return Revocation(tenant, RevocationKind.SESSION, identity, before_ms, because, by, name)

    async def revoke_user(self, user: User, because: str, by: str, *, closes_orders: bool) -> None:
        """End everything of a person: sessions, tokens, open streams; and what they asked for, where that is wanted."""
        before_ms = self.clock.now_ms()
        revocation = Revocation(
            user.tenant, RevocationKind.USER, user.id, before_ms, because, by, user.name, closes_orders
        )
        try:
            # the store first: a question with a token that was just revoked is not answered
            await self.end(user.id, user.tenant, user.name, because, by)
        finally:
            await self.revoker.revoke(revocation)


def cookie(name: str, value: str, age_s: int, https: bool) -> Cookie:
    """A cookie as an answer sets it: scripts can't read it, other sites can't send it. Age 0 takes it away."""
    made = cookie_name(https, name)
    return Cookie(made, value=value, max_age=age_s, path="/", httponly=True, samesite="strict", secure=https)


def peer_of(request: Request[Any, Any, Any]) -> str:
    """The address that the request came from; behind a trusted proxy the one that it names."""
    return str(request.scope["state"]["peer"])


def printable(text: str) -> str:
    """Without what would move a terminal's cursor or break a line of a log."""
    return "".join(c for c in text if c.isprintable())
