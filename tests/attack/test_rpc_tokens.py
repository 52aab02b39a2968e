"""Questions over the running platform's bus with proofs that lie, from seats that are truly the platform's own.

Each seat has its key of the bus, its certificate and its service key, all genuine: nothing but the proof lies.
"""

import time
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from token_corpus import Forge, chosen
from town import Town

from contracts import rpc, subjects
from contracts.codec import decode, encode
from contracts.commands import Command, PauseTrading
from contracts.proof import Trail, TrailQuestion
from contracts.rpc import Fault, Method
from kit import policy, tokens
from kit.keys import read_private_key
from kit.nats_bus import FAULT, NatsBus
from kit.policy import Subject
from kit.seals import sealed
from kit.service_tokens import AUTHORIZATION, FORBIDDEN, KIND, LIFETIME_S, ON_BEHALF_OF
from stage import until

Counted = Callable[[int, int], None]
Question = tuple[Method[Any, Any], Any]

OURS = rpc.OrdersQuestion("default")
LISTENER = "http://127.0.0.1:9/"
PLATFORM = "default"
"""The tenant whose trail holds what concerns no tenant."""
PAGE = 1_000
BECAUSE = "an attack on the bus"
WRITTEN_S = 30.0
"""Denials are counted together for five seconds before they are written."""


def service_key(town: Town, service: str) -> Ed25519PrivateKey:
    return read_private_key(town.stage.data / "secrets" / "service-keys" / f"{service}.key")


def minted(key: Ed25519PrivateKey, sub: str, aud: str, life_s: int = LIFETIME_S, kind: str = KIND) -> str:
    return tokens.mint(key, kind, aud, sub, int(time.time()), life_s, tenant=policy.EVERY_TENANT)


async def said(bus: NatsBus, asked: Question, proofs: dict[str, str]) -> str:
    """The code of the fault, or `answered`."""
    method, question = asked
    reply = await bus._request(subjects.rpc(method.service, method.name), encode(question), 10.0, proofs)
    return decode(reply.data, Fault).code if reply.headers and FAULT in reply.headers else "answered"


async def all_refused(bus: NatsBus, asked: Question, lying: dict[str, dict[str, str]]) -> int:
    """name of a lie -> its proofs; nobody may be answered, and it must be for the proof."""
    found = {name: await said(bus, asked, proofs) for name, proofs in lying.items()}
    assert {name: code for name, code in found.items() if code != FORBIDDEN} == {}
    return len(found)


async def denials(town: Town, tenant: str, service: str, event: str, what: str) -> int:
    """How many denials of this sort the trail holds."""
    async with town.stage.bus() as bus:
        after, count = 0, 0
        while True:
            trail: Trail = await bus.ask(
                rpc.TRAIL, TrailQuestion(tenant, after, actor="operator", because="an attack on the bus")
            )
            for each in trail.records:
                record = each.record
                if (record.service, record.kind, record.detail.get("what")) == (service, event, what):
                    count += int(record.detail["count"])
            if len(trail.records) < PAGE:
                return count  # not until nothing is left: reading a trail is written into it as well
            after = trail.records[-1].position


async def all_written(town: Town, service: str, event: str, what: str, least: int, tenant: str = PLATFORM) -> None:
    async def written() -> bool:
        return await denials(town, tenant, service, event, what) >= least

    await until(written, WRITTEN_S, f"{least} times {event} in the trail", every_s=1.0)


def borrowed(town: Town, service: str, sub: str) -> dict[str, str]:
    """Tokens that are true, elsewhere or of somebody else."""
    others = [name for name in ("api-gateway", "data-bridge", "trading-engine", "central-hub") if name != sub]
    here = service_key(town, sub)
    return {
        **{f"signed by {name}": minted(service_key(town, name), sub, service) for name in others},
        "signed by a stranger": minted(Ed25519PrivateKey.generate(), sub, service),
        "signed with the key of people's tokens": minted(town.token_key, sub, service),
        "for another service": minted(here, sub, "api-gateway"),
        "a second too long": minted(here, sub, service, LIFETIME_S + 1),
        "a person's": town.person("alice").token,
        "a terminal's": town.terminal.token,
        "an access token signed by the service": minted(here, sub, service, kind="access+jwt"),
    }


async def no_lie_is_answered(town: Town, seat: str, asked: Question) -> int:
    service = asked[0].service
    event, what = "authn_token_invalid", f"{service} {asked[0].name}"
    before = await denials(town, PLATFORM, service, event, what)
    async with town.stage.bus(seat) as bus:
        genuine = bus.guard.headers(asked[0])[AUTHORIZATION].removeprefix("Bearer ")
        assert await said(bus, asked, {AUTHORIZATION: f"Bearer {genuine}"}) == "answered", "the truth must get in"
        forge = Forge(genuine, service_key(town, seat), int(time.time()), LIFETIME_S, LISTENER)
        lying = {f"{lie.fault} {lie.name}": lie.token for lie in chosen(forge)} | borrowed(town, service, seat)
        proofs = {name: {AUTHORIZATION: f"Bearer {token}"} for name, token in lying.items()}
        proofs |= {"none": {}, "another scheme": {AUTHORIZATION: f"Basic {genuine}"}, "bare": {AUTHORIZATION: genuine}}
        tried = await all_refused(bus, asked, proofs)
        assert await said(bus, asked, {AUTHORIZATION: f"Bearer {genuine}"}) == "answered", "and still does"
    await all_written(town, service, event, what, before + tried)
    return tried


async def test_T01_T02_T03_T04_T05_T06_T07_T08_T09_T10_T11_no_lie_of_a_service_is_answered_by_the_stores(
    town: Town, counted: Counted
) -> None:
    counted(await no_lie_is_answered(town, "trading-engine", (rpc.ORDERS, OURS)), 350)


async def test_T01_T02_T03_T04_T05_T06_T07_T08_T09_T10_T11_no_lie_of_the_operator_is_answered_by_the_hub(
    town: Town, counted: Counted
) -> None:
    counted(await no_lie_is_answered(town, "operator", (rpc.SERVICES, rpc.Nothing())), 350)


async def test_T01_T02_T03_T04_T05_T06_T07_T08_T09_T10_T11_no_lie_about_a_person_is_answered(
    town: Town, counted: Counted
) -> None:
    person = town.person("alice").token
    asked: Question = (rpc.ORDERS, OURS)
    kind = "database-service", "authn_token_invalid", "database-service orders.list"
    before = await denials(town, PLATFORM, *kind)
    async with town.stage.bus("api-gateway") as bus:
        proof = bus.guard.headers(rpc.ORDERS)
        assert await said(bus, asked, proof | {ON_BEHALF_OF: person}) == "answered", "the truth must get in"
        forge = Forge(person, town.token_key, int(time.time()), tokens.ACCESS_LIFETIME_S, LISTENER)
        lying = {f"{lie.fault} {lie.name}": lie.token for lie in chosen(forge)} | {
            "a terminal's": town.terminal.token,
            "the service's own": proof[AUTHORIZATION].removeprefix("Bearer "),
            "signed by the service": forge.headed(service_key(town, "api-gateway")),
        }
        proofs = {name: proof | {ON_BEHALF_OF: token} for name, token in lying.items() if token}
        tried = await all_refused(bus, asked, proofs)
    await all_written(town, *kind, before + tried)
    counted(tried, 350)


async def test_W02_a_person_of_another_tenant_is_answered_nothing_by_any_service_and_it_is_audited(
    town: Town, counted: Counted
) -> None:
    bob = town.person("bob").token
    async with town.stage.bus("api-gateway") as bus:
        proof = bus.guard.headers(rpc.ORDERS) | {ON_BEHALF_OF: bob}
        hub = bus.guard.headers(rpc.SERVICES)
        theirs = [rpc.OrdersQuestion(tenant) for tenant in ("default", "*", "platform")]
        tried = sum([await all_refused(bus, (rpc.ORDERS, question), {"bob": proof}) for question in theirs])
        # no person's role but an administrator's sees the services, and the gateway alone does not either
        for each in (hub, *(hub | {ON_BEHALF_OF: town.person(name).token} for name in ("alice", "bob", "victor"))):
            tried += await all_refused(bus, (rpc.SERVICES, rpc.Nothing()), {"hub": each})
    event, what = "malicious_direct_reference", "database-service orders.list"
    await all_written(town, "database-service", event, what, len(theirs), tenant="other")
    counted(tried, 7)


async def test_T08_a_command_that_the_gateway_did_not_seal_reaches_no_order_and_is_audited(
    town: Town, counted: Counted
) -> None:
    now_ms = time.time_ns() // 1_000_000
    giver = Subject("alice", "default", policy.RISK_MANAGER, now_ms)
    others = ["data-bridge", "trading-engine", "central-hub", "operator", "database-service"]
    keys = [service_key(town, name) for name in others] + [town.token_key, Ed25519PrivateKey.generate()]
    plain = [Command(f"attack-{n}", "default", "alice", now_ms, PauseTrading("attack")) for n in range(len(keys) + 1)]
    lying = [sealed(command, giver, key) for command, key in zip(plain, keys, strict=False)] + plain[-1:]
    async with town.stage.bus("api-gateway") as bus:
        for command in lying:
            await bus.store(subjects.commands("default"), encode(command), command.id)
    for service in ("trading-engine", "database-service"):
        await all_written(town, service, "authn_token_invalid", "killswitch.press", len(lying))
    counted(len(lying), 8)
