"""Programs: tokens for a person's session, refreshed by tokens that are good once, and API keys."""

import secrets
from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from api_gateway.domain.factors import MFA, PASSWORD, RECOVERY, TOTP, has_second_factor
from api_gateway.domain.lifetimes import ABSOLUTE_MS, API_KEY_DAYS, IDLE_MS
from api_gateway.domain.refusals import NOT_FOUND, NOT_SIGNED_IN, RefusedError, invalid
from api_gateway.domain.scopes import PREFIX, PURPOSE, networks_of, scopes_fault
from api_gateway.routes.door import caller_of, thumbprint_of
from api_gateway.routes.people import Desk, peer_of
from api_gateway.routes.schema import errors
from api_gateway.routes.session import SignIns
from contracts import people
from contracts.people import ApiKey, Rotation, SessionKind, SessionRow
from contracts.people_views import (
    ApiKeyMade,
    ApiKeyNew,
    ApiKeysView,
    ApiKeyView,
    ProgramSignIn,
    ProgramTokens,
    Refresh,
)
from contracts.revocations import Revocation, RevocationKind
from contracts.rpc import User
from kit import log
from kit.credentials import name_fault

REFRESH = "rt_"
SECRET_BYTES = 32
DAY_MS = 86_400_000
MAX_NETWORKS = 16
NOT_POSSIBLE = "This person has passkeys only, which programs can't use. Make an API key instead."

_log = log.get("programs")


def program_routes(desk: SignIns) -> list[HTTPRouteHandler]:
    """Token, refresh and API keys."""

    @post("/api/v1/session/token", status_code=200, responses=errors(400, 401, 413, 415, 422, 429, 503), security=[{}])
    async def program_sign_in(request: Request[Any, Any, Any], data: JSONBody[ProgramSignIn]) -> ProgramTokens:
        """Sign a program in for a person: an access token, and a refresh token that is good once.

        Over a connection with a client certificate both are bound to it.
        """
        user, _ = await desk.with_password(request, data.name, data.password)
        amr: tuple[str, ...] = (PASSWORD,)
        if has_second_factor(user, await desk.desk.factors_of(user)):
            if not user.totp_secret:
                raise RefusedError(invalid(NOT_POSSIBLE))
            if data.recovery:
                await desk.proofs.with_recovery(user, data.recovery, peer_of(request))
                amr = (PASSWORD, RECOVERY, MFA)
            else:
                await desk.proofs.with_totp(user, data.totp, peer_of(request))
                amr = (PASSWORD, TOTP, MFA)
        sid = secrets.token_hex(16)
        refresh = _refresh_token(sid)
        session, user = await desk.desk.open(request, user, amr, desk.desk.vault.digest("refresh", refresh), sid)
        return await _tokens(desk.desk, session, user, refresh, session.created_ms)

    @post("/api/v1/session/refresh", status_code=200, responses=errors(400, 401, 413, 415, 422, 503), security=[{}])
    async def refresh(request: Request[Any, Any, Any], data: JSONBody[Refresh]) -> ProgramTokens:
        """The next access and refresh token. A refresh token that comes twice ends the session: somebody has a copy."""
        sid, _, secret = data.refresh_token.removeprefix(REFRESH).partition(".")
        if not sid or not secret or len(data.refresh_token) > 256:
            raise RefusedError(NOT_SIGNED_IN)
        found = await desk.desk.people.ask(people.SESSION_FIND, people.SessionQuestion(sid))
        if found.session is None or found.session.thumbprint not in ("", thumbprint_of(request.scope)):
            raise RefusedError(NOT_SIGNED_IN)
        following = _refresh_token(sid)
        vault, now_ms = desk.desk.vault, desk.desk.clock.now_ms()
        wish = people.SessionRotate(
            sid,
            vault.digest("refresh", data.refresh_token),
            vault.digest("refresh", following),
            now_ms,
            peer_of(request),
            IDLE_MS[SessionKind.PROGRAM],
            ABSOLUTE_MS[SessionKind.PROGRAM],
        )
        rotated = await desk.desk.people.ask(people.SESSION_ROTATE, wish)
        session, user = rotated.session, rotated.user
        if rotated.result is Rotation.REUSED and session and user:
            await _reused(desk, user, session, peer_of(request))
        if rotated.result is not Rotation.ROTATED or session is None or user is None:
            raise RefusedError(NOT_SIGNED_IN)
        return await _tokens(desk.desk, session, user, following, now_ms)

    return [program_sign_in, refresh]


async def _reused(desk: SignIns, user: User, session: SessionRow, peer: str) -> None:
    await desk.desk.revoke_session(user, session.id, "a refresh token was used twice", "api-gateway")
    desk.guard.measures.token_reused()
    if session.ended_ms:
        return  # told before, or nothing was left to steal: the trail is not filled by whoever has an old token
    _log.error("refresh_token_reused", session=session.id, peer=peer)
    detail = {"session": session.id, "peer": peer, "last_peer": session.peer, "agent": session.agent}
    await desk.journal.audit(user.tenant, "authn_token_reuse", user.name, detail)


def _refresh_token(sid: str) -> str:
    return f"{REFRESH}{sid}.{secrets.token_urlsafe(SECRET_BYTES)}"


async def _tokens(desk: Desk, session: SessionRow, user: User, refresh: str, now_ms: int) -> ProgramTokens:
    token, view = desk.tokens.mint(session, user, await desk.scope_of(session, user), now_ms)
    return ProgramTokens(token, view.expires_ms, refresh, session.id)


def api_key_routes(desk: Desk) -> list[HTTPRouteHandler]:
    """One's own API keys. An administrator revokes other people's by disabling the person."""

    @get("/api/v1/api-keys", responses=errors(401, 403, 503))
    async def api_keys(request: Request[Any, Any, Any]) -> ApiKeysView:
        """One's own keys, without the keys themselves."""
        caller = caller_of(request.scope)
        found = await desk.people.ask(people.API_KEYS, people.ApiKeysQuestion(caller.tenant, caller.user_id))
        return ApiKeysView(tuple(_view(key, caller.name) for key in found.keys))

    @post("/api/v1/api-keys", responses=errors(400, 401, 403, 413, 415, 422, 503))
    async def make_api_key(request: Request[Any, Any, Any], data: JSONBody[ApiKeyNew]) -> ApiKeyMade:
        """A new key, shown this once."""
        caller = caller_of(request.scope)
        if fault := name_fault(data.name) or scopes_fault(data.scopes) or _days_fault(data.days) or _cidr_fault(data):
            raise RefusedError(invalid(fault))
        now_ms = desk.clock.now_ms()
        secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        key = ApiKey(
            secrets.token_hex(8),
            caller.tenant,
            caller.user_id,
            data.name,
            desk.vault.digest(PURPOSE, secret),
            " ".join(data.scopes),
            " ".join(data.cidrs),
            now_ms,
            now_ms + data.days * DAY_MS,
        )
        detail = {"key": key.id, "name": key.name, "scopes": key.scopes, "cidrs": key.cidrs, "days": str(data.days)}
        audit = desk.record(caller.tenant, "api_key_created", caller.name, **detail)
        await desk.people.ask(people.API_KEY_ADD, people.ApiKeyAdd(key, audit))
        return ApiKeyMade(secret, _view(key, caller.name))

    @delete("/api/v1/api-keys/{key_id:str}", status_code=204, responses=errors(401, 403, 404, 503))
    async def revoke_api_key(request: Request[Any, Any, Any], key_id: FromPath[str]) -> Response[None]:
        """Refuse a key of one's own from now on."""
        caller = caller_of(request.scope)
        now_ms = desk.clock.now_ms()
        audit = desk.record(caller.tenant, "api_key_revoked", caller.name, key=key_id)
        wish = people.ApiKeyRevoke(caller.tenant, caller.user_id, key_id, now_ms, audit)
        if not (await desk.people.ask(people.API_KEY_REVOKE, wish)).done:
            raise RefusedError(NOT_FOUND)
        await desk.revoker.revoke(
            Revocation(
                caller.tenant, RevocationKind.API_KEY, key_id, now_ms + 1, "revoked", caller.user_id, caller.name
            )
        )
        return Response(None, status_code=204)

    return [api_keys, make_api_key, revoke_api_key]


def _view(key: ApiKey, owner: str) -> ApiKeyView:
    return ApiKeyView(
        key.id,
        key.name,
        tuple(key.scopes.split()),
        tuple(key.cidrs.split()),
        key.created_ms,
        key.expires_ms,
        key.used_ms,
        owner,
    )


def _days_fault(days: int) -> str | None:
    return None if 1 <= days <= API_KEY_DAYS else f"days: a key lives 1 to {API_KEY_DAYS} days."


def _cidr_fault(data: ApiKeyNew) -> str | None:
    if len(data.cidrs) > MAX_NETWORKS:
        return f"cidrs: at most {MAX_NETWORKS} networks."
    try:
        if any(" " in each or not each for each in data.cidrs):
            raise ValueError
        networks_of(" ".join(data.cidrs))
    except ValueError:
        return "cidrs: networks as 192.0.2.0/24 or 2001:db8::/32, without bits behind the mask."
    return None
