"""Any sequence of commands, on all three kinds of account: money to the cent, lots and tickets always add up."""

import tempfile
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import mt5sim as mt5
from mt5sim.retcodes import TEXTS
from mt5sim.session import session

T0 = 1_700_000_000_000
TICKS = 60
SIX_HOURS = 6 * 3_600_000
PAIRS = {"EURUSD": (1.1000, 0.0002, 5), "USDJPY": (150.00, 0.02, 3)}
POINTS = {"swap_mode": mt5.SYMBOL_SWAP_MODE_POINTS, "swap_long": -7.3, "swap_short": 3.1}
SYMBOLS = (
    replace(mt5.BUILT_IN["EURUSD"], commission_per_lot=3.5, volume_limit=3.0, margin_hedged=50_000.0, **POINTS),
    replace(mt5.BUILT_IN["USDJPY"], commission_percent=0.003, fee_per_lot=0.33, exemode=3, **POINTS),
)
LUCK = mt5.Execution(seed=5, slippage_points=3, partial=0.4, reject=0.05, price_changed=0.02)
WALK = st.lists(st.integers(-60, 60), min_size=TICKS, max_size=TICKS)
NAMES, LOTS, SIDES, PICKS = st.sampled_from(sorted(PAIRS)), st.integers(1, 120), st.integers(0, 1), st.integers(0, 30)


def money(number: float) -> Decimal:
    """A figure of the API in cents; anything finer is a mistake of the simulator."""
    exact = Decimal(repr(number))
    assert exact == exact.quantize(Decimal("0.01")), number
    return exact


class Books(RuleBasedStateMachine):
    mode = ""

    @initialize(walk=WALK, yen=WALK)
    def start(self, walk: list[int], yen: list[int]) -> None:
        self.folder = tempfile.TemporaryDirectory()
        files = {}
        for name, steps in (("EURUSD", walk), ("USDJPY", yen)):
            mid, spread, digits = PAIRS[name]
            rows = ["ts_ms_utc,bid,ask"]
            for index, step in enumerate(steps):
                mid *= 1 + step / 10_000
                rows.append(f"{T0 + index * SIX_HOURS},{mid:.{digits}f},{mid + spread:.{digits}f}")
            files[name] = Path(self.folder.name) / f"{name}.csv"
            files[name].write_text("\n".join(rows) + "\n")
        account = mt5.Account(margin_mode=self.mode, balance=5_000.0, limit_orders=5, limit_positions=12)
        mt5.load(mt5.TerminalConfig(account, SYMBOLS, mt5.Replay(files=files, speed=0), execution=LUCK))
        self.read = 1

    def teardown(self) -> None:
        session.end()
        self.folder.cleanup()

    def send(self, **request: Any) -> mt5.OrderSendResult:
        before = mt5.account_info(), mt5.positions_get(), mt5.orders_get(), len(mt5.history_deals_get(1, 2**31 - 1))
        check, result = mt5.order_check(**request), mt5.order_send(**request)
        assert result.comment == TEXTS[result.retcode]
        if result.retcode not in (mt5.TRADE_RETCODE_DONE, mt5.TRADE_RETCODE_DONE_PARTIAL):
            after = mt5.account_info(), mt5.positions_get(), mt5.orders_get(), len(mt5.history_deals_get(1, 2**31 - 1))
            assert before == after
        elif result.retcode == mt5.TRADE_RETCODE_DONE:
            # what fills in part may pass where the whole would be too much
            assert check.retcode == 0
        return result

    @rule(symbol=NAMES, side=SIDES, lots=LOTS, stop=st.integers(0, 300), returning=st.booleans())
    def trade(self, symbol: str, side: int, lots: int, stop: int, returning: bool) -> None:
        tick, sign = mt5.symbol_info_tick(symbol), 1 - 2 * side
        sl = round(tick.bid * (1 - sign * stop / 10_000), PAIRS[symbol][2]) if stop else 0.0
        filling = mt5.ORDER_FILLING_RETURN if returning and symbol == "USDJPY" else mt5.ORDER_FILLING_IOC
        self.send(action=1, symbol=symbol, type=side, volume=lots / 100, sl=sl, type_filling=filling)

    @rule(symbol=NAMES, kind=st.integers(2, 7), lots=LOTS, away=st.integers(-20, 150), lifetime=st.integers(0, 1))
    def place(self, symbol: str, kind: int, lots: int, away: int, lifetime: int) -> None:
        tick, digits = mt5.symbol_info_tick(symbol), PAIRS[symbol][2]
        sign = -1 if kind in (2, 5, 7) else 1
        price = round(tick.ask * (1 + sign * away / 10_000), digits)
        limit = round(price * (1 - (1 if kind == 6 else -1) * 0.001), digits) if kind > 5 else 0.0
        self.send(
            action=5, symbol=symbol, type=kind, volume=lots / 100, price=price, stoplimit=limit, type_time=lifetime,
            type_filling=2,
        )  # fmt: skip

    @rule(pick=PICKS, lots=LOTS, whole=st.booleans())
    def close(self, pick: int, lots: int, whole: bool) -> None:
        if positions := mt5.positions_get():
            p = positions[pick % len(positions)]
            volume = p.volume if whole else min(p.volume, lots / 100)
            self.send(action=1, symbol=p.symbol, type=1 - p.type, volume=volume, position=p.ticket, type_filling=1)

    @rule(pick=PICKS, other=PICKS)
    def close_by(self, pick: int, other: int) -> None:
        if positions := mt5.positions_get():
            first, second = positions[pick % len(positions)], positions[other % len(positions)]
            self.send(action=10, position=first.ticket, position_by=second.ticket)

    @rule(pick=PICKS, away=st.integers(1, 100))
    def protect(self, pick: int, away: int) -> None:
        if positions := mt5.positions_get():
            p = positions[pick % len(positions)]
            sign = 1 - 2 * p.type
            sl, tp = (round(p.price_current * (1 - sign * k * away / 10_000), 3) for k in (1, -1))
            self.send(action=6, position=p.ticket, symbol=p.symbol, sl=sl, tp=tp)

    @rule(pick=PICKS, remove=st.booleans(), away=st.integers(-100, 100))
    def change(self, pick: int, remove: bool, away: int) -> None:
        if orders := mt5.orders_get():
            order = orders[pick % len(orders)]
            price = round(order.price_open * (1 + away / 10_000), 3)
            limit = round(order.price_stoplimit * (1 + away / 10_000), 3)
            self.send(action=8 if remove else 7, order=order.ticket, price=price, stoplimit=limit)

    @rule(ticks=st.integers(1, 6))
    def tick(self, ticks: int) -> None:
        self.read = min(self.read + ticks, TICKS)
        for symbol in PAIRS:
            mt5.copy_ticks_from(symbol, 1, self.read, mt5.COPY_TICKS_ALL)

    @invariant()
    def money_adds_up(self) -> None:
        info, deals = mt5.account_info(), mt5.history_deals_get(1, 2**31 - 1)
        paid = sum(money(d.profit) + money(d.swap) + money(d.commission) + money(d.fee) for d in deals)
        assert money(info.balance) == paid
        floating = sum((money(p.profit) + money(p.swap) for p in mt5.positions_get()), Decimal(0))
        assert money(info.profit) == floating
        assert money(info.equity) == money(info.balance) + floating
        assert money(info.margin_free) == money(info.equity) - money(info.margin)
        assert info.margin >= 0

    @invariant()
    def lots_add_up(self) -> None:
        lots: dict[int, Decimal] = defaultdict(Decimal)
        filled: dict[int, Decimal] = defaultdict(Decimal)
        opened = set()
        for deal in mt5.history_deals_get(1, 2**31 - 1)[1:]:
            volume = Decimal(repr(deal.volume))
            lots[deal.position_id] += volume * (1 if deal.type == mt5.DEAL_TYPE_BUY else -1)
            filled[deal.order] += volume
            opened |= {deal.position_id} if deal.entry == mt5.DEAL_ENTRY_IN else set()
        held = {p.identifier: Decimal(repr(p.volume)) * (1 - 2 * p.type) for p in mt5.positions_get()}
        assert {key: value for key, value in lots.items() if value} == held
        assert held.keys() <= opened
        orders = {o.ticket: o for o in (*mt5.history_orders_get(1, 2**31 - 1), *mt5.orders_get())}
        assert filled.keys() <= orders.keys()
        for ticket, order in orders.items():
            times = 2 if order.type == mt5.ORDER_TYPE_CLOSE_BY else 1
            whole = Decimal(repr(order.volume_initial)) * times
            assert filled[ticket] + Decimal(repr(order.volume_current)) == whole, order

    @invariant()
    def tickets_and_times_are_in_order(self) -> None:
        deals, done = mt5.history_deals_get(1, 2**31 - 1), mt5.history_orders_get(1, 2**31 - 1)
        assert [d.ticket for d in deals] == sorted({d.ticket for d in deals})
        assert [d.time_msc for d in deals] == sorted(d.time_msc for d in deals)
        assert not {o.ticket for o in done} & {o.ticket for o in mt5.orders_get()}
        assert all(o.time_setup_msc <= o.time_done_msc for o in done)
        positions = mt5.positions_get()
        assert all(p.volume > 0 for p in positions)
        if self.mode != "hedging":
            assert len({p.symbol for p in positions}) == len(positions)


class Hedging(Books):
    mode = "hedging"


class Netting(Books):
    mode = "netting"


class Exchange(Books):
    mode = "exchange"


RUNS = settings(max_examples=20, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
TestHedging, TestNetting, TestExchange = Hedging.TestCase, Netting.TestCase, Exchange.TestCase
TestHedging.settings = TestNetting.settings = TestExchange.settings = RUNS
