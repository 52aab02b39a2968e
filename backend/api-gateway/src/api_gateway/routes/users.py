"""People of a tenant, for its administrators; every change is written down, and what is taken is gone in a second."""

from typing import Any

from litestar import Request, delete, get, patch, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from api_gateway.domain.access import Caller
from api_gateway.domain.lifetimes import is_over
from api_gateway.domain.refusals import LAST_ADMIN, NOT_FOUND, NOT_ONESELF, RefusedError, invalid
from api_gateway.routes.door import caller_of
from api_gateway.routes.me import session_view
from api_gateway.routes.people import Desk
from api_gateway.routes.schema import errors
from contracts import people
from contracts.people_views import PeopleRulesView, SessionsView, UserNew, UserPatch, UsersView, UserView
from contracts.rpc import User
from kit import log
from kit.credentials import name_fault, password_fault
from kit.policy import PEOPLE


def user_routes(desk: Desk) -> list[HTTPRouteHandler]:
    """Everything under /api/v1/users and the tenant's rules."""

    @get("/api/v1/users", responses=errors(401, 403, 503))
    async def users(request: Request[Any, Any, Any]) -> UsersView:
        """The tenant's people."""
        found = await desk.people.ask(people.USERS, people.UsersQuestion(caller_of(request.scope).tenant))
        return UsersView(tuple(_view(user, found.passkeys.get(user.id, 0)) for user in found.users))

    @post("/api/v1/users", responses=errors(400, 401, 403, 409, 413, 415, 422, 503))
    async def add_user(request: Request[Any, Any, Any], data: JSONBody[UserNew]) -> UserView:
        """A new person, who should change this password."""
        caller = caller_of(request.scope)
        fault = name_fault(data.name) or _role_fault(data.role)
        if fault := fault or password_fault(data.password, data.name, desk.breached):
            raise RefusedError(invalid(fault))
        identity, now_ms = log.new_correlation_id(), desk.clock.now_ms()
        hashed = await desk.hasher.hash(data.password)
        user = User(identity, caller.tenant, data.name, data.role, hashed, False, now_ms)
        await desk.store.add_user(user)
        audit = desk.record(user.tenant, "user_created", user.name, user_id=user.id, role=user.role, by=caller.name)
        # nothing changes: it carries the record into the same store
        await desk.people.ask(people.USER_CHANGE, people.UserChange(user.tenant, user.id, audit=audit))
        return _view(user, 0)

    @patch("/api/v1/users/{user_id:str}", responses=errors(400, 401, 403, 404, 409, 413, 415, 422, 503))
    async def change_user(
        request: Request[Any, Any, Any], user_id: FromPath[str], data: JSONBody[UserPatch]
    ) -> UserView:
        """Another role, disabled or not, without second factor. All but enabling ends the person's sessions."""
        caller = caller_of(request.scope)
        user = await _somebody_else(desk, caller, user_id)
        if data.role is not None and (fault := _role_fault(data.role)):
            raise RefusedError(invalid(fault))
        role = data.role if data.role not in (None, user.role) else None
        disabled = data.disabled if data.disabled not in (None, user.disabled) else None
        if role is None and disabled is None and not data.reset_second_factor:
            return await _view_of(desk, user)
        takes = role is not None or disabled is True or data.reset_second_factor
        audit = [
            record
            for wanted, kind, detail in (
                (role, "privilege_permissions_changed", {"from": user.role, "to": role or ""}),
                (disabled, "user_disabled", {}),
                (disabled is False, "user_enabled", {}),
                (data.reset_second_factor, "authn_factor_removed", {"factor": "all"}),
            )
            if wanted
            for record in desk.record(user.tenant, kind, user.name, by=caller.name, **detail)
        ]
        change = people.UserChange(
            user.tenant,
            user.id,
            role,
            disabled,
            not_before_ms=desk.clock.now_ms() if takes else None,
            no_second_factor=data.reset_second_factor,
            audit=tuple(audit),
            keeps_admin=True,
        )
        if not (await desk.people.ask(people.USER_CHANGE, change)).done:
            raise RefusedError(LAST_ADMIN)
        if takes:
            because = "disabled" if disabled else "role changed" if role else "second factor reset"
            closes = bool(disabled) or role is not None
            await desk.revoke_user(user, because, caller.user_id, closes_orders=closes)
        found = await desk.people.ask(people.USER_GET, people.UserById(user.tenant, user.id))
        return await _view_of(desk, found.user or user)

    @get("/api/v1/users/{user_id:str}/sessions", responses=errors(401, 403, 404, 503))
    async def user_sessions(request: Request[Any, Any, Any], user_id: FromPath[str]) -> SessionsView:
        """Somebody's living sessions."""
        caller = caller_of(request.scope)
        user = await _somebody(desk, caller, user_id)
        found = await desk.people.ask(people.SESSIONS, people.SessionsQuestion(user.tenant, user.id))
        living = (s for s in found.sessions if not is_over(s, desk.clock.now_ms()))
        return SessionsView(tuple(session_view(s, caller.session) for s in living))

    @delete("/api/v1/users/{user_id:str}/sessions", status_code=204, responses=errors(401, 403, 404, 503))
    async def end_user_sessions(request: Request[Any, Any, Any], user_id: FromPath[str]) -> None:
        """End everything of a person: they have to sign in again."""
        caller = caller_of(request.scope)
        user = await _somebody(desk, caller, user_id)
        await desk.revoke_user(user, "ended by an administrator", caller.user_id, closes_orders=False)

    @get("/api/v1/people-rules", responses=errors(401, 403, 503))
    async def rules(request: Request[Any, Any, Any]) -> PeopleRulesView:
        """What the tenant asks of its people."""
        caller = caller_of(request.scope)
        question = people.FactorsQuestion(caller.tenant, caller.user_id)
        return PeopleRulesView((await desk.people.ask(people.FACTORS, question)).mfa_required)

    @put("/api/v1/people-rules", responses=errors(400, 401, 403, 413, 415, 422, 503))
    async def set_rules(request: Request[Any, Any, Any], data: JSONBody[PeopleRulesView]) -> PeopleRulesView:
        """Require a second factor of everybody, or not. Whoever has none is asked to add one at the next sign-in."""
        caller = caller_of(request.scope)
        audit = desk.record(
            caller.tenant, "people_rules_changed", caller.tenant, mfa_required=str(data.mfa_required), by=caller.name
        )
        await desk.people.ask(people.PEOPLE_RULES, people.PeopleRules(caller.tenant, data.mfa_required, audit))
        return data

    return [users, add_user, change_user, user_sessions, end_user_sessions, rules, set_rules]


async def _somebody(desk: Desk, caller: Caller, user_id: str) -> User:
    user = (await desk.people.ask(people.USER_GET, people.UserById(caller.tenant, user_id))).user
    if user is None:
        raise RefusedError(NOT_FOUND)
    return user


async def _somebody_else(desk: Desk, caller: Caller, user_id: str) -> User:
    """Nobody locks themselves out: a tenant would be left without an administrator."""
    if user_id == caller.user_id:
        raise RefusedError(NOT_ONESELF)
    return await _somebody(desk, caller, user_id)


async def _view_of(desk: Desk, user: User) -> UserView:
    return _view(user, len((await desk.factors_of(user)).passkeys))


def _view(user: User, passkeys: int) -> UserView:
    return UserView(user.id, user.name, user.role, user.disabled, user.created_ms, bool(user.totp_secret), passkeys)


def _role_fault(role: str) -> str | None:
    return None if role in PEOPLE else f"role: one of {', '.join(sorted(PEOPLE))}."
