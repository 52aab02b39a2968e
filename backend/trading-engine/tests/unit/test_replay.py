"""The same events give the same effects, and no sequence of events breaks a rule."""

import hashlib
import os
import random
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import msgspec
from engine_world import ACCOUNT, SYMBOL, T0, TENANT, account, batch, binding, execution, place, position, replay
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.accounts import Side
from contracts.codec import decode, encode
from contracts.commands import Command, PauseTrading, ResumeTrading
from contracts.executions import ExecutionState
from contracts.orders import Order
from contracts.signals import MAX_LIFETIME_MS
from contracts.ticks import Mark
from trading_engine.domain.bindings import parse
from trading_engine.domain.effects import SendOrder
from trading_engine.domain.engine import Engine
from trading_engine.domain.events import (
    AccountReported,
    CommandGiven,
    Event,
    ExecutionReported,
    SignalDropped,
    StoreChanged,
    TicksArrived,
    TimePassed,
)
from trading_engine.domain.risk import Limits

LIMITS = Limits(max_volume=Decimal("0.3"), max_orders_per_minute=4)
CROSS = "ma_cross:default/*:*:volume=0.1,fast=2,slow=5,sample_ms=100,cooldown_ms=0"


def a_day(seed: int) -> list[Event]:
    """Random prices, a terminal that answers most signals, reports of the account now and then."""
    rng = random.Random(seed)
    live = Engine(parse(CROSS), LIMITS)
    events: list[Event] = []
    now, bid, seq, number, positions = T0, 1.1, 1, 0, {}

    def happen(event: Event) -> None:
        nonlocal number
        events.append(event)
        for effect in live.process(event):
            if isinstance(effect, SendOrder) and rng.random() < 0.9:
                number += 1
                order = effect.order
                if order.position:
                    positions.pop(order.position, None)
                else:
                    positions[number] = position(number, order.side, order.id)
                happen(ExecutionReported(now + 3, execution(order, number=number, answered_ms=now + 2)))

    for _ in range(120):
        now += rng.randrange(50, 300)
        happen(AccountReported(now, account(now, positions=tuple(positions.values()))))
        bids = [bid := bid + rng.choice((-0.0003, 0.0003)) for _ in range(rng.randrange(1, 12))]
        happen(TicksArrived(now, batch(seq, bids, at_ms=now, step_ms=20)))
        seq += len(bids)
        now += 20 * len(bids)
        happen(TimePassed(now))
    return events


def test_a_recorded_day_gives_the_same_effects_to_the_byte() -> None:
    frames = [encode(event) for event in a_day(7)]
    first = replay(Engine(parse(CROSS), LIMITS), [decode(frame, Event) for frame in frames])
    second = replay(Engine(parse(CROSS), LIMITS), [decode(frame, Event) for frame in frames])
    assert first == second
    assert first.count(b"send_order") > 3


def test_another_process_with_other_hashes_gives_the_same_effects(tmp_path: Path) -> None:
    frames = [encode(event) for event in a_day(7)]
    recording = tmp_path / "events"
    recording.write_bytes(encode(frames))
    script = (
        "import sys, hashlib, pathlib; sys.path.insert(0, sys.argv[1])\n"
        "import test_replay as t; from contracts.codec import decode\n"
        "frames = decode(pathlib.Path(sys.argv[2]).read_bytes(), list[bytes])\n"
        "made = t.replay(t.Engine(t.parse(t.CROSS), t.LIMITS), [decode(f, t.Event) for f in frames])\n"
        "print(hashlib.sha256(made).hexdigest())"
    )
    here = Path(__file__).parent
    said = {
        subprocess.run(
            [sys.executable, "-c", script, str(here), str(recording)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(here.parent)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    here_made = replay(Engine(parse(CROSS), LIMITS), [decode(frame, Event) for frame in frames])
    assert said == {hashlib.sha256(here_made).hexdigest() + "\n"}


def test_history_in_a_day_gives_the_same_effects_and_no_order() -> None:
    rng, marked = random.Random(5), []
    for event in a_day(7):
        if isinstance(event, TicksArrived) and rng.random() < 0.3:
            past = bytes([int(Mark.BACKFILLED)] * event.batch.count)
            event = msgspec.structs.replace(event, batch=msgspec.structs.replace(event.batch, marks=past))
        marked.append(event)
    first, second = Engine(parse(CROSS), LIMITS), Engine(parse(CROSS), LIMITS)
    assert replay(first, marked) == replay(second, marked)
    assert first.counts.proposals_on_old_ticks == second.counts.proposals_on_old_ticks > 0
    assert "stale_price" not in first.counts.refused


def test_the_size_of_batches_does_not_change_what_a_strategy_decides() -> None:
    rng, bid = random.Random(3), 1.1
    bids = [bid := bid + rng.choice((-0.0003, 0.0003)) for _ in range(600)]

    def decided(size: int) -> list[str]:
        made = Engine(parse(CROSS), Limits(max_price_age_ms=10**9, max_account_age_ms=10**9))
        made.process(AccountReported(T0, account()))
        ids = []
        for start in range(0, 600, size):
            arrived = batch(start + 1, bids[start : start + size], at_ms=T0 + start * 50, step_ms=50)
            ids += [e.order.id for e in made.process(TicksArrived(T0 + 60_000, arrived)) if isinstance(e, SendOrder)]
        return ids

    assert decided(1) == decided(7) == decided(600) != []


MOMENTS = st.integers(T0 - 70_000, T0 + 70_000)
VOLUMES = st.sampled_from(["0.1", "0.3", "0.31", "0.005", "0.015", "0", "-1", "NaN", "1E+30"]).map(Decimal)


@st.composite
def happenings(draw: st.DrawFn) -> list[tuple[str, tuple[object, ...]]]:
    one = st.one_of(
        st.tuples(st.just("ticks"), st.tuples(MOMENTS, st.integers(1, 9), st.floats(0.5, 2.0), st.booleans())),
        st.tuples(st.just("account"), st.tuples(MOMENTS, st.booleans(), st.booleans(), st.booleans())),
        st.tuples(st.just("command"), st.tuples(st.integers(0, 5), VOLUMES, MOMENTS, st.sampled_from([0, 7]))),
        st.tuples(st.just("execution"), st.tuples(st.integers(0, 3), st.sampled_from(list(ExecutionState)))),
        st.tuples(st.just("time"), st.tuples(MOMENTS)),
        st.tuples(st.just("pause"), st.tuples(st.booleans())),
        st.tuples(st.just("store"), st.tuples(st.booleans())),
        st.tuples(st.just("drop"), st.tuples(st.integers(0, 3))),
    )
    return draw(st.lists(one, max_size=40))


@settings(max_examples=300, deadline=None)
@given(happenings())
def test_whatever_happens_no_order_breaks_a_rule_and_no_order_has_two_signals(
    script: list[tuple[str, tuple[object, ...]]],
) -> None:
    made = Engine((binding(at=tuple(range(1, 10))), *parse(CROSS)), LIMITS)
    orders: list[Order] = []
    now, paused, seqs, signals = T0, False, [], []
    for kind, args in script:
        match kind, args:
            case "ticks", (at, seq, bid, crossed):
                now = at
                event: Event = TicksArrived(
                    now,
                    batch(seq, [bid] * 3, at_ms=T0, received_ms=T0, step_ms=150, spread=-0.1 if crossed else 0.0001),
                )
            case "account", (taken, connected, allowed, held):
                positions = (position(),) if held else ()
                event = AccountReported(
                    now, account(taken, connected=connected, trade_allowed=allowed, positions=positions)
                )
            case "command", (name, volume, given_ms, ticket):
                event = CommandGiven(now, place(f"c{name}", given_ms, volume=volume, position=ticket, side=Side.SELL))
            case "execution", (index, state):
                if index >= len(orders):
                    continue
                event = ExecutionReported(now, execution(orders[index], state))
            case "time", (at,):
                now = at
                event = TimePassed(now)
            case "pause", (on,):
                paused = on
                body = PauseTrading("x") if on else ResumeTrading("y")
                event = CommandGiven(now, Command(f"p{len(seqs)}", TENANT, "ann", now, body))
            case "store", (available,):
                event = StoreChanged(now, available)
            case _, (index,):
                if index >= len(orders):
                    continue
                event = SignalDropped(now, orders[index].id, "test")
        before = {o.id for o in made.book.waiting.values()}
        for effect in made.process(event):
            if not isinstance(effect, SendOrder):
                continue
            order, signal = effect.order, effect.signal
            state = made.accounts[(TENANT, ACCOUNT)]
            assert state.connected
            assert state.trade_allowed
            assert now - state.taken_ms <= 60_000
            assert abs(now - T0) <= 5_000
            assert order.volume in (Decimal("0.1"), Decimal("0.3"))
            assert order.position or not paused
            assert order.position == 0 or any(p.ticket == order.position for p in state.positions)
            assert 0 < signal.expires_ms - now <= MAX_LIFETIME_MS
            assert order.symbol == SYMBOL
            assert order.id not in before
            orders.append(order)
            signals.append(signal.id)
            seqs.append(signal.seq)
    assert len(set(signals)) == len(signals)
    assert seqs == sorted(set(seqs))
    lines = [(o.strategy, o.symbol) for o in made.book.waiting.values()]
    assert len(lines) == len(set(lines))
