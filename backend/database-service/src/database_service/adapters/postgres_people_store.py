"""People, tenants, limits and news on PostgreSQL: one transaction for each question."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from contracts import limits, news, people, tenants
from contracts.rpc import Method
from database_service.adapters import (
    postgres_identity,
    postgres_limits,
    postgres_news,
    postgres_sessions,
    postgres_tenants,
)
from database_service.adapters.postgres import EVERY_TENANT, Postgres

Q = TypeVar("Q")
A = TypeVar("A")

Work = Callable[[Any, Any], Awaitable[Any]]
_WORK: dict[str, Work] = {
    people.USER_GET.name: postgres_identity.get_user,
    people.USERS.name: postgres_identity.users,
    people.USER_CHANGE.name: postgres_identity.change_user,
    people.SPEND.name: postgres_identity.spend,
    people.FACTORS.name: postgres_identity.factors,
    people.RECOVERY_CODES.name: postgres_identity.set_recovery_codes,
    people.PASSKEY_FIND.name: postgres_identity.find_passkey,
    people.PASSKEY_ADD.name: postgres_identity.add_passkey,
    people.PASSKEY_USED.name: postgres_identity.use_passkey,
    people.PASSKEY_REMOVE.name: postgres_identity.remove_passkey,
    people.SESSION_OPEN.name: postgres_sessions.open_session,
    people.SESSION_FIND.name: postgres_sessions.find_session,
    people.SESSION_TOUCH.name: postgres_sessions.touch_session,
    people.SESSION_ROTATE.name: postgres_sessions.rotate,
    people.SESSIONS.name: postgres_sessions.sessions,
    people.SESSIONS_END.name: postgres_sessions.end_sessions,
    people.API_KEYS.name: postgres_identity.api_keys,
    people.API_KEY_ADD.name: postgres_identity.add_api_key,
    people.API_KEY_FIND.name: postgres_identity.find_api_key,
    people.API_KEY_REVOKE.name: postgres_identity.revoke_api_key,
    people.PEOPLE_RULES.name: postgres_identity.set_rules,
    tenants.TENANT_ADD.name: postgres_tenants.add,
    tenants.TENANTS.name: postgres_tenants.tenants,
    tenants.TENANT_CHANGE.name: postgres_tenants.change,
    tenants.USAGE_ADD.name: postgres_tenants.tell_usage,
    tenants.USAGE.name: postgres_tenants.usage,
    news.NEWS_KEEP.name: postgres_news.keep,
    news.NEWS.name: postgres_news.news,
    news.CALENDAR.name: postgres_news.calendar,
    limits.LIMITS.name: postgres_limits.read,
    limits.PROPOSALS.name: postgres_limits.proposals,
    limits.LIMIT_PROPOSE.name: postgres_limits.propose,
    limits.LIMIT_APPROVE.name: postgres_limits.approve,
    limits.LIMIT_REJECT.name: postgres_limits.reject,
}
""" method -> what answers it; a test holds it against the contracts """


class PostgresPeople:
    """What `ports.People` promises."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def answer(self, method: Method[Q, A], question: Q) -> A:
        """In one transaction: a change and the audit records that explain it are kept together or not at all."""
        work = _WORK[method.name]

        async def ask(connection: Any) -> A:
            answer: A = await work(connection, question)
            return answer

        # a question without a tenant finds out whose name, session or key it is: it must look everywhere
        return await self._postgres.run(ask, tenants=(getattr(question, "tenant", EVERY_TENANT),))
