"""Whatever is traded, nothing appears from nowhere: money, lots and tickets add up on both kinds of account."""

import tempfile
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mt5sim as mt5

from .conftest import Desk

STEPS = st.lists(
    st.tuples(st.sampled_from(["buy", "sell", "close", "part", "tick"]), st.integers(1, 30), st.integers(0, 50)),
    min_size=1,
    max_size=25,
)
PRICES = st.lists(st.integers(10_700, 11_300), min_size=30, max_size=30)


def play(desk: Desk, steps: list[tuple[str, int, int]]) -> None:
    for action, hundredths, choice in steps:
        volume = hundredths / 100
        positions = mt5.positions_get()
        if action == "tick":
            desk.step()
        elif action in ("buy", "sell"):
            desk.send(0 if action == "buy" else 1, volume)
        elif positions:
            position = positions[choice % len(positions)]
            size = min(volume, position.volume) if action == "part" else position.volume
            desk.send(1 - position.type, size, position=position.ticket)


@pytest.mark.parametrize("mode", ["hedging", "netting"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, prices=PRICES)
def test_money_lots_and_tickets_add_up(mode: str, steps: list[tuple[str, int, int]], prices: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        quotes = [(price / 10_000, (price + 2) / 10_000) for price in prices]
        desk.load(quotes, account={"margin_mode": mode, "balance": 100_000.0, "stop_out": 0.0})
        play(desk, steps)
        deals, positions, info = desk.deals(), mt5.positions_get(), mt5.account_info()

        paid = sum(deal.profit + deal.commission + deal.swap + deal.fee for deal in deals)
        assert info.balance == pytest.approx(paid, abs=0.005)

        lots: dict[int, float] = defaultdict(float)
        cash = 0.0
        for deal in deals[1:]:
            sign = 1 if deal.type == mt5.DEAL_TYPE_BUY else -1
            lots[deal.position_id] += sign * deal.volume
            cash -= sign * deal.volume * deal.price * 100_000
        held = {p.identifier: (p.volume if p.type == mt5.POSITION_TYPE_BUY else -p.volume) for p in positions}
        assert {key: round(value, 6) for key, value in lots.items() if round(value, 6)} == held

        # selling everything now would leave exactly the equity, up to the cents rounded at each deal
        worth = cash + sum(held[p.identifier] * p.price_current * 100_000 for p in positions)
        assert info.equity == pytest.approx(100_000 + worth, abs=0.01 * (len(deals) + len(positions)))

        assert len({deal.ticket for deal in deals}) == len(deals)
        assert {deal.order for deal in deals[1:]} == {o.ticket for o in mt5.history_orders_get(1, 2_000_000_000)}
        assert [deal.time_msc for deal in deals] == sorted(deal.time_msc for deal in deals)
        if mode == "netting":
            assert len(positions) <= 1
        assert all(position.volume > 0 for position in positions)
