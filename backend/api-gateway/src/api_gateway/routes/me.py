"""One's own account: second factors, recovery codes, password, and the sessions that are open."""

import secrets
from collections.abc import Callable
from typing import Any

from litestar import Request, Response, delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from api_gateway.domain import recovery, totp
from api_gateway.domain.access import Caller
from api_gateway.domain.factors import MFA, PASSKEY, PASSWORD, TOTP, Challenge, has_second_factor
from api_gateway.domain.lifetimes import is_over
from api_gateway.domain.refusals import (
    CHALLENGE_OVER,
    LAST_FACTOR,
    NO_PASSKEYS_HERE,
    NOT_FOUND,
    NOT_SIGNED_IN,
    STEP_UP_NEEDED,
    WRONG_FACTOR,
    RefusedError,
    invalid,
)
from api_gateway.routes.door import caller_of
from api_gateway.routes.factors import NONCE_BYTES, Proofs, origin_of
from api_gateway.routes.people import Desk, peer_of
from api_gateway.routes.schema import errors
from contracts import people
from contracts.people import Factors, Passkey, SessionRow
from contracts.people_views import (
    Me,
    PasskeyNew,
    PasskeyOffer,
    PasskeyView,
    PasswordChange,
    SecondFactorAdded,
    SessionsView,
    SessionView,
    TotpConfirm,
    TotpOffer,
)
from contracts.rpc import User
from contracts.views import Session
from kit.credentials import name_fault, password_fault

SECRET_BYTES = 20
"""160 bits: RFC 4226, section 4."""
MAX_PASSKEYS = 10


def session_view(session: SessionRow, current: str) -> SessionView:
    """A session as people see it."""
    return SessionView(
        session.id,
        session.user_id,
        session.kind,
        session.created_ms,
        session.seen_ms,
        session.peer,
        session.agent,
        tuple(session.amr.split()),
        session.id == current,
    )


def own_session_routes(desk: Desk) -> list[HTTPRouteHandler]:
    """See and end one's own sessions."""

    @get("/api/v1/sessions", responses=errors(401, 503))
    async def sessions(request: Request[Any, Any, Any]) -> SessionsView:
        """One's own living sessions, newest first."""
        caller = caller_of(request.scope)
        found = await desk.people.ask(people.SESSIONS, people.SessionsQuestion(caller.tenant, caller.user_id))
        living = (s for s in found.sessions if not is_over(s, desk.clock.now_ms()))
        return SessionsView(tuple(session_view(s, caller.session) for s in living))

    @delete("/api/v1/sessions/{session_id:str}", status_code=204, responses=errors(401, 403, 404, 503))
    async def end_session(request: Request[Any, Any, Any], session_id: FromPath[str]) -> None:
        """End one of one's own sessions: refused everywhere within a second."""
        who = caller_of(request.scope)
        if not await desk.end(who.user_id, who.tenant, who.name, "ended by its owner", who.user_id, only=session_id):
            raise RefusedError(NOT_FOUND)

    @delete("/api/v1/sessions", status_code=204, responses=errors(401, 403, 503))
    async def end_others(request: Request[Any, Any, Any]) -> None:
        """End all of one's own sessions but this one."""
        who = caller_of(request.scope)
        await desk.end(who.user_id, who.tenant, who.name, "ended by its owner", who.user_id, but=who.session)

    return [sessions, end_session, end_others]


def me_routes(desk: Desk, proofs: Proofs, qr: Callable[[str], str]) -> list[HTTPRouteHandler]:
    """Everything under /api/v1/me."""

    @get("/api/v1/me", responses=errors(401, 503))
    async def me(request: Request[Any, Any, Any]) -> Me:
        """Oneself, and what one can prove oneself with."""
        user = await desk.user_of(caller_of(request.scope))
        factors = await desk.factors_of(user)
        # a page that only reads sends no Origin: the address that was asked tells the same
        page = origin_of(request) or str(request.base_url).rstrip("/")
        return Me(
            user.name,
            user.tenant,
            user.role,
            bool(user.totp_secret),
            tuple(PasskeyView(each.id, each.name, each.created_ms, each.used_ms) for each in factors.passkeys),
            factors.recovery_left,
            factors.mfa_required,
            desk.passkeys.possible(page),
            user.password_changed_ms,
        )

    @post("/api/v1/me/totp", status_code=200, responses=errors(401, 403, 503))
    async def offer_totp(request: Request[Any, Any, Any]) -> TotpOffer:
        """A new secret for an authenticator app. Nothing changes until a code of it comes."""
        user, _ = await _may_change(desk, caller_of(request.scope))
        secret, identity = secrets.token_bytes(SECRET_BYTES), secrets.token_urlsafe(NONCE_BYTES)
        opened = Challenge("totp", user.id, user.tenant, user.name, session=_session(request), secret=secret)
        desk.offers.put(identity, opened, desk.clock.now_ms())
        link = totp.uri(secret, user.name)
        return TotpOffer(identity, totp.base32(secret), link, qr(link))

    @put("/api/v1/me/totp", responses=errors(400, 401, 403, 413, 415, 422, 429, 503))
    async def confirm_totp(request: Request[Any, Any, Any], data: JSONBody[TotpConfirm]) -> SecondFactorAdded:
        """The first code of the new secret: from now on it is asked for."""
        offer = _offer(desk, request, data.challenge, "totp")
        user, _ = await _may_change(desk, caller_of(request.scope))
        proofs.guard.admit_factor(user.id, "new totp")
        step = totp.step_of(offer.secret, data.totp, 0, desk.clock.now_ms())
        if step is None:
            raise RefusedError(WRONG_FACTOR)
        proofs.guard.factor_right(user.id, "new totp")
        desk.offers.take(data.challenge, desk.clock.now_ms())
        audit = desk.record(user.tenant, "authn_factor_added", user.name, factor="totp")
        sealed = desk.vault.seal(offer.secret, user.id)
        change = people.UserChange(user.tenant, user.id, totp_secret=sealed, totp_last_counter=step, audit=audit)
        await desk.people.ask(people.USER_CHANGE, change)
        await desk.gave(_session(request), user.tenant, peer_of(request), TOTP, MFA)
        return SecondFactorAdded(await _first_codes(desk, user))

    @delete("/api/v1/me/totp", status_code=204, responses=errors(401, 403, 404, 409, 503))
    async def remove_totp(request: Request[Any, Any, Any]) -> None:
        """Forget the authenticator app."""
        user, factors = await _may_change(desk, caller_of(request.scope))
        if not user.totp_secret:
            raise RefusedError(NOT_FOUND)
        if factors.mfa_required and not factors.passkeys:
            raise RefusedError(LAST_FACTOR)
        audit = desk.record(user.tenant, "authn_factor_removed", user.name, factor="totp")
        await desk.people.ask(people.USER_CHANGE, people.UserChange(user.tenant, user.id, totp_secret=b"", audit=audit))

    @post("/api/v1/me/passkeys/challenge", status_code=200, responses=errors(401, 403, 409, 503))
    async def offer_passkey(request: Request[Any, Any, Any]) -> PasskeyOffer:
        """What the browser needs to make a passkey for this page."""
        user, factors = await _may_change(desk, caller_of(request.scope))
        origin = origin_of(request)
        if not desk.passkeys.possible(origin):
            raise RefusedError(NO_PASSKEYS_HERE)
        nonce, identity = secrets.token_bytes(NONCE_BYTES), secrets.token_urlsafe(NONCE_BYTES)
        opened = Challenge("passkey", user.id, user.tenant, user.name, nonce, origin, _session(request))
        desk.offers.put(identity, opened, desk.clock.now_ms())
        return PasskeyOffer(identity, desk.passkeys.creation(origin, nonce, user.id, user.name, factors.passkeys))

    @post("/api/v1/me/passkeys", responses=errors(400, 401, 403, 409, 413, 415, 422, 503))
    async def add_passkey(request: Request[Any, Any, Any], data: JSONBody[PasskeyNew]) -> SecondFactorAdded:
        """The passkey that the browser has made."""
        offer = _offer(desk, request, data.challenge, "passkey")
        desk.offers.take(data.challenge, desk.clock.now_ms())
        user, factors = await _may_change(desk, caller_of(request.scope))
        if fault := name_fault(data.name):
            raise RefusedError(invalid(fault))
        if len(factors.passkeys) >= MAX_PASSKEYS:
            raise RefusedError(invalid(f"You have {MAX_PASSKEYS} passkeys already. Remove one first."))
        made = desk.passkeys.created(data.credential, offer.origin, offer.nonce)
        if made is None:
            raise RefusedError(WRONG_FACTOR)
        now_ms = desk.clock.now_ms()
        passkey = Passkey(made.id, user.tenant, user.id, data.name, made.public_key, made.sign_count, "", now_ms)
        audit = desk.record(user.tenant, "authn_factor_added", user.name, factor="passkey", passkey=data.name)
        await desk.people.ask(people.PASSKEY_ADD, people.PasskeyAdd(passkey, audit))
        await desk.gave(_session(request), user.tenant, peer_of(request), PASSKEY, MFA)
        return SecondFactorAdded(await _first_codes(desk, user))

    @delete("/api/v1/me/passkeys/{passkey_id:str}", status_code=204, responses=errors(401, 403, 404, 409, 503))
    async def remove_passkey(request: Request[Any, Any, Any], passkey_id: FromPath[str]) -> None:
        """Forget a passkey."""
        user, factors = await _may_change(desk, caller_of(request.scope))
        if factors.mfa_required and not user.totp_secret and len(factors.passkeys) == 1:
            raise RefusedError(LAST_FACTOR)
        audit = desk.record(user.tenant, "authn_factor_removed", user.name, factor="passkey", passkey=passkey_id)
        wish = people.PasskeyRemove(user.tenant, user.id, passkey_id, audit)
        if not (await desk.people.ask(people.PASSKEY_REMOVE, wish)).done:
            raise RefusedError(NOT_FOUND)

    @post("/api/v1/me/recovery-codes", status_code=200, responses=errors(401, 403, 503))
    async def new_codes(request: Request[Any, Any, Any]) -> SecondFactorAdded:
        """Ten new recovery codes, shown this once; the old ones are worth nothing from now on."""
        user, _ = await _may_change(desk, caller_of(request.scope))
        return SecondFactorAdded(await _codes(desk, user))

    @post("/api/v1/me/password", status_code=200, responses=errors(400, 401, 403, 413, 415, 422, 429, 503))
    async def change_password(request: Request[Any, Any, Any], data: JSONBody[PasswordChange]) -> Response[Session]:
        """A new password, with the present one. All other sessions end; this one gets a new token."""
        caller = caller_of(request.scope)
        user = await desk.user_of(caller)
        proofs.guard.admit_factor(user.id, PASSWORD)
        if not await desk.hasher.fits(data.current, user.password_hash, known=True):
            await proofs.guard.factor_wrong(user, PASSWORD, peer_of(request))
            raise RefusedError(WRONG_FACTOR)
        proofs.guard.factor_right(user.id, PASSWORD)
        if fault := password_fault(data.new, user.name, desk.breached):
            raise RefusedError(invalid(fault))
        now_ms = desk.clock.now_ms()
        change = people.UserChange(
            user.tenant,
            user.id,
            password_hash=await desk.hasher.hash(data.new),
            password_changed_ms=now_ms,
            audit=desk.record(user.tenant, "authn_password_change", user.name, session=caller.session),
        )
        await desk.people.ask(people.USER_CHANGE, change)
        await desk.end(user.id, user.tenant, user.name, "password changed", user.id, but=caller.session)
        return await _again(desk, caller)

    return [
        me,
        offer_totp,
        confirm_totp,
        remove_totp,
        offer_passkey,
        add_passkey,
        remove_passkey,
        new_codes,
        change_password,
    ]


def _session(request: Request[Any, Any, Any]) -> str:
    return caller_of(request.scope).session


def _offer(desk: Desk, request: Request[Any, Any, Any], identity: str, purpose: str) -> Challenge:
    caller = caller_of(request.scope)
    offer = desk.offers.look(identity, desk.clock.now_ms())
    if offer is None or (offer.purpose, offer.user_id, offer.session) != (purpose, caller.user_id, caller.session):
        raise RefusedError(CHALLENGE_OVER)
    return offer


async def _first_codes(desk: Desk, user: User) -> tuple[str, ...]:
    """Codes for whoever has none; the others keep theirs."""
    return () if (await desk.factors_of(user)).recovery_left else await _codes(desk, user)


async def _codes(desk: Desk, user: User) -> tuple[str, ...]:
    codes = tuple(recovery.written(secrets.token_bytes(recovery.BYTES)) for _ in range(recovery.COUNT))
    digests = tuple(desk.vault.digest(f"recovery {user.id}", code) for code in codes)
    audit = desk.record(user.tenant, "authn_factor_added", user.name, factor="recovery codes")
    await desk.people.ask(people.RECOVERY_CODES, people.RecoveryCodes(user.tenant, user.id, digests, audit))
    return codes


async def _may_change(desk: Desk, caller: Caller) -> tuple[User, Factors]:
    """The caller and their factors; RefusedError when somebody with the password alone would change a second factor:
    their session began before there was one."""
    user = await desk.user_of(caller)
    factors = await desk.factors_of(user)
    if has_second_factor(user, factors) and MFA not in caller.amr:
        session = (await desk.people.ask(people.SESSION_FIND, people.SessionQuestion(caller.session))).session
        if session is None or MFA not in session.amr.split():
            raise RefusedError(STEP_UP_NEEDED)
    return user, factors


async def _again(desk: Desk, caller: Caller) -> Response[Session]:
    now_ms = desk.clock.now_ms()
    found = await desk.people.ask(people.SESSION_FIND, people.SessionQuestion(caller.session))
    if found.session is None or found.session.ended_ms or found.user is None or found.user.disabled:
        raise RefusedError(NOT_SIGNED_IN)
    answer = await desk.told(found.session, found.user, now_ms)
    if not caller.by_cookie:
        answer.cookies.clear()
    return answer
