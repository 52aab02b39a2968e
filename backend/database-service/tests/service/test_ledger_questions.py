"""Executions, audit, accounts, commands and people: stored once, acknowledged after, refused in words."""

from decimal import Decimal

import msgspec
import pytest

from contracts import subjects
from contracts.accounts import AccountState, MarginMode, PriceSource, Side
from contracts.audit import AuditRecord
from contracts.bars import Timeframe
from contracts.codec import decode, encode
from contracts.commands import Command, PauseTrading
from contracts.executions import Execution, ExecutionState
from contracts.rpc import (
    ACCOUNTS,
    BARS,
    COMMIT,
    EXECUTIONS,
    ORDERS,
    OUTBOX,
    STORED,
    SUMMARY,
    TICKS,
    USER_ADD,
    USER_COUNT,
    USER_FIND,
    AccountsQuestion,
    BarsQuestion,
    Commit,
    ExecutionsQuestion,
    Nothing,
    OrdersQuestion,
    OutboxQuestion,
    Stored,
    StoredQuestion,
    TicksQuestion,
    User,
    UserQuestion,
)
from kit.errors import AnswerFault
from kit.testing import eventually, sealed_by_gateway

TENANT, ACCOUNT, EPOCH = "default", "1000001", 1_700_000_000_000


def execution(which: int, **changes) -> Execution:
    made = Execution(
        TENANT, ACCOUNT, EPOCH, which, f"s{which}", f"o{which}", ExecutionState.FILLED, "done", "", "XAUUSD",
        Side.BUY, Decimal("0.10"), Decimal("0.10"), 2000.5, 10009, 1, 2, 3, 10, 11, 12, 13, 14,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def told(app) -> list[Stored]:
    return [decode(data, Stored) for data in app.bus.on("stored.>")]


async def test_executions_are_acknowledged_up_to_the_first_gap(app):
    for number in (1, 2, 4):
        await app.bus.store(subjects.executions(TENANT, ACCOUNT), encode(execution(number)))
    await eventually(lambda: len(app.ledger.numbers.get((TENANT, ACCOUNT, EPOCH), {})) == 3)
    await eventually(lambda: told(app) and told(app)[-1].execution_stored == 2)
    assert told(app)[-1].execution_epoch == EPOCH
    answer = await app.bus.ask(STORED, StoredQuestion(TENANT, ACCOUNT))
    assert (answer.execution_epoch, answer.execution_stored) == (EPOCH, 2)


async def test_nothing_is_lost_while_postgres_is_away(app):
    app.ledger.down = True
    await app.bus.store(subjects.executions(TENANT, ACCOUNT), encode(execution(1)))
    await app.bus.store(subjects.audit(TENANT), encode(AuditRecord("a1", TENANT, 1, "x", "y", "z", {})))
    with pytest.raises(AnswerFault) as fault:
        await app.bus.ask(USER_COUNT, Nothing())
    assert fault.value.code == "unavailable"
    app.ledger.down = False
    await eventually(lambda: app.ledger.numbers)
    await eventually(lambda: app.ledger.audit)


async def test_one_message_that_can_not_be_held_does_not_stop_the_others(app):
    app.ledger.unstorable = {"poison"}
    for made in (execution(1), execution(2, reason="poison"), execution(3)):
        await app.bus.store(subjects.executions(TENANT, ACCOUNT), encode(made))
    await eventually(lambda: sorted(app.ledger.numbers.get((TENANT, ACCOUNT, EPOCH), {})) == [1, 3])
    assert app.quarantine.kept == [(subjects.executions(TENANT, ACCOUNT), "it can't be held")]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"number": 0}, "start at 1"),
        ({"tenant": "UPPER"}, "tenant"),
        ({"account": "other"}, "came on"),
        ({"volume": Decimal("NaN")}, "not a number"),
    ],
)
async def test_an_execution_that_makes_no_sense_is_kept_aside(app, changes, why):
    await app.bus.store(subjects.executions(TENANT, ACCOUNT), encode(execution(1, **changes)))
    await eventually(lambda: app.quarantine.kept)
    assert why in app.quarantine.kept[0][1]


async def test_states_and_commands_are_kept(app):
    state = AccountState(
        TENANT, ACCOUNT, 5, "Demo", "Broker", "USD", MarginMode.HEDGING, 100, Decimal(1), Decimal(1), Decimal(0),
        Decimal(1), Decimal(0), PriceSource.SIMULATED, True, True, "", (), (),
    )  # fmt: skip
    await app.bus.store(subjects.account(TENANT, ACCOUNT), encode(state))
    command = Command("c1", TENANT, "ann", 1, PauseTrading("lunch"))
    await app.bus.store(subjects.commands(TENANT), encode(sealed_by_gateway(command)))
    await eventually(lambda: app.ledger.commands)
    await eventually(lambda: app.ledger.states)
    assert (await app.bus.ask(ACCOUNTS, AccountsQuestion("*"))).accounts == (state,)


async def test_people_are_added_once_and_found(app):
    ann = User("u1", TENANT, "ann", "owner", "$argon2id$…", False, 1)
    await app.bus.ask(USER_ADD, ann)
    await app.bus.ask(USER_ADD, ann)
    with pytest.raises(AnswerFault) as fault:
        await app.bus.ask(USER_ADD, msgspec.structs.replace(ann, id="u2"))
    assert fault.value.code == "conflict"
    assert (await app.bus.ask(USER_FIND, UserQuestion("ann"))).user == ann
    assert (await app.bus.ask(USER_FIND, UserQuestion("bob"))).user is None
    assert (await app.bus.ask(USER_COUNT, Nothing())).count == 1


@pytest.mark.parametrize(
    ("method", "question", "why"),
    [
        (ORDERS, OrdersQuestion("Bad Tenant"), "tenant"),
        (ORDERS, OrdersQuestion(TENANT, limit=0), "limit 0 is outside 1..10000"),
        (ORDERS, OrdersQuestion(TENANT, limit=10_001), "limit"),
        (ORDERS, OrdersQuestion(TENANT, account="a b"), "account"),
        (EXECUTIONS, ExecutionsQuestion("*"), "tenant"),
        (STORED, StoredQuestion(TENANT, ""), "account"),
        (STORED, StoredQuestion(TENANT, ACCOUNT, -1), "epoch"),
        (TICKS, TicksQuestion(TENANT, ACCOUNT, "a symbol"), "symbol"),
        (TICKS, TicksQuestion(TENANT, ACCOUNT, "EURUSD", 5, 4), "from_ms 5 is after to_ms 4"),
        (BARS, BarsQuestion(TENANT, ACCOUNT, "EURUSD", Timeframe.M1, limit=0), "limit"),
        (BARS, BarsQuestion(TENANT, ACCOUNT, "EURUSD", Timeframe.M1, to_ms=-1), "to_ms"),
        (USER_FIND, UserQuestion(""), "name is empty"),
        (USER_FIND, UserQuestion("a\0b"), "NUL"),
        (USER_FIND, UserQuestion("a" * 10_001), "characters"),
        (OUTBOX, OutboxQuestion(-1), "now_ms"),
        (COMMIT, Commit(audit=(AuditRecord("", TENANT, 1, "x", "y", "z", {}),)), "audit id is empty"),
        (SUMMARY, StoredQuestion("", ""), "tenant"),
    ],
)
async def test_a_bad_question_is_refused_in_words(app, method, question, why):
    with pytest.raises(AnswerFault) as fault:
        await app.bus.ask(method, question)
    assert fault.value.code == "bad_request"
    assert why in fault.value.reason


async def test_good_questions_are_answered(app):
    await app.bus.ask(COMMIT, Commit())
    assert (await app.bus.ask(OUTBOX, OutboxQuestion(1))).signals == ()
    assert (await app.bus.ask(ORDERS, OrdersQuestion("*"))).orders == ()
    assert (await app.bus.ask(EXECUTIONS, ExecutionsQuestion(TENANT))).executions == ()
    assert (await app.bus.ask(SUMMARY, StoredQuestion(TENANT, ""))).signals == 0
    assert (await app.bus.ask(BARS, BarsQuestion(TENANT, ACCOUNT, "EURUSD", Timeframe.M1))).bars == ()


async def test_T03_a_command_that_the_gateway_did_not_seal_is_kept_aside_and_audited(app):
    forged = Command("c1", TENANT, "ann", 1, PauseTrading("lunch"))
    for wrong in (forged, sealed_by_gateway(forged, "viewer")):
        await app.bus.store(subjects.commands(TENANT), encode(wrong))
    elsewhere = sealed_by_gateway(msgspec.structs.replace(forged, tenant="other"))
    await app.bus.store(subjects.commands(TENANT), encode(elsewhere))
    await eventually(lambda: len(app.quarantine.kept) == 3)
    assert [why.partition(":")[0] for _, why in app.quarantine.kept] == ["no_seal", "role", "tenant"]
    assert not app.ledger.commands
