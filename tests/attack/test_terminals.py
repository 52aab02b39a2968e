"""Who may become a terminal, stay one and open its line: tokens, certificates and keys that are somebody else's."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import picows
import pytest
import terminal_rig as rig
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client_security.adapters.wire import TurnedAway, Unreachable, context_for
from client_security.membership import Ended, Ticket, due_ms
from contracts.audit import AuditRecord
from contracts.codec import decode, encode
from contracts.revocations import Revocation, RevocationKind
from contracts.terminals import RENEW_LATE_MS, JoinRequest
from kit import pki
from kit.errors import AnswerFault
from kit.keys import key_id
from kit.revocations import revoke
from kit.testing import eventually
from kit.tls import Identity

DAY_MS = 86_400_000


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[rig.Server]:
    async with rig.opened(tmp_path) as made:
        yield made


async def test_a_pc_joins_once_and_keeps_its_certificate_over_a_restart(server, tmp_path) -> None:
    pc = rig.Pc(tmp_path / "pc", server.enrol())
    line = await pc.connect()
    assert (server.lines[0].who.tenant, server.lines[0].who.account) == ("default", "1000001")
    line.hang_up()
    assert pc.papers.enrolment().join_token == ""
    before = pc.papers.membership()
    pc.restart()
    (await pc.connect()).hang_up()
    assert pc.papers.membership() == before


async def test_a_one_time_token_lets_one_of_many_pcs_in_however_fast_they_are(server, tmp_path) -> None:
    enrolment = server.enrol()
    pcs = [rig.Pc(tmp_path / f"pc{i}", enrolment) for i in range(8)]
    said = await asyncio.gather(*(pc.member.ticket() for pc in pcs), return_exceptions=True)
    assert sum(isinstance(one, Ticket) for one in said) == 1
    refusals = [str(one) for one in said if isinstance(one, Ended)]
    assert len(refusals) == 7
    assert all("was used already" in text for text in refusals)
    records = [decode(d, AuditRecord) for d in server.bus.on("audit.default")]
    assert [r.kind for r in records].count("authn_join_fail") == 7


async def test_a_pc_whose_first_answer_was_lost_may_ask_again_with_the_same_key(server, tmp_path) -> None:
    enrolment = server.enrol()
    pc = rig.Pc(tmp_path / "pc", enrolment)
    await pc.member.ticket()
    key = pc.papers.key()
    pc.papers.vault.update({"certificate-and-token": None, "enrolment": msgspec.json.encode(enrolment)})
    pc.restart()
    assert (await pc.member.ticket()).terminal == enrolment["terminal"]
    assert pc.papers.key() == key


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda server, enrolment: {"join_token": "guessed"}, "not known"),
        (lambda server, enrolment: server.book.revoke(enrolment["terminal"], "lost", 1) and {}, "revoked"),
        (lambda server, enrolment: setattr(server.clock, "ahead_ms", DAY_MS + 1) or {}, "older than 24 hours"),
    ],
)
async def test_a_token_that_is_wrong_old_or_revoked_lets_nobody_in(server, tmp_path, spoil, says) -> None:
    enrolment = server.enrol()
    pc = rig.Pc(tmp_path / "pc", {**enrolment, **spoil(server, enrolment)})
    with pytest.raises(Ended, match=says):
        await pc.member.ticket()


async def test_T14_a_token_bound_to_certificate_A_is_refused_over_certificate_B(server, tmp_path) -> None:
    honest = rig.Pc(tmp_path / "a", server.enrol())
    thief = rig.Pc(tmp_path / "b", server.enrol())
    stolen = (await honest.member.ticket()).token
    with pytest.raises(TurnedAway) as caught:
        await thief.connect(token=stolen)
    assert caught.value.code == "wrong_certificate"
    assert ("default", "wrong_certificate") in server.trail.refusals
    (await honest.connect()).hang_up()


async def test_T14_a_token_without_any_certificate_is_refused(server, tmp_path) -> None:
    pc = rig.Pc(tmp_path / "pc", server.enrol())
    ticket = await pc.member.ticket()
    bare = Ticket(context_for(pc.member.pins.trusted()), ticket.token)
    with pytest.raises(TurnedAway) as caught:
        await pc.connect(bare)
    assert caught.value.code == "no_certificate"


async def test_N09_a_right_certificate_of_another_tenant_opens_nothing_of_this_one(server, tmp_path) -> None:
    ours = rig.Pc(tmp_path / "ours", server.enrol())
    theirs = rig.Pc(tmp_path / "theirs", server.enrol(tenant="another"))
    stolen, shown = await ours.member.ticket(), await theirs.member.ticket()
    with pytest.raises(TurnedAway) as caught:
        await theirs.connect(Ticket(shown.context, stolen.token))
    assert caught.value.code == "wrong_certificate"


@pytest.mark.parametrize("identity", [Identity.service("data-bridge"), Identity.operator()])
async def test_N09_a_service_or_the_operator_is_no_terminal(server, tmp_path, identity) -> None:
    pc = rig.Pc(tmp_path / "pc", server.enrol())
    token = (await pc.member.ticket()).token
    files = server.authority.issue(identity, folder="someone")
    context = context_for(pc.member.pins.trusted(), files.cert.read_bytes(), files.key.read_bytes(), tmp_path)
    with pytest.raises(TurnedAway) as caught:
        await pc.connect(Ticket(context, token))
    assert caught.value.code == "no_certificate"


async def test_N09_a_certificate_of_another_authority_or_of_yesterday_ends_in_the_handshake(server, tmp_path) -> None:
    pc = rig.Pc(tmp_path / "pc", server.enrol())
    ticket = await pc.member.ticket()
    identity = Identity.terminal("default", ticket.terminal)
    stranger = rig.TestAuthority(tmp_path / "stranger").issue(identity, folder="t")
    old = server.authority.issue(identity, folder="old", lifetime_s=-60, from_ms=rig.now_ms() - DAY_MS)
    early = server.authority.issue(identity, folder="early", from_ms=rig.now_ms() + 600_000)
    for files in (stranger, old, early):
        context = context_for(pc.member.pins.trusted(), files.cert.read_bytes(), files.key.read_bytes(), tmp_path)
        with pytest.raises(Unreachable):
            await pc.connect(Ticket(context, ticket.token))
    assert server.lines == []


async def test_a_certificate_is_renewed_at_two_thirds_of_its_life_while_the_line_stays_open(server, tmp_path) -> None:
    pc = rig.Pc(tmp_path / "pc", server.enrol())
    line = await pc.connect()
    first = pc.member.joined
    keeping = asyncio.create_task(pc.member.keep())
    try:
        pc.clock.ahead_ms = due_ms(first) - rig.now_ms() - 60_000
        server.clock.ahead_ms = pc.clock.ahead_ms
        await asyncio.sleep(0)
        assert server.renewed == []
        pc.clock.ahead_ms = server.clock.ahead_ms = pc.clock.ahead_ms + 61_000
        await eventually(lambda: pc.papers.membership() != first, within_s=10)
    finally:
        keeping.cancel()
    assert pc.papers.membership().chain != first.chain
    assert not line.closed.is_set()
    assert server.renewed[0].terminal == first.terminal
    (await pc.connect()).hang_up()
    line.hang_up()


async def test_an_expired_certificate_is_renewed_by_a_proof_of_the_key_for_thirty_days(server, tmp_path) -> None:
    pc = rig.Pc(tmp_path / "pc", server.enrol())
    await pc.member.ticket()
    pc.clock.ahead_ms = server.clock.ahead_ms = 29 * DAY_MS
    pc.restart()
    assert (await pc.member.ticket()).token
    assert [r.terminal for r in server.renewed] == [pc.member.enrolment.terminal]
    pc.clock.ahead_ms = server.clock.ahead_ms = 29 * DAY_MS + RENEW_LATE_MS + DAY_MS
    pc.restart()
    with pytest.raises(Ended, match="30 days"):
        await pc.member.ticket()


async def test_a_renewal_needs_the_key_that_joined(server, tmp_path) -> None:
    pc = rig.Pc(tmp_path / "pc", server.enrol())
    await pc.member.ticket()
    pc.papers.keep_key(pki.key_pem(pki.make_key()))
    pc.clock.ahead_ms = server.clock.ahead_ms = 2 * DAY_MS
    with pytest.raises(Ended, match="another key"):
        await pc.member.ticket()


async def test_a_terminal_can_not_renew_in_the_name_of_another(server, tmp_path) -> None:
    mine, other = rig.Pc(tmp_path / "a", server.enrol()), rig.Pc(tmp_path / "b", server.enrol())
    await mine.member.ticket()
    await other.member.ticket()
    mine.member.joined = msgspec.structs.replace(mine.member.joined, terminal=other.member.joined.terminal)
    with pytest.raises(Ended, match="another terminal"):
        await mine.member._renew(mine.member.joined)


async def test_a_revoked_terminal_gets_in_nowhere_and_renews_nothing(server, tmp_path) -> None:
    pc = rig.Pc(tmp_path / "pc", server.enrol())
    (await pc.connect()).hang_up()
    name = pc.member.joined.terminal
    server.book.revoke(name, "laptop stolen", rig.now_ms())
    await revoke(
        server.bus,
        Revocation("default", RevocationKind.TERMINAL, name, rig.now_ms() + 1_000, "laptop stolen", "operator"),
    )
    await eventually(lambda: server.revoked.entries)
    with pytest.raises(TurnedAway) as caught:
        await pc.connect()
    assert caught.value.code == "revoked"
    with pytest.raises(Ended, match="revoked"):
        await pc.member._renew(pc.member.joined)


async def test_frames_that_are_no_question_end_the_conversation(server, tmp_path) -> None:
    pc = rig.Pc(tmp_path / "pc", server.enrol())
    context = context_for(pc.member.pins.trusted())
    for junk in (b"", b"\xc1", b"\x91" * 20_000, b"x" * 16_385):
        url = pc.member.enrolment.server.replace("/terminal", "/join")
        _, line = await rig.dial(url, rig.Line, context, pc.member.last)
        line.transport.send(rig.picows.WSMsgType.BINARY, junk)
        await asyncio.wait_for(line.closed.wait(), 5)
    assert (await pc.member.ticket()).token


def tenant_is(server, *, suspended: bool, at_ms: int) -> None:
    server.revoked.hear(
        Revocation(
            "default", RevocationKind.TENANT, "default", at_ms, "unpaid", "operator",
            holds=suspended, lifts=not suspended,
        )
    )  # fmt: skip


async def test_a_suspended_tenants_terminal_gets_no_certificate_and_comes_back_when_it_is_resumed(
    server, tmp_path
) -> None:
    pc, late = (rig.Pc(tmp_path / name, server.enrol()) for name in ("pc", "late"))
    await pc.member.ticket()
    tenant_is(server, suspended=True, at_ms=rig.now_ms() + 1_000)
    for _ in range(2):
        with pytest.raises(Unreachable, match="suspended"):
            await pc.member._renew(pc.member.joined)
    with pytest.raises(Unreachable, match="suspended"):
        await late.member.ticket()
    told = [decode(data, AuditRecord).kind for data in server.bus.on("audit.>")]
    assert told.count("authn_renew_fail") == 1, "the same refusal again fills no trail"
    tenant_is(server, suspended=False, at_ms=rig.now_ms() + 2_000)
    assert (await pc.member._renew(pc.member.joined)).token
    assert (await late.member.ticket()).token


async def test_after_the_token_key_was_revoked_a_terminal_comes_back_by_itself(server, tmp_path) -> None:
    pc = rig.Pc(tmp_path / "pc", server.enrol())
    old = await pc.member.ticket()
    at = rig.now_ms() + 1_000
    server.revoked.hear(
        Revocation("*", RevocationKind.KEY, key_id(server.token_key.public_key()), at, "stolen", "operator")
    )
    server.token_key = Ed25519PrivateKey.generate()
    server.door.keys = dict(server.door.keys) | {key_id(server.token_key): server.token_key.public_key()}
    with pytest.raises(TurnedAway) as caught:
        await pc.connect(old)
    assert caught.value.code == "unknown_key"
    pc.member.turned_away(old, caught.value.code)
    assert (await pc.member.ticket()).token != old.token
    (await pc.connect()).hang_up()


async def test_strangers_keep_no_terminal_from_renewing(server, tmp_path) -> None:
    pc = rig.Pc(tmp_path / "pc", server.enrol())
    await pc.member.ticket()
    stranger, url = context_for(pc.member.pins.trusted()), pc.member.enrolment.server.replace("/terminal", "/join")
    refused = 0
    for _ in range(12):
        try:
            await rig.dial(url, rig.Line, stranger, pc.member.last)
        except Unreachable:
            refused += 1
    assert refused == 4, "one address has eight places"
    assert (await pc.member._renew(pc.member.joined)).token


async def test_guesses_of_one_address_reach_the_hub_thirty_times_a_minute_and_terminals_renew_meanwhile(
    server, tmp_path
) -> None:
    pc = rig.Pc(tmp_path / "pc", server.enrol())
    await pc.member.ticket()
    guess = encode(JoinRequest("guessed", pki.make_request(pki.make_key())))
    stranger, url = context_for(pc.member.pins.trusted()), pc.member.enrolment.server.replace("/terminal", "/join")
    refused: list[str] = []
    for _ in range(40):
        try:
            transport, line = await rig.dial(url, rig.Line, stranger, pc.member.last)
        except Unreachable as busy:
            refused.append(str(busy))
            continue
        transport.send(picows.WSMsgType.BINARY, guess)
        await asyncio.wait_for(line.closed.wait(), 5)
    assert [code for _, code in server.trail.refusals].count("join_token") == 29, "its own join was the thirtieth"
    assert (len(refused), "again in" in refused[0]) == (11, True)
    assert (await pc.member._renew(pc.member.joined)).token
    server.clock.ahead_ms += 61_000
    (await rig.dial(url, rig.Line, stranger, pc.member.last))[0].disconnect()


@pytest.mark.parametrize("code", ["forbidden", "internal", "audit_unavailable", "something_new"])
async def test_what_goes_wrong_on_the_server_ends_no_terminal(server, tmp_path, code) -> None:
    pc = rig.Pc(tmp_path / "pc", server.enrol())

    def fails(*_about: object) -> bytes:
        raise AnswerFault(code, "it went wrong")

    server.desk.sign = fails
    with pytest.raises(Unreachable, match="it went wrong"):
        await pc.member.ticket()
