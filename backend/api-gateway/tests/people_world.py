"""The store of people in memory, with the same promises as PostgreSQL's: what is good once is good once."""

from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from contracts import people, rpc
from contracts.audit import AuditRecord
from contracts.people import ApiKey, Passkey, Rotation, SessionRow
from contracts.rpc import Nothing, User
from kit.errors import AnswerFault
from kit.testing import FakeBus


@dataclass
class MemoryPeople:
    """Look inside: everything is a dictionary."""

    users: dict[str, User] = field(default_factory=dict)
    """ name -> user """
    sessions: dict[str, SessionRow] = field(default_factory=dict)
    spent: set[tuple[str, bytes]] = field(default_factory=set)
    passkeys: dict[str, Passkey] = field(default_factory=dict)
    recovery: dict[str, set[bytes]] = field(default_factory=dict)
    keys: dict[str, ApiKey] = field(default_factory=dict)
    mfa_required: set[str] = field(default_factory=set)
    audit: list[AuditRecord] = field(default_factory=list)

    async def answer_on(self, bus: FakeBus) -> None:
        """Begin to answer."""
        for method in vars(people).values():
            if isinstance(method, rpc.Method):
                await bus.answer(method, self._handler(method.name.replace(".", "_")))

    def _handler(self, name: str) -> Any:
        async def handle(question: Any) -> Any:
            answer = getattr(self, name)(question)
            self.audit += getattr(question, "audit", ())
            return answer

        return handle

    def by_id(self, identity: str) -> User | None:
        return next((user for user in self.users.values() if user.id == identity), None)

    def users_get(self, q: people.UserById) -> rpc.UserFound:
        found = self.by_id(q.id)
        return rpc.UserFound(found if found and found.tenant == q.tenant else None)

    def users_list(self, q: people.UsersQuestion) -> people.Users:
        found = tuple(user for user in self.users.values() if user.tenant == q.tenant)
        return people.Users(found, {u.id: n for u in found if (n := len(self._passkeys(u.id)))})

    def users_change(self, q: people.UserChange) -> people.Done:
        user = self.users_get(people.UserById(q.tenant, q.id)).user
        if user is None:
            return people.Done(False)
        admins = {u.id for u in self.users.values() if (u.tenant, u.role, u.disabled) == (q.tenant, "admin", False)}
        if q.keeps_admin and (q.disabled or q.role not in (None, "admin")) and admins == {q.id}:
            return people.Done(False)
        simple = ("role", "disabled", "password_hash", "password_changed_ms", "totp_secret", "totp_last_counter")
        changed = {name: value for name in (*simple, "not_before_ms") if (value := getattr(q, name)) is not None}
        if q.no_second_factor:
            changed["totp_secret"] = b""
            self.passkeys = {k: p for k, p in self.passkeys.items() if p.user_id != q.id}
            self.recovery.pop(q.id, None)
        self.users[user.name] = replace(user, **changed)
        return people.Done(True)

    def factors_spend(self, q: people.Spend) -> people.Done:
        if q.hash:
            codes = self.recovery.get(q.user_id, set())
            known = q.hash in codes
            codes.discard(q.hash)
            return people.Done(known)
        user = self.by_id(q.user_id)
        if user is None or user.totp_last_counter >= q.counter:
            return people.Done(False)
        self.users[user.name] = replace(user, totp_last_counter=q.counter)
        return people.Done(True)

    def _passkeys(self, user_id: str) -> tuple[Passkey, ...]:
        return tuple(p for p in self.passkeys.values() if p.user_id == user_id)

    def factors_list(self, q: people.FactorsQuestion) -> people.Factors:
        left = len(self.recovery.get(q.user_id, ()))
        return people.Factors(self._passkeys(q.user_id), left, q.tenant in self.mfa_required)

    def factors_recovery(self, q: people.RecoveryCodes) -> Nothing:
        self.recovery[q.user_id] = set(q.hashes)
        return Nothing()

    def passkeys_find(self, q: people.PasskeyQuestion) -> people.PasskeyFound:
        found = self.passkeys.get(q.id)
        return people.PasskeyFound(found, self.by_id(found.user_id) if found else None)

    def passkeys_add(self, q: people.PasskeyAdd) -> Nothing:
        if q.passkey.id in self.passkeys:
            raise AnswerFault("conflict", "there is such a passkey")
        self.passkeys[q.passkey.id] = q.passkey
        return Nothing()

    def passkeys_used(self, q: people.PasskeyUsed) -> people.Done:
        known = self.passkeys[q.id]
        if known.sign_count >= q.sign_count and (known.sign_count or q.sign_count):
            return people.Done(False)
        self.passkeys[q.id] = replace(known, sign_count=q.sign_count, used_ms=q.now_ms)
        return people.Done(True)

    def passkeys_remove(self, q: people.PasskeyRemove) -> people.Done:
        known = self.passkeys.get(q.id)
        if known is None or known.user_id != q.user_id:
            return people.Done(False)
        del self.passkeys[q.id]
        return people.Done(True)

    def sessions_open(self, q: people.SessionOpen) -> people.Ended:
        self.sessions[q.session.id] = q.session
        mine = [s for s in self.sessions.values() if s.user_id == q.session.user_id and not s.ended_ms]
        mine.sort(key=lambda s: s.created_ms, reverse=True)
        ended = [s.id for s in mine[q.keep :]]
        self._end(ended, q.session.created_ms, "too many sessions")
        return people.Ended(tuple(ended))

    def _end(self, ids: list[str], now_ms: int, because: str) -> None:
        for identity in ids:
            self.sessions[identity] = replace(self.sessions[identity], ended_ms=now_ms, ended_because=because)

    def sessions_find(self, q: people.SessionQuestion) -> people.SessionFound:
        found = self.sessions.get(q.id)
        return people.SessionFound(found, self.by_id(found.user_id) if found else None)

    def sessions_touch(self, q: people.SessionTouch) -> people.Done:
        known = self.sessions.get(q.id)
        if known is None or known.ended_ms or known.tenant != q.tenant:
            return people.Done(False)
        amr, auth_ms = q.amr or known.amr, q.auth_ms or known.auth_ms
        self.sessions[q.id] = replace(known, seen_ms=q.seen_ms, peer=q.peer, amr=amr, auth_ms=auth_ms)
        return people.Done(True)

    def sessions_rotate(self, q: people.SessionRotate) -> people.Rotated:
        known = self.sessions.get(q.id)
        if known is None:
            return people.Rotated(Rotation.REFUSED, None, None)
        user = self.by_id(known.user_id)
        if known.refresh_hash != q.old or not q.old:
            if (q.id, q.old) not in self.spent:
                return people.Rotated(Rotation.REFUSED, known, user)
            if not known.ended_ms:
                self._end([q.id], q.now_ms, "a refresh token was used twice")
            return people.Rotated(Rotation.REUSED, known, user)
        old = q.now_ms - known.seen_ms > q.idle_ms or q.now_ms - known.created_ms > q.absolute_ms
        if known.ended_ms or old or user is None or user.disabled:
            return people.Rotated(Rotation.REFUSED, known, user)
        self.spent.add((q.id, q.old))
        self.sessions[q.id] = replace(known, refresh_hash=q.new, seen_ms=q.now_ms, peer=q.peer)
        return people.Rotated(Rotation.ROTATED, self.sessions[q.id], user)

    def sessions_list(self, q: people.SessionsQuestion) -> people.Sessions:
        mine = [s for s in self.sessions.values() if s.tenant == q.tenant and q.user_id in ("", s.user_id)]
        return people.Sessions(tuple(s for s in reversed(mine) if not s.ended_ms))

    def sessions_end(self, q: people.SessionsEnd) -> people.Ended:
        mine = list(self.sessions_list(people.SessionsQuestion(q.tenant, q.user_id)).sessions)
        ids = [s.id for s in mine if q.id in ("", s.id) and (not q.except_id or s.id != q.except_id)]
        self._end(ids, q.now_ms, q.because)
        return people.Ended(tuple(ids))

    def api_keys_list(self, q: people.ApiKeysQuestion) -> people.ApiKeys:
        mine = (k for k in self.keys.values() if k.tenant == q.tenant and q.user_id in ("", k.user_id))
        return people.ApiKeys(tuple(k for k in mine if not k.revoked_ms))

    def api_keys_add(self, q: people.ApiKeyAdd) -> Nothing:
        self.keys[q.key.id] = q.key
        return Nothing()

    def api_keys_find(self, q: people.ApiKeyQuestion) -> people.ApiKeyFound:
        found = next((key for key in self.keys.values() if key.hash == q.hash), None)
        return people.ApiKeyFound(found, self.by_id(found.user_id) if found else None)

    def api_keys_revoke(self, q: people.ApiKeyRevoke) -> people.Done:
        known = self.keys.get(q.id)
        if known is None or known.revoked_ms or known.tenant != q.tenant or q.user_id not in ("", known.user_id):
            return people.Done(False)
        self.keys[q.id] = replace(known, revoked_ms=q.now_ms)
        return people.Done(True)

    def people_rules(self, q: people.PeopleRules) -> Nothing:
        (self.mfa_required.add if q.mfa_required else self.mfa_required.discard)(q.tenant)
        return Nothing()
