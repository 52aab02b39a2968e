"""The engine: events in, effects out."""

from decimal import Decimal

import msgspec
import pytest
from engine_world import (
    ACCOUNT,
    SYMBOL,
    T0,
    TENANT,
    Breaks,
    account,
    batch,
    binding,
    engine,
    execution,
    one_order,
    order,
    place,
    position,
    sent,
    ticks,
)

from contracts.accounts import MarginMode, Side
from contracts.commands import Command, LimitsChanged, PauseTrading, ResumeTrading
from contracts.executions import ExecutionState
from contracts.limits import RiskLimits
from contracts.orders import Order, OrderState
from contracts.signals import MAX_LIFETIME_MS, SignedSignal, magic_of, short_id, signal_bytes
from contracts.ticks import Mark
from trading_engine.domain.desk import Terms
from trading_engine.domain.effects import RecordAudit, RecordOrder, SavePauses, SendOrder
from trading_engine.domain.engine import SILENT_AFTER_MS, Engine
from trading_engine.domain.events import (
    AccountReported,
    CommandGiven,
    ExecutionReported,
    LimitsRead,
    Restored,
    SignalDropped,
    StoreChanged,
    TenantsSuspended,
    TicksArrived,
    TimePassed,
)
from trading_engine.domain.risk import Limits

LATER = T0 + SILENT_AFTER_MS + 1


def recorded(effects: list[object]) -> list[RecordOrder]:
    return [e for e in effects if isinstance(e, RecordOrder)]


def kinds(effects: list[object]) -> list[str]:
    return [e.audit.kind for e in effects if not isinstance(e, SavePauses)]


def test_a_proposal_becomes_an_order_and_its_signal() -> None:
    ((made, signal),) = sent(ticks(engine(binding()), 1, [1.1]))
    assert made.state is OrderState.SUBMITTED
    assert (signal.id, signal.order_id, signal.comment, signal.magic) == (
        made.id,
        made.id,
        short_id(made.id),
        magic_of(made.id),
    )
    assert (signal.price, signal.side, signal.volume) == (pytest.approx(1.1001), Side.BUY, Decimal("0.1"))
    assert (signal.issued_ms, signal.expires_ms) == (T0, T0 + MAX_LIFETIME_MS)
    assert (made.tick_seq, made.tick_received_ms) == (1, T0)


def test_no_signal_lives_longer_than_a_terminal_accepts() -> None:
    made = Engine((binding(),), terms=Terms(lifetime_ms=60_000))
    made.process(AccountReported(T0, account()))
    assert sent(ticks(made, 1, [1.1]))[0][1].expires_ms == T0 + MAX_LIFETIME_MS


def test_without_an_account_nothing_is_traded() -> None:
    (denied,) = ticks(Engine((binding(),)), 1, [1.1])
    assert isinstance(denied, RecordOrder)
    assert denied.order.state is OrderState.DENIED
    assert denied.order.reason.startswith("account_unknown: ")


def test_ticks_that_come_again_are_left_out() -> None:
    made = engine(binding(at=(2,)))
    assert len(sent(ticks(made, 1, [1.1, 1.1]))) == 1
    assert ticks(made, 1, [1.1, 1.1]) == []
    assert ticks(made, 2, [1.1, 1.1], at_ms=T0 + 1_000) == []
    assert (made.counts.ticks, made.counts.ticks_known) == (3, 3)


def test_ticks_of_an_older_epoch_are_left_out_and_a_newer_one_starts_the_strategy_afresh() -> None:
    made = engine(binding(at=()))
    ticks(made, 1, [1.1], epoch=5)
    first = made.streams[(TENANT, ACCOUNT, SYMBOL)].runners[0]
    ticks(made, 1, [1.1], epoch=4)
    assert made.counts.ticks_known == 1
    ticks(made, 1, [1.1], epoch=6)
    assert made.streams[(TENANT, ACCOUNT, SYMBOL)].runners[0].strategy is not first.strategy


def test_a_hole_in_the_numbers_is_counted_and_not_waited_for() -> None:
    made = engine(binding(at=()))
    ticks(made, 1, [1.1])
    ticks(made, 11, [1.1], at_ms=T0 + 1)
    assert (made.counts.ticks, made.counts.ticks_missed) == (2, 9)


def test_a_sleeping_strategy_sees_only_what_it_waits_for() -> None:
    made = engine(binding(at=()))
    ticks(made, 1, [1.1])
    strategy = made.streams[(TENANT, ACCOUNT, SYMBOL)].runners[0].strategy
    strategy.wake_ms = T0 + 3_000
    ticks(made, 2, [1.1] * 5, at_ms=T0 + 1_000)
    assert [seq for seq, _ in strategy.seen] == [1, 4, 5, 6]


def test_a_feed_whose_clock_was_turned_back_wakes_a_sleeping_strategy() -> None:
    made = engine(binding(at=()))
    ticks(made, 1, [1.1])
    strategy = made.streams[(TENANT, ACCOUNT, SYMBOL)].runners[0].strategy
    strategy.wake_ms = T0 + 3_600_000
    ticks(made, 2, [1.1], at_ms=T0)
    ticks(made, 3, [1.1], at_ms=T0 - 1)
    assert [seq for seq, _ in strategy.seen] == [1, 3]


def test_the_next_tick_of_the_same_batch_knows_that_an_order_is_in_flight() -> None:
    made = engine(binding(at=(1, 2)))
    effects = ticks(made, 1, [1.1, 1.1], step_ms=1)
    assert len(sent(effects)) == 1
    strategy = made.streams[(TENANT, ACCOUNT, SYMBOL)].runners[0].strategy
    assert strategy.seen == [(1, False), (2, True)]
    assert recorded(effects)[0].order.reason.startswith("order_in_flight")


def test_two_wishes_at_one_tick_are_two_orders_and_one_line() -> None:
    effects = ticks(engine(binding(each=2)), 1, [1.1])
    assert len(sent(effects)) == len(recorded(effects)) == 1
    assert sent(effects)[0][0].id != recorded(effects)[0].order.id


def test_refusals_at_every_tick_are_told_once_in_ten_seconds_with_their_count() -> None:
    made = Engine((binding(at=tuple(range(1, 30))),))
    effects = ticks(made, 1, [1.1] * 5, step_ms=1) + ticks(made, 6, [1.1], at_ms=T0 + 10_500)
    first, second = recorded(effects)
    assert "more like it" not in first.order.reason
    assert second.order.reason.endswith("(and 4 more like it)")
    assert made.counts.refused == {"account_unknown": 6}
    ticks(made, 7, [1.1], at_ms=T0 + 10_501)
    (rest,) = made.process(TimePassed(T0 + 30_000))
    assert isinstance(rest, RecordAudit)
    assert (rest.audit.kind, rest.audit.detail["count"]) == ("orders_refused", "1")


def test_while_the_store_is_away_refusals_wait_and_nothing_is_sent() -> None:
    made = engine(binding(at=(1, 2)))
    made.process(StoreChanged(T0, False))
    assert ticks(made, 1, [1.1]) == []
    assert made.process(TimePassed(T0 + 20_000)) == []
    made.process(StoreChanged(T0, True))
    assert len(sent(ticks(made, 2, [1.1], at_ms=T0 + 1))) == 1
    assert made.counts.refused == {"store_unavailable": 1}


def test_a_strategy_that_breaks_is_taken_off_its_symbol_and_the_others_go_on() -> None:
    made = engine(binding(Breaks, "breaks"), binding(at=(3,)))
    effects = ticks(made, 1, [1.1, 1.1, 1.1], step_ms=1)
    assert len(sent(effects)) == 1
    assert "strategy_failed" in kinds(effects)
    assert [r.name for r in made.streams[(TENANT, ACCOUNT, SYMBOL)].runners] == ["asks"]
    assert made.counts.strategies_failed == 1


def test_signal_numbers_rise_even_when_the_clock_stands_or_steps_back() -> None:
    made = engine(binding(at=()), state=account(T0 - 10))
    ticks(made, 1, [1.1])
    numbers = []
    for i, at_ms in enumerate((T0, T0, T0 - 5)):
        (effect,) = made.process(CommandGiven(at_ms, place(f"c{i}", at_ms)))
        assert isinstance(effect, SendOrder)
        numbers.append(effect.signal.seq)
        made.process(ExecutionReported(T0, execution(effect.order, ExecutionState.REJECTED, i)))
    assert numbers == [T0, T0 + 1, T0 + 2]


def test_signal_numbers_rise_across_a_restart() -> None:
    ((made, signal),) = sent(ticks(engine(binding()), 1, [1.1]))
    ahead = msgspec.structs.replace(signal, seq=T0 + 900)
    signed = SignedSignal(TENANT, ACCOUNT, made.id, T0 + 1, "k", signal_bytes(ahead), b"")
    nonsense = msgspec.structs.replace(signed, payload=b"?")
    fresh = Engine((binding(at=(2,)),))
    done = msgspec.structs.replace(made, state=OrderState.REJECTED)
    fresh.process(Restored(T0, (done,), (signed, nonsense), (account(),)))
    assert sent(ticks(fresh, 2, [1.1]))[0][1].seq == T0 + 901


def test_a_fill_moves_the_order_and_needs_a_newer_picture_of_the_account_before_the_next() -> None:
    made = engine(binding(at=(1, 2, 3)))
    first = one_order(made)
    (filled,) = recorded(made.process(ExecutionReported(T0 + 9, execution(first))))
    assert filled.order.state is OrderState.FILLED
    assert filled.audit.kind == "order_filled"
    (denied,) = recorded(ticks(made, 2, [1.1], at_ms=T0 + 10))
    assert denied.order.reason.startswith("account_not_reconciled")
    made.process(AccountReported(T0 + 20, account(T0 + 20)))
    assert len(sent(ticks(made, 3, [1.1], at_ms=T0 + 21))) == 1


def test_the_same_execution_again_changes_nothing() -> None:
    made = engine(binding())
    report = ExecutionReported(T0 + 9, execution(one_order(made)))
    made.process(report)
    assert made.process(report) == []


@pytest.mark.parametrize("changes", [{"order_id": "ff" * 16}, {"tenant": "other"}, {"account": "2"}])
def test_an_execution_that_fits_no_order_goes_on_record_and_moves_nothing(changes: dict[str, str]) -> None:
    made = engine(binding())
    stranger = msgspec.structs.replace(execution(one_order(made)), **changes)
    (effect,) = made.process(ExecutionReported(T0, stranger))
    assert isinstance(effect, RecordAudit)
    assert effect.audit.kind == "execution_not_applied"
    assert made.counts.contradictions == 1


def test_a_refusal_of_a_signal_that_was_not_believed_names_only_the_signal_and_ends_its_order() -> None:
    made = engine(binding())
    first = one_order(made)
    expired = msgspec.structs.replace(execution(first, ExecutionState.REFUSED), order_id="", symbol="", code="expired")
    (ended,) = recorded(made.process(ExecutionReported(T0, expired)))
    assert (ended.order.id, ended.order.state) == (first.id, OrderState.REJECTED)
    assert made.book.waiting == {}


def test_an_execution_that_contradicts_an_ended_order_goes_on_record() -> None:
    made = engine(binding())
    first = one_order(made)
    made.process(ExecutionReported(T0, execution(first)))
    (effect,) = made.process(ExecutionReported(T0, execution(first, ExecutionState.REJECTED, number=2)))
    assert isinstance(effect, RecordAudit)
    assert "FILLED and cannot become REJECTED" in effect.audit.detail["why"]


def test_a_fill_that_another_client_reports_after_a_refusal_is_not_forgotten() -> None:
    made = engine(binding())
    first = one_order(made)
    made.process(ExecutionReported(T0, execution(first, ExecutionState.REFUSED, code="expired")))
    (filled,) = recorded(made.process(ExecutionReported(T0 + 1, execution(first, number=2))))
    assert (filled.order.id, filled.order.state) == (first.id, OrderState.FILLED)


def test_an_order_without_an_answer_becomes_unknown_and_blocks_its_line() -> None:
    made = engine(binding(at=(1, 2)))
    first = one_order(made)
    assert made.process(TimePassed(LATER - 2)) == []
    (unknown,) = recorded(made.process(TimePassed(LATER)))
    assert (unknown.order.id, unknown.order.state) == (first.id, OrderState.UNKNOWN)
    made.process(AccountReported(LATER, account(LATER)))
    (denied,) = recorded(ticks(made, 2, [1.1], at_ms=LATER))
    assert denied.order.reason.startswith("order_in_flight")


def unknown_order(made: Engine) -> str:
    first = one_order(made)
    made.process(TimePassed(LATER))
    return first.id


def test_an_unknown_order_is_found_by_its_position() -> None:
    made = engine(binding())
    order_id = unknown_order(made)
    seen = account(LATER, positions=(position(21, order_id=order_id),))
    (found,) = recorded(made.process(AccountReported(LATER, seen)))
    assert (found.order.state, found.order.ticket, found.order.filled_volume) == (
        OrderState.FILLED,
        21,
        Decimal("0.1"),
    )


def test_a_smaller_position_is_a_part_of_the_order() -> None:
    made = engine(binding())
    order_id = unknown_order(made)
    seen = account(LATER, positions=(position(21, order_id=order_id, volume=Decimal("0.04")),))
    (found,) = recorded(made.process(AccountReported(LATER, seen)))
    assert found.order.state is OrderState.PARTIALLY_FILLED


def test_an_unknown_order_frees_its_line_when_a_much_younger_picture_shows_nothing_of_it() -> None:
    made = engine(binding(at=(1, 2)))
    order_id = unknown_order(made)
    fresh = LATER + 60_001
    for picture in (account(fresh, connected=False), account(fresh, order_ids_open=(order_id,)), account(LATER + 1)):
        made.accounts.clear()
        assert made.process(AccountReported(fresh, picture)) == []
        assert order_id in made.book.waiting
    made.accounts.clear()
    assert made.process(AccountReported(fresh, account(fresh))) == []
    assert made.book.orders[order_id].state is OrderState.UNKNOWN
    assert len(sent(ticks(made, 2, [1.1], at_ms=fresh))) == 1


def test_a_late_answer_still_moves_an_unknown_order() -> None:
    made = engine(binding())
    order_id = unknown_order(made)
    (filled,) = recorded(made.process(ExecutionReported(LATER + 5, execution(made.book.orders[order_id]))))
    assert filled.order.state is OrderState.FILLED


def test_an_older_picture_of_the_account_does_not_replace_a_newer_one() -> None:
    made = engine(binding())
    made.process(AccountReported(T0, account(T0 - 1, connected=False)))
    assert made.accounts[(TENANT, ACCOUNT)].connected


def test_a_terminal_whose_clock_was_set_back_is_heard_again() -> None:
    made = engine(binding())
    made.process(AccountReported(T0, account(T0 - 300_001, connected=False)))
    assert not made.accounts[(TENANT, ACCOUNT)].connected


def test_an_order_that_was_never_committed_ends_as_expired_unless_its_answer_was_faster() -> None:
    made = engine(binding())
    first = one_order(made)
    (effect,) = recorded(made.process(SignalDropped(T0 + 5_000, first.id, "too late")))
    assert effect.order.state is OrderState.EXPIRED
    assert effect.order.reason == "never sent: too late"
    assert made.process(SignalDropped(T0 + 5_001, first.id, "again")) == []
    assert made.process(SignalDropped(T0 + 5_001, "ee" * 16, "unheard of")) == []


def test_a_restored_order_is_not_made_again_and_blocks_its_line() -> None:
    first = one_order(engine(binding()))
    fresh = Engine((binding(at=(1, 2)),))
    denied = order(OrderState.DENIED, "dd" * 16)
    fresh.process(Restored(T0, (first, denied), accounts=(account(),)))
    effects = ticks(fresh, 1, [1.1, 1.1], step_ms=1)
    assert sent(effects) == []
    assert [e.order.reason.split(":")[0] for e in recorded(effects)] == ["order_in_flight"]
    assert denied.id not in fresh.book.orders


def test_a_restored_fill_asks_for_a_newer_picture_of_the_account() -> None:
    done = order(OrderState.FILLED, filled_volume=Decimal("0.1"), updated_ms=T0)
    fresh = Engine((binding(),))
    fresh.process(Restored(T0, (done,), accounts=(account(T0 - 1),)))
    assert recorded(ticks(fresh, 1, [1.1]))[0].order.reason.startswith("account_not_reconciled")


def test_a_persons_order_is_made_once_for_one_command() -> None:
    made = engine(binding(at=()))
    ticks(made, 1, [1.1])
    ((first, signal),) = sent(made.process(CommandGiven(T0, place())))
    assert (first.strategy, first.correlation_id, signal.strategy) == ("manual", "corr", "manual")
    assert first.tick_received_ms == 0  # its time is not counted as tick to order
    assert made.process(CommandGiven(T0, place())) == []


def test_a_command_that_was_denied_stays_denied() -> None:
    made = engine(binding(at=()))
    (denied,) = recorded(made.process(CommandGiven(T0, place())))
    assert denied.order.reason.startswith("no_price")
    ticks(made, 1, [1.1])
    assert made.process(CommandGiven(T0, place())) == []


def test_every_person_gets_an_answer_even_to_the_same_mistake() -> None:
    made = engine(binding(at=()))
    answers = [made.process(CommandGiven(T0, place(f"c{i}"))) for i in range(3)]
    assert [len(a) for a in answers] == [1, 1, 1]


def test_a_pause_stops_new_risk_of_its_tenant_and_not_the_closing_of_positions() -> None:
    made = engine(binding(at=(1, 2)), state=account(positions=(position(),)))
    save, audit = made.process(CommandGiven(T0, Command("p", TENANT, "ann", T0, PauseTrading("news"))))
    assert save == SavePauses({TENANT: "news"})
    assert isinstance(audit, RecordAudit)
    assert (audit.audit.kind, audit.audit.detail) == ("trading_paused", {"given_by": "ann", "reason": "news"})
    (denied,) = recorded(ticks(made, 1, [1.1]))
    assert denied.order.reason.startswith("paused")
    assert len(sent(made.process(CommandGiven(T0, place(side=Side.SELL, position=7))))) == 1
    save, _ = made.process(CommandGiven(T0, Command("r", TENANT, "ann", T0, ResumeTrading("over"))))
    assert save == SavePauses({})
    assert len(sent(ticks(made, 2, [1.1], at_ms=T0 + 1))) == 1


def test_a_pause_without_a_reason_is_still_a_pause() -> None:
    made = engine(binding())
    made.process(CommandGiven(T0, Command("p", TENANT, "ann", T0, PauseTrading(""))))
    assert recorded(ticks(made, 1, [1.1]))[0].order.reason.startswith("paused")


def market(made: Engine) -> tuple[bool, bool]:
    seen = made.streams[(TENANT, ACCOUNT, SYMBOL)].runners[0].market
    return seen.own is not None, seen.occupied


def test_a_strategy_knows_its_own_position_from_those_of_others() -> None:
    made = engine(binding(at=(1,)), binding(name="other", at=()))
    first = one_order(made)
    forgotten = "cc" * 16
    cases = [
        ((position(order_id=first.id),), MarginMode.HEDGING, (True, True)),
        ((position(),), MarginMode.HEDGING, (False, False)),
        ((position(),), MarginMode.NETTING, (False, True)),
        ((position(order_id=forgotten),), MarginMode.HEDGING, (False, True)),
        ((position(symbol="XAUUSD", order_id=first.id),), MarginMode.HEDGING, (False, False)),
        ((), MarginMode.NETTING, (False, False)),
    ]
    for i, (positions, mode, expected) in enumerate(cases, 1):
        made.process(AccountReported(T0 + i, account(T0 + i, positions=positions, margin_mode=mode)))
        assert market(made) == expected, (positions, mode)


def test_another_strategys_position_is_not_in_the_way_on_a_hedging_account() -> None:
    made = engine(binding(name="first", at=(1,)), binding(name="asks", at=()))
    first = one_order(made)
    made.process(AccountReported(T0 + 1, account(T0 + 1, positions=(position(order_id=first.id),))))
    second = made.streams[(TENANT, ACCOUNT, SYMBOL)].runners[1].market
    assert (second.own, second.occupied) == (None, False)


def test_orders_per_minute_are_limited_for_each_strategy() -> None:
    made = engine(binding(at=tuple(range(1, 10))), limits=Limits(max_orders_per_minute=2))
    for seq in (1, 2):
        made.process(ExecutionReported(T0, execution(one_order(made, seq, T0 + seq), ExecutionState.REJECTED, seq)))
    (denied,) = recorded(ticks(made, 3, [1.1], at_ms=T0 + 3))
    assert denied.order.reason.startswith("too_many_orders")


def test_limits_that_people_set_hold_from_the_next_order_on_and_travel_with_its_signal() -> None:
    made = engine(binding(at=tuple(range(1, 10))))
    made.process(LimitsRead(T0, (RiskLimits(TENANT, ACCOUNT, Decimal("0.1")),)))
    ((_, signal),) = sent(ticks(made, 1, [1.1]))
    assert signal.limits.max_volume == Decimal("0.1")
    made.process(ExecutionReported(T0, execution(one_known(made), ExecutionState.REJECTED, 1)))
    made.process(LimitsRead(T0, (RiskLimits(TENANT, "", Decimal("0.05")),)))
    (denied,) = recorded(ticks(made, 2, [1.1], at_ms=T0 + 1))
    assert denied.order.reason.startswith("volume_above_limit")


def test_that_limits_have_changed_is_no_word_to_resume_trading() -> None:
    made = engine(binding(at=(1,)))
    made.paused[TENANT] = "news"
    given = Command("c1", TENANT, "ann", T0, LimitsChanged(ACCOUNT))
    assert made.process(CommandGiven(T0, given)) == []
    assert made.paused == {TENANT: "news"}


def test_for_a_suspended_tenant_nothing_is_sent_until_it_is_resumed() -> None:
    made = engine(binding(at=tuple(range(1, 10))))
    made.process(TenantsSuspended(T0, (TENANT,)))
    (denied,) = recorded(ticks(made, 1, [1.1]))
    assert denied.order.reason.startswith("tenant_suspended")
    made.process(TenantsSuspended(T0, ()))
    assert sent(ticks(made, 2, [1.1], at_ms=T0 + 1))


def one_known(made: Engine) -> Order:
    (found,) = made.book.orders.values()
    return found


def test_reports_of_one_account_do_not_disturb_another() -> None:
    made = engine(binding(at=()))
    ticks(made, 1, [1.1])
    assert made.process(AccountReported(T0, account(account="2"))) == []
    assert set(made.accounts) == {(TENANT, ACCOUNT), (TENANT, "2")}


def test_a_batch_of_a_symbol_nobody_trades_only_moves_its_price() -> None:
    made = engine()
    assert made.process(TicksArrived(T0, batch(1, [1.1, 1.2]))) == []
    stream = made.streams[(TENANT, ACCOUNT, SYMBOL)]
    assert stream.quote is not None
    assert (stream.quote.bid, stream.seq) == (1.2, 2)


@pytest.mark.parametrize(
    "old", [{"marks": int(Mark.BACKFILLED)}, {"marks": int(Mark.LATE)}, {"received_ms": T0 - 5_001}]
)
def test_history_warms_a_strategy_up_but_what_it_asks_for_there_becomes_no_order(old: dict[str, int]) -> None:
    made = engine(binding(at=(1, 2)))
    assert ticks(made, 1, [1.1], now_ms=T0, **old) == []
    assert made.streams[(TENANT, ACCOUNT, SYMBOL)].runners[0].strategy.seen == [(1, False)]
    assert (made.counts.proposals_on_old_ticks, made.counts.proposals, made.counts.refused) == (1, 0, {})
    assert len(sent(ticks(made, 2, [1.1], at_ms=T0 + 1))) == 1
    assert made.counts.proposals_on_old_ticks == 1


def test_a_batch_that_begins_in_history_and_ends_now_is_traded_on_its_fresh_ticks_only() -> None:
    made = engine(binding(at=(1, 2, 3)))
    arrived = batch(1, [1.1] * 3, step_ms=4_000)  # received at T0, T0 + 4 s and T0 + 8 s
    (first, _), *others = sent(made.process(TicksArrived(T0 + 8_000, arrived)))
    assert (first.tick_seq, others, made.counts.proposals_on_old_ticks) == (2, [], 1)


def test_a_price_from_the_future_is_refused_aloud_because_a_clock_is_wrong() -> None:
    made = engine(binding())
    (denied,) = recorded(ticks(made, 1, [1.1], now_ms=T0, received_ms=T0 + 5_001))
    assert denied.order.reason.startswith("stale_price")


def test_a_persons_order_on_an_old_price_is_answered() -> None:
    made = engine()
    ticks(made, 1, [1.1], marks=int(Mark.BACKFILLED))
    (denied,) = recorded(made.process(CommandGiven(T0, place())))
    assert denied.order.reason.startswith("stale_price")


def test_the_engine_tells_of_every_tenant_it_knows_whether_it_is_paused() -> None:
    made = Engine((binding(),))
    assert made.pauses() == {TENANT: False}
    made.process(AccountReported(T0, account(tenant="other")))
    made.process(CommandGiven(T0, Command("p", "third", "ann", T0, PauseTrading("news"))))
    made.process(CommandGiven(T0, Command("p", TENANT, "ann", T0, PauseTrading("news"))))
    assert made.pauses() == {TENANT: True, "other": False, "third": True}
