"""Who gets in: tokens before the upgrade, Hello after it."""

import json
from typing import Any

import bridge_rig as rig
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from contracts.audit import AuditRecord
from contracts.codec import decode
from contracts.revocations import Revocation, RevocationKind
from contracts.uplink import Control, Goodbye, Hello, Ping, Pong, Welcome
from kit.revocations import revoke
from kit.testing import eventually
from kit.tls import host_of


async def refused(app: Any, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    with pytest.raises(InvalidStatus) as caught:
        async with connect(app.url, additional_headers=headers, ssl=app.tls, server_hostname=host_of("data-bridge")):
            pass
    response = caught.value.response
    return response.status_code, json.loads(response.body) if response.status_code == 401 else {}


async def test_a_terminal_without_a_token_is_refused_before_the_upgrade_and_counted(app: Any) -> None:
    status, body = await refused(app, {})
    assert (status, body["code"]) == (401, "no_token")
    assert "enrol" in body["reason"]
    assert app.metric("bridge_refused_total", reason="no_token") == 1


async def test_an_expired_token_is_refused(app: Any) -> None:
    token = app.token()
    app.clock.advance(3_700_000)
    assert (await refused(app, {"Authorization": f"Bearer {token}"}))[1]["code"] == "expired"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"audience": "api-gateway"}, "wrong_audience"),
        ({"kind": "access+jwt"}, "wrong_kind"),
        ({"account": ""}, "no_account"),
        ({"tenant": "Not A Tenant"}, "no_account"),
    ],
)
async def test_a_token_for_something_else_is_refused(app: Any, changes: dict[str, str], code: str) -> None:
    status, body = await refused(app, {"Authorization": f"Bearer {app.token(**changes)}"})
    assert (status, body["code"]) == (401, code)


async def test_a_token_signed_by_a_stranger_is_refused(app: Any) -> None:
    token = rig.terminal_token(Ed25519PrivateKey.generate(), app.clock.now_ms() // 1_000, shown=app.shown)
    assert (await refused(app, {"Authorization": f"Bearer {token}"}))[1]["code"] == "unknown_key"


async def test_refusals_are_summed_up_into_one_audit_record(app: Any) -> None:
    def records() -> list[tuple[str, str, str]]:
        found = [decode(d, AuditRecord) for d in app.bus.on("audit.default")]
        return [(r.kind, r.detail["code"], r.detail["count"]) for r in found]

    await refused(app, {})
    first = ("terminal_refused", "no_token", "1")
    await eventually(lambda: records() == [first])  # a period begins with it
    for _ in range(5):
        await refused(app, {})
    app.clock.advance(11_000)
    await eventually(lambda: len(records()) > 1)
    assert records() == [first, ("terminal_refused", "no_token", "5")]


async def test_another_path_is_not_found(app: Any) -> None:
    app.url = app.url.replace("/terminal", "/elsewhere")
    assert (await refused(app, {}))[0] == 404


async def test_a_good_hello_is_welcomed_with_what_the_store_has(app: Any) -> None:
    app.store.marks["EURUSD", rig.EPOCH] = 41
    app.store.execution_stored = 7
    async with app.terminal() as terminal:
        (welcome,) = await eventually(lambda: terminal.heard(Welcome))
    assert [(p.symbol, p.epoch, p.seq) for p in welcome.stored] == [("EURUSD", rig.EPOCH, 41)]
    assert welcome.execution_stored == 7
    records = await eventually(
        lambda: [r for d in app.bus.on("audit.default") if (r := decode(d, AuditRecord)).kind.endswith("nected")][1:]
    )
    assert records[0].kind == "terminal_disconnected"


@pytest.mark.parametrize(
    ("hello", "code", "retry"),
    [
        (Hello(99, rig.TENANT, rig.ACCOUNT, rig.EPOCH, "t", 1), "unsupported_version", False),
        (Hello(1, "another", rig.ACCOUNT, rig.EPOCH, "t", 1), "tenant_mismatch", False),
        (Hello(1, rig.TENANT, "2000002", rig.EPOCH, "t", 1), "account_mismatch", False),
        (Hello(1, rig.TENANT, rig.ACCOUNT, 2**62, "t", 1), "bad_epoch", True),
    ],
)
async def test_a_hello_that_does_not_fit_the_token_gets_a_goodbye(
    app: Any, hello: Hello, code: str, retry: bool
) -> None:
    async with app.terminal(hello=hello) as terminal:
        (goodbye,) = await eventually(lambda: terminal.heard(Goodbye))
        assert (goodbye.code, goodbye.retry) == (code, retry)
        await eventually(lambda: terminal.reader.done())


@pytest.mark.parametrize(
    ("first", "code"), [(b"\xc1", "malformed"), (rig.ticks_of("EURUSD", 1, 1), "hello_expected"), ("text", "malformed")]
)
async def test_whoever_does_not_begin_with_hello_gets_a_goodbye(app: Any, first: Any, code: str) -> None:
    headers = {"Authorization": f"Bearer {app.token()}"}
    async with connect(
        app.url, additional_headers=headers, ssl=app.tls, server_hostname=host_of("data-bridge")
    ) as socket:
        await rig.Terminal(socket).send(first) if not isinstance(first, str) else await socket.send(first)
        goodbye = decode(await socket.recv(), Control).body
    assert isinstance(goodbye, Goodbye)
    assert goodbye.code == code


async def test_whoever_says_nothing_for_five_seconds_gets_a_goodbye(app: Any) -> None:
    headers = {"Authorization": f"Bearer {app.token()}"}
    async with connect(
        app.url, additional_headers=headers, ssl=app.tls, server_hostname=host_of("data-bridge")
    ) as socket:
        app.clock.advance(5_000)
        goodbye = decode(await socket.recv(), Control).body
    assert isinstance(goodbye, Goodbye)
    assert goodbye.code == "hello_expected"


async def test_a_second_connection_of_the_account_replaces_the_first(app: Any) -> None:
    async with app.terminal() as older:
        await eventually(lambda: older.heard(Welcome))
        async with app.terminal() as newer:
            (goodbye,) = await eventually(lambda: older.heard(Goodbye))
            assert (goodbye.code, goodbye.retry) == ("replaced", False)
            await eventually(lambda: newer.heard(Welcome))
            await newer.send(rig.ticks_of("EURUSD", 1, 10))
            await eventually(lambda: newer.acked("EURUSD") == 10)
            assert app.metric("bridge_terminals") == 1


async def test_while_the_store_is_silent_the_terminal_is_told_to_try_again(run_app: Any) -> None:
    async with run_app(welcome_within_s=0.2) as app:
        await app.bus.answer(rig.STORED, _refuse)
        async with app.terminal() as terminal:
            (goodbye,) = await eventually(lambda: terminal.heard(Goodbye))
            assert (goodbye.code, goodbye.retry) == ("store_unavailable", True)


async def _refuse(question: object) -> None:
    from kit.errors import AnswerFault

    raise AnswerFault("unavailable", "the store is starting")


async def test_a_silent_terminal_is_pinged_and_then_left(app: Any) -> None:
    async with app.terminal() as terminal:
        await eventually(lambda: terminal.heard(Welcome))
        app.clock.advance(5_000)
        await eventually(lambda: len(terminal.heard(Ping)) == 2)  # one came with the Welcome
        await eventually(lambda: app.metric("bridge_frames_total") == 4)  # Hello, its own question, two answers
        terminal.answers = False
        app.clock.advance(9_000)
        await eventually(lambda: len(terminal.heard(Ping)) == 3)
        app.clock.advance(2_000)
        (goodbye,) = await eventually(lambda: terminal.heard(Goodbye))
        assert (goodbye.code, goodbye.retry) == ("silent", True)


async def test_a_ping_is_answered_with_its_own_stamp(app: Any) -> None:
    async with app.terminal() as terminal:
        await eventually(lambda: terminal.heard(Welcome))
        await terminal.say(Ping(123))
        _, pong = await eventually(lambda: heard if len(heard := terminal.heard(Pong)) == 2 else None)
        assert pong == Pong(123, app.clock.now_ms(), fence=1)


async def test_a_token_that_expires_ends_its_connection(app: Any) -> None:
    async with app.terminal() as terminal:
        await eventually(lambda: terminal.heard(Welcome))
        app.clock.advance(3_600_000)
        (goodbye,) = await eventually(lambda: terminal.heard(Goodbye))
        assert goodbye.code == "token_expired"


async def test_a_stopping_bridge_says_so_after_publishing_what_it_took(run_app: Any) -> None:
    async with run_app() as app:
        manager = app.terminal()
        terminal = await manager.__aenter__()
        await eventually(lambda: terminal.heard(Welcome))
        await terminal.send(rig.ticks_of("EURUSD", 1, 10))
        await eventually(lambda: app.store.marks)
        bus = app.bus
    (goodbye,) = await eventually(lambda: terminal.heard(Goodbye))
    assert (goodbye.code, goodbye.retry) == ("restarting", True)
    assert len(bus.on("ticks.>")) == 1
    await manager.__aexit__(None, None, None)


@pytest.mark.parametrize(
    ("kind", "subject"), [(RevocationKind.TERMINAL, rig.TERMINAL), (RevocationKind.TENANT, rig.TENANT)]
)
async def test_a_revoked_terminal_is_hung_up_on_within_a_second_and_gets_in_no_more(app: Any, kind, subject) -> None:
    async with app.terminal() as terminal:
        await eventually(lambda: terminal.heard(Welcome))
        before = app.clock.now_ms() + 1_000
        await revoke(app.bus, Revocation(rig.TENANT, kind, subject, before, "laptop stolen", "operator"))
        (goodbye,) = await eventually(lambda: terminal.heard(Goodbye))
        assert (goodbye.code, goodbye.retry) == ("revoked", False)
    status, body = await refused(app, {"Authorization": f"Bearer {app.token()}"})
    assert (status, body["code"]) == (401, "revoked")


async def test_the_revocation_of_somebody_else_disturbs_nobody(app: Any) -> None:
    async with app.terminal() as terminal:
        await eventually(lambda: terminal.heard(Welcome))
        told = Revocation(rig.TENANT, RevocationKind.TERMINAL, "another", app.clock.now_ms() + 1_000, "", "operator")
        await revoke(app.bus, told)
        await terminal.say(Ping(7))
        await eventually(lambda: terminal.heard(Pong))
        assert terminal.heard(Goodbye) == []


async def test_a_line_whose_certificate_has_expired_is_closed_unless_it_was_renewed_meanwhile(app: Any) -> None:
    async with app.terminal() as terminal:
        await eventually(lambda: terminal.heard(Welcome))
        app.clock.advance(3_700_000)
        (goodbye,) = await eventually(lambda: terminal.heard(Goodbye))
        assert (goodbye.code, goodbye.retry) == ("token_expired", True)
