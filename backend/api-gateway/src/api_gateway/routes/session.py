"""Setup and sessions of browsers: who may come in, how they stay in, and how they leave."""

import asyncio
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from api_gateway.domain.access import Caller
from api_gateway.domain.factors import PASSWORD, has_second_factor
from api_gateway.domain.headers import SESSION
from api_gateway.domain.lifetimes import is_over
from api_gateway.domain.refusals import (
    NOT_SIGNED_IN,
    WRONG_NAME_OR_PASSWORD,
    Refusal,
    RefusedError,
    invalid,
)
from api_gateway.ports import Journal, SetupCode
from api_gateway.routes.door import caller_of
from api_gateway.routes.factors import Proofs, origin_of
from api_gateway.routes.guard import TENANT, Guard
from api_gateway.routes.people import Desk, cookie, peer_of
from api_gateway.routes.schema import errors
from contracts import people
from contracts.people import SessionKind
from contracts.people_views import SecondFactorNeeded
from contracts.revocations import Revocation, RevocationKind
from contracts.rpc import User
from contracts.views import FirstUser, Session, SetupState, SignIn
from kit import log
from kit.credentials import MAX_PASSWORD, name_fault, password_fault
from kit.errors import AnswerFault, KitError

USERS_EXIST = Refusal(409, "users_exist", "The platform is set up already. Sign in instead.")
WRONG_CODE = Refusal(
    403,
    "wrong_code",
    "This is not the setup code, or it is older than a day. Open the whole setup link that the platform printed at its "
    "last start; a start makes a new one when the old one is over.",
)

_log = log.get("sessions")


@dataclass(slots=True)
class SignIns:
    """What the routes of sign-in share."""

    desk: Desk
    guard: Guard
    proofs: Proofs
    journal: Journal
    setup_code: SetupCode
    first: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the first user is made: two at once must not both be first."""

    async def with_password(self, request: Request[Any, Any, Any], name: str, password: str) -> tuple[User, str]:
        """Who this is, and the name of their known browser ("" for another); RefusedError for a wrong password."""
        too_long = len(password) > MAX_PASSWORD
        user = None if too_long or name_fault(name) else await self.desk.store.user(name)
        device = self.desk.device_of(request, user)
        peer = peer_of(request)
        self.guard.admit(name, peer, device)
        # an unknown name costs the same work as a wrong password
        hashed = user.password_hash if user else None
        fits = await self.desk.hasher.fits("" if too_long else password, hashed, known=bool(device))
        if user is None or not fits or user.disabled:
            await self.guard.wrong(user, name, peer, device)
            raise RefusedError(WRONG_NAME_OR_PASSWORD)
        self.guard.right(name, peer, device)
        return user, device

    async def make_first(self, data: FirstUser) -> User:
        """The first user, an administrator; RefusedError without the right code."""
        async with self.first:
            if await self.desk.store.user_count() > 0:
                raise RefusedError(USERS_EXIST)
            code = self.setup_code.read(self.desk.clock.now_ms())
            if code is None or not hmac.compare_digest(_digest(code), _digest(data.code)):
                self.guard.measures.sign_in_failed()
                raise RefusedError(WRONG_CODE)
            if fault := name_fault(data.name) or password_fault(data.password, data.name, self.desk.breached):
                raise RefusedError(invalid(fault))
            hashed = await self.desk.hasher.hash(data.password)
            now_ms = self.desk.clock.now_ms()
            user = User(
                log.new_correlation_id(), TENANT, data.name, "admin", hashed, False, now_ms, password_changed_ms=now_ms
            )
            try:
                await self.desk.store.add_user(user)
            except AnswerFault as answered:
                if answered.code != "conflict":
                    raise
                raise RefusedError(USERS_EXIST) from None
            self.setup_code.burn()
        try:
            detail = {"user_id": user.id, "role": user.role, "by": "setup code"}
            await self.journal.audit(TENANT, "user_created", user.name, detail)
        except KitError as error:
            # the user exists: an answer that says otherwise would lead nowhere
            _log.warning("first_user_not_written", error=str(error))
        return user

    async def sign_out(self, caller: Caller) -> None:
        """End the caller's session. Whoever wants to leave is let go, whatever the platform's state."""
        try:
            await self.desk.end(
                caller.user_id, caller.tenant, caller.name, "signed out", caller.user_id, only=caller.session
            )
        except KitError as error:
            _log.warning("sign_out_not_written", error=str(error))
            now_ms = self.desk.clock.now_ms()
            kind = RevocationKind.SESSION
            await self.desk.revoker.revoke(
                Revocation(caller.tenant, kind, caller.session, now_ms + 1, "signed out", caller.user_id, caller.name)
            )


def session_routes(desk: SignIns) -> list[HTTPRouteHandler]:
    """Everything under /api/v1/setup and /api/v1/session that a browser uses."""

    @get("/api/v1/setup", responses=errors(503), security=[{}])
    async def setup_state() -> SetupState:
        """Whether the first user is still to be made."""
        return SetupState(await desk.desk.store.user_count() == 0)

    @post("/api/v1/setup", responses=errors(400, 403, 409, 413, 415, 422, 429, 503), security=[{}])
    async def make_first_user(request: Request[Any, Any, Any], data: JSONBody[FirstUser]) -> Response[Session]:
        """Make the first user, an administrator, with the one-time code."""
        desk.guard.admit_peer(peer_of(request))
        user = await desk.make_first(data)
        return await desk.desk.entered(request, user, (PASSWORD,), 201)

    @post("/api/v1/session", status_code=200, responses=errors(400, 401, 409, 413, 415, 422, 429, 503), security=[{}])
    async def sign_in(request: Request[Any, Any, Any], data: JSONBody[SignIn]) -> Response[Session]:
        """Sign in with name and password. 401 `second_factor_needed` holds a challenge: go on with it."""
        user, device = await desk.with_password(request, data.name, data.password)
        factors = await desk.desk.factors_of(user)
        if has_second_factor(user, factors):
            return _needed(desk.proofs.challenge("sign_in", user, factors, origin_of(request), device=device))
        return await desk.desk.entered(request, user, (PASSWORD,), 200)

    @get("/api/v1/session", responses=errors(401))
    async def who_am_i(request: Request[Any, Any, Any]) -> Session:
        """Who is signed in."""
        who = caller_of(request.scope)
        return Session(
            who.name,
            who.tenant,
            who.role,
            who.expires_ms,
            who.csrf,
            who.session,
            who.user_id,
            who.amr,
            who.auth_ms,
            who.scopes is not None and not who.api_key,
        )

    @post("/api/v1/session/renew", status_code=200, responses=errors(401, 403, 503))
    async def renew(request: Request[Any, Any, Any]) -> Response[Session]:
        """A new token for another 15 minutes, with the role that the user has now."""
        caller = caller_of(request.scope)
        # before the question: what is revoked while it is on its way refuses the new token
        now_ms = desk.desk.clock.now_ms()
        found = await desk.desk.people.ask(people.SESSION_FIND, people.SessionQuestion(caller.session))
        session, user = found.session, found.user
        if session is None or user is None or session.kind is not SessionKind.BROWSER:
            raise RefusedError(NOT_SIGNED_IN)
        if user.disabled or is_over(session, now_ms):
            await desk.desk.revoke_session(user, session.id, "over", "api-gateway")
            raise RefusedError(NOT_SIGNED_IN)
        touch = people.SessionTouch(session.id, session.tenant, now_ms, peer_of(request))
        if not (await desk.desk.people.ask(people.SESSION_TOUCH, touch)).done:
            raise RefusedError(NOT_SIGNED_IN)
        answer = await desk.desk.told(msgspec.structs.replace(session, seen_ms=now_ms), user, now_ms)
        if not caller.by_cookie:
            answer.cookies.clear()
        return answer

    @delete("/api/v1/session", status_code=204, responses=errors(401, 403))
    async def sign_out(request: Request[Any, Any, Any]) -> Response[None]:
        """Sign out: the cookie goes, and the session is refused everywhere within a second."""
        await desk.sign_out(caller_of(request.scope))
        return Response(None, status_code=204, cookies=[cookie(SESSION, "", 0, desk.desk.https)])

    return [setup_state, make_first_user, sign_in, who_am_i, renew, sign_out]


def _needed(needed: SecondFactorNeeded) -> Response[Any]:
    return Response(needed, status_code=401)


def _digest(text: str) -> bytes:
    # of equal length, so that the comparison tells nothing about the code's
    return hashlib.sha256(text.encode()).digest()
