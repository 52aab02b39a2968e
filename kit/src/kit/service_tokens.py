"""Who asks over the bus: each service signs for itself, carries the person it asks for, and believes nobody unproved.

`Guard.headers` goes with a question, `Guard.check` stands before the handler and decides by the policy.
"""

import contextvars
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contracts.rpc import Method
from kit import policy, tokens
from kit.errors import SettingsError, TokenRefused
from kit.keys import key_id, read_private_key, read_public
from kit.policy import Denied, Facts, State, Subject
from kit.token_keys import TokenKeys

KIND = "service+jwt"
LIFETIME_S = 300
RENEW_BEFORE_S = 60
PERSON_KIND = "access+jwt"
PERSON_AUDIENCE = "api-gateway"
AUTHORIZATION = "Authorization"
ON_BEHALF_OF = "On-Behalf-Of"
FORBIDDEN = "forbidden"
"""The code of the fault that a denied asker gets."""
MAX_KNOWN = 4_096
"""Tokens remembered as verified; verifying again costs 0.2 ms, remembering 1 µs."""

on_behalf_of: contextvars.ContextVar[str] = contextvars.ContextVar("on_behalf_of", default="")
"""The access token of the person for whom something is asked. The gateway's door sets it; empty for the platform's
own questions."""


def role_of(name: str) -> str:
    """The role of a user of the bus in the policy."""
    return policy.OPERATOR if name == policy.OPERATOR else policy.service(name)


def subject_of(claims: tokens.Claims) -> Subject:
    """A person as the policy sees them."""
    scopes = frozenset(claims.scope.split()) if claims.scope else None
    return Subject(claims.sub, claims.tenant, claims.role, claims.auth_ms or claims.iat * 1000, scopes)


def tenants_of(question: Any) -> frozenset[str]:
    """Whose data a question is about: its own field, or those of everything it brings along."""
    own = getattr(question, "tenant", None)
    if isinstance(own, str):
        return frozenset({own})
    if not isinstance(question, msgspec.Struct):
        return frozenset()
    parts = [part for name in question.__struct_fields__ for part in _many(getattr(question, name))]
    return frozenset(tenant for part in parts for tenant in tenants_of(part))


def _many(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who was let in: the service, and the person behind it where there is one."""

    service: str
    person: tokens.Claims | None = None


class QuestionDenied(Exception):
    """The question is not answered. `event` is a word of the audit trail, `who` and `tenant` whom it concerns."""

    def __init__(self, event: str, code: str, who: str, tenant: str, reason: str) -> None:
        super().__init__(reason)
        self.event, self.code, self.who, self.tenant, self.reason = event, code, who, tenant, reason
        self.what = ""
        """The question."""


@dataclass(slots=True)
class Guard:
    """One per process. A service that changes its own key is started again; keys of people's tokens are followed."""

    service: str
    key: Ed25519PrivateKey
    services: Mapping[str, Mapping[str, Ed25519PublicKey]]
    """ service -> key id -> its public key """
    people: tokens.Keys
    """The keys that sign people's tokens, by id."""
    now_ms: Callable[[], int]
    revoked: Callable[[tokens.Claims, str], bool] = lambda _claims, _key: False
    """Whether a person's token, signed with the key of this id, was revoked since it was signed."""
    states: Callable[[str], frozenset[State]] = lambda _tenant: frozenset()
    """What the policy has to know about a tenant now."""
    on_denied: Callable[[QuestionDenied], None] = lambda _denied: None
    """Hears of every question that was not answered."""
    _made: dict[str, tuple[str, int]] = field(default_factory=dict)
    """ asked service -> our token for it, and when it ends (s) """
    _known: OrderedDict[tuple[str, str], tokens.Claims] = field(default_factory=OrderedDict)
    """ (kind, token) -> its claims, oldest first """

    def headers(self, method: Method[Any, Any]) -> dict[str, str]:
        """What goes with a question."""
        asked = method.service
        now_s = self.now_ms() // 1000
        token, ends_s = self._made.get(asked, ("", 0))
        if ends_s - now_s < RENEW_BEFORE_S:
            token = tokens.mint(self.key, KIND, asked, self.service, now_s, LIFETIME_S, tenant=policy.EVERY_TENANT)
            self._made[asked] = (token, now_s + LIFETIME_S)
        person = on_behalf_of.get()
        return {AUTHORIZATION: f"Bearer {token}"} | ({ON_BEHALF_OF: person} if person else {})

    def check(self, method: Method[Any, Any], question: Any, headers: Mapping[str, str] | None) -> Asker:
        """Who asks, when the policy lets them. Raises QuestionDenied, after `on_denied` has heard of it."""
        try:
            return self._checked(method, question, headers or {})
        except QuestionDenied as denied:
            denied.what = f"{method.service} {method.name}"
            self.on_denied(denied)
            raise

    def _checked(self, method: Method[Any, Any], question: Any, headers: Mapping[str, str]) -> Asker:
        asker = Asker(self._service(headers.get(AUTHORIZATION, "")), self._person(headers.get(ON_BEHALF_OF, "")))
        ask = policy.ASKS.get((method.service, method.name))
        if ask is None:
            raise self._no(asker, "unlisted", f"the policy does not list {method.name}")
        rule = policy.RULES[ask.action]
        role = role_of(asker.service)
        if role not in rule.roles | ask.in_a_name:
            raise self._no(asker, "role", f"{asker.service} may not ask {method.name}")
        named = getattr(question, "person", None)
        if isinstance(named, str) and (asker.person is None or asker.person.sub != named):
            raise self._no(asker, "person", f"{method.name} is asked in another person's name than the token proves")
        tenants = tenants_of(question)
        itself = Subject(asker.service, policy.EVERY_TENANT, role)
        if asker.person is None:
            who = itself
        elif rule.roles & policy.PEOPLE:
            who = subject_of(asker.person)
        else:
            # what only the platform does, done while it serves a person: for that person's tenant
            who = Subject(asker.service, asker.person.tenant, role)
            if tenants - {asker.person.tenant}:
                raise self._no(asker, "tenant", f"{method.name} is about another tenant than the person's")
        for tenant in tenants or {who.tenant}:
            # a suspended tenant's people are refused; what the platform itself does for its data goes on
            states = self.states(who.tenant) if who.role in policy.PEOPLE else frozenset()
            answer = policy.decide(who, ask.action, tenant, Facts(self.now_ms(), False, states))
            if isinstance(answer, Denied):
                raise self._no(asker, answer.code, answer.reason)
        return asker

    def _no(self, asker: Asker, code: str, reason: str) -> QuestionDenied:
        event = "malicious_direct_reference" if code in ("tenant", "person") else "authz_fail"
        if asker.person is not None:
            return QuestionDenied(event, code, asker.person.sub, asker.person.tenant, reason)
        return QuestionDenied(event, code, asker.service, "", reason)

    def _service(self, authorization: str) -> str:
        kind, _, token = authorization.partition(" ")
        keys = {name: key for each in self.services.values() for name, key in each.items()}
        claims = self._claims(token if kind == "Bearer" else "", keys, KIND, self.service, LIFETIME_S)
        if not any(claims.sub == name and tokens.signed_by(token) in each for name, each in self.services.items()):
            raise QuestionDenied("authn_token_invalid", "wrong_key", claims.sub, "", "signed with another's key")
        return claims.sub

    def _person(self, token: str) -> tokens.Claims | None:
        if not token:
            return None
        claims = self._claims(token, self.people, PERSON_KIND, PERSON_AUDIENCE, tokens.ACCESS_LIFETIME_S)
        if self.revoked(claims, tokens.signed_by(token)):
            raise QuestionDenied("authn_token_revoked", "revoked", claims.sub, claims.tenant, "it was revoked")
        return claims

    def _claims(self, token: str, keys: tokens.Keys, kind: str, audience: str, most_s: int) -> tokens.Claims:
        now_s = self.now_ms() // 1000
        known = self._known.get((kind, token))
        if known is not None and known.exp > now_s:
            return known
        self._known.pop((kind, token), None)
        try:
            claims = tokens.verify(token, keys, kind, audience, now_s, most_s)
        except TokenRefused as refused:
            raise QuestionDenied("authn_token_invalid", refused.code, "", "", refused.reason) from None
        if len(self._known) >= MAX_KNOWN:
            self._known.popitem(last=False)
        self._known[kind, token] = claims
        return claims


def open_guard(service: str, secrets: Path, now_ms: Callable[[], int]) -> Guard:
    """The guard of a service, from the files that the hub made. SettingsError when one of them can't be used."""
    folder = secrets / "service-keys"
    try:
        key = read_private_key(folder / f"{service}.key")
        named = msgspec.json.decode((folder / "public.json").read_bytes(), type=dict[str, list[str]])
        services = {name: {key_id(each): each for each in map(read_public, texts)} for name, texts in named.items()}
        people = TokenKeys(secrets / "token.pub", (tokens.ACCESS_LIFETIME_S + tokens.CLOCK_SKEW_S) * 1000, now_ms)
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise SettingsError(
            f"the service keys in {folder} can't be used ({error}). The hub makes them: start the platform with it."
        ) from None
    return Guard(service, key, services, people, now_ms)
