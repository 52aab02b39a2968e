"""Setup and sessions: who may come in, and how they stay in."""

import asyncio
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from api_gateway.domain.credentials import MAX_PASSWORD, name_fault, password_fault
from api_gateway.domain.failures import UNKNOWN, FailedSignIns, FailureBook
from api_gateway.domain.headers import set_cookie
from api_gateway.domain.limits import Limiter
from api_gateway.domain.refusals import (
    NOT_SIGNED_IN,
    WRONG_NAME_OR_PASSWORD,
    Refusal,
    RefusedError,
    invalid,
    too_many,
)
from api_gateway.ports import Hasher, Journal, SetupCode, Store, Tokens
from api_gateway.routes.door import caller_of
from api_gateway.routes.measures import Measures
from api_gateway.routes.schema import errors
from contracts.rpc import User
from contracts.views import FirstUser, Session, SetupState, SignIn
from kit import log
from kit.clock import Clock
from kit.errors import AnswerFault, KitError

TENANT = "default"
PER_MINUTE = 10
TOKEN_AGE_S = 900
USERS_EXIST = Refusal(409, "users_exist", "The platform is set up already. Sign in instead.")
WRONG_CODE = Refusal(
    403, "wrong_code", "This is not the setup code. Open the whole setup link that the platform printed at its start."
)

_log = log.get("sessions")


@dataclass(slots=True)
class Sessions:
    """What the session routes share."""

    store: Store
    journal: Journal
    hasher: Hasher
    tokens: Tokens
    setup_code: SetupCode
    clock: Clock
    measures: Measures
    https: bool
    peers: Limiter = field(default_factory=lambda: Limiter(PER_MINUTE))
    names: Limiter = field(default_factory=lambda: Limiter(PER_MINUTE))
    failures: FailureBook = field(default_factory=FailureBook)
    first: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the first user is made: two at once must not both be first."""

    def admit(self, request: Request[Any, Any, Any], name: str = "") -> None:
        """Count a try; RefusedError when this peer or this name tried too often."""
        now_ms = self.clock.now_ms()
        peer = request.client.host if request.client else ""
        wait_ms = self.peers.wait_ms(peer, now_ms)
        if not wait_ms and name:
            wait_ms = self.names.wait_ms(hashlib.sha256(name.encode()).hexdigest(), now_ms)
        if wait_ms:
            raise RefusedError(too_many("tries to sign in", -(-wait_ms // 1000)))

    def opened(self, name: str, tenant: str, role: str, status: int) -> Response[Session]:
        """A session with its cookie."""
        token, session = self.tokens.mint(name, tenant, role, self.clock.now_ms())
        return Response(session, status_code=status, headers={"set-cookie": self.cookie(token, TOKEN_AGE_S)})

    def cookie(self, token: str, age_s: int) -> str:
        """The Set-Cookie header."""
        return set_cookie(token, age_s, self.https)

    async def write_failures(self, *, all_of_them: bool = False) -> None:
        """Move failures that are due into the audit trail; those that can't be written wait for the next time."""
        for failures in self.failures.due(self.clock.now_ms(), all_of_them=all_of_them):
            await self._write_failure(failures)

    async def _write_failure(self, failures: FailedSignIns) -> None:
        detail = {"count": str(failures.count), "first_ms": str(failures.first_ms), "last_ms": str(failures.last_ms)}
        try:
            await self.journal.audit(failures.tenant, "sign_in_failed", failures.name, detail)
        except KitError as error:
            _log.warning("failures_not_written", count=failures.count, error=str(error))
            self.failures.open.setdefault((failures.tenant, failures.name), failures)


def session_routes(sessions: Sessions) -> list[HTTPRouteHandler]:
    """Everything under /api/v1/setup and /api/v1/session."""

    @get("/api/v1/setup", responses=errors(503), security=[{}])
    async def setup_state() -> SetupState:
        """Whether the first user is still to be made."""
        return SetupState(await sessions.store.user_count() == 0)

    @post("/api/v1/setup", responses=errors(400, 403, 409, 413, 415, 422, 429, 503), security=[{}])
    async def make_first_user(request: Request[Any, Any, Any], data: JSONBody[FirstUser]) -> Response[Session]:
        """Make the first user, an administrator, with the one-time code."""
        sessions.admit(request)
        async with sessions.first:
            if await sessions.store.user_count() > 0:
                raise RefusedError(USERS_EXIST)
            code = sessions.setup_code.read()
            if code is None or not hmac.compare_digest(_digest(code), _digest(data.code)):
                sessions.measures.sign_in_failed()
                raise RefusedError(WRONG_CODE)
            if fault := name_fault(data.name) or password_fault(data.password, data.name):
                raise RefusedError(invalid(fault))
            hashed = await sessions.hasher.hash(data.password)
            now_ms = sessions.clock.now_ms()
            identity = log.new_correlation_id()
            user = User(identity, TENANT, data.name, "admin", hashed, False, now_ms)
            try:
                await sessions.store.add_user(user)
            except AnswerFault as answered:
                if answered.code != "conflict":
                    raise
                raise RefusedError(USERS_EXIST) from None
            sessions.setup_code.burn()
        try:
            await sessions.journal.audit(TENANT, "first_user_made", user.name, {"user_id": identity})
        except KitError as error:
            # the user exists: an answer that says otherwise would lead nowhere
            _log.warning("first_user_not_written", error=str(error))
        return sessions.opened(user.name, user.tenant, user.role, 201)

    @post("/api/v1/session", status_code=200, responses=errors(400, 401, 413, 415, 422, 429, 503), security=[{}])
    async def sign_in(request: Request[Any, Any, Any], data: JSONBody[SignIn]) -> Response[Session]:
        """Sign in with name and password."""
        sessions.admit(request, data.name)
        too_long = len(data.password) > MAX_PASSWORD
        user = None if too_long or name_fault(data.name) else await sessions.store.user(data.name)
        # an unknown name costs the same work as a wrong password
        fits = await sessions.hasher.fits("" if too_long else data.password, user.password_hash if user else None)
        if user is None or not fits or user.disabled:
            sessions.measures.sign_in_failed()
            known = (user.tenant, user.name) if user else (TENANT, UNKNOWN)
            sessions.failures.add(*known, sessions.clock.now_ms())
            raise RefusedError(WRONG_NAME_OR_PASSWORD)
        await sessions.journal.audit(user.tenant, "signed_in", user.name, {"role": user.role})
        return sessions.opened(user.name, user.tenant, user.role, 200)

    @get("/api/v1/session", responses=errors(401))
    async def who_am_i(request: Request[Any, Any, Any]) -> Session:
        """Who is signed in."""
        caller = caller_of(request.scope)
        return Session(caller.name, caller.tenant, caller.role, caller.expires_ms, caller.csrf)

    @post("/api/v1/session/renew", status_code=200, responses=errors(401, 403, 503))
    async def renew(request: Request[Any, Any, Any]) -> Response[Session]:
        """A new token for another 15 minutes, with the role that the user has now."""
        caller = caller_of(request.scope)
        user = await sessions.store.user(caller.name)
        if user is None or user.disabled or user.tenant != caller.tenant:
            sessions.tokens.end(caller, sessions.clock.now_ms())
            raise RefusedError(NOT_SIGNED_IN)
        return sessions.opened(user.name, user.tenant, user.role, 200)

    @delete("/api/v1/session", status_code=204, responses=errors(401, 403))
    async def sign_out(request: Request[Any, Any, Any]) -> Response[None]:
        """Sign out: the cookie goes, and copies of its token are refused."""
        caller = caller_of(request.scope)
        sessions.tokens.end(caller, sessions.clock.now_ms())
        try:
            await sessions.journal.audit(caller.tenant, "signed_out", caller.name, {}, f"out-{caller.token_id}")
        except KitError as error:
            # whoever wants to leave is let go, whatever the platform's state
            _log.warning("sign_out_not_written", error=str(error))
        return Response(None, status_code=204, headers={"set-cookie": sessions.cookie("", 0)})

    return [setup_state, make_first_user, sign_in, who_am_i, renew, sign_out]


def _digest(text: str) -> bytes:
    # of equal length, so that the comparison tells nothing about the code's
    return hashlib.sha256(text.encode()).digest()
