"""The published sample of order_check and order_send, number for number, out of a simulated account.

The sample names its results only, so an account is built that must give them: its balance, a position whose loss is the
sample's, and a margin that the checked lot completes. Everything else in the sample has to follow from these.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NUMBER = r"(\w+)=(-?[\d.]+)(?=[\s,)]|$)"
START_MS = 1_700_000_000_000


@pytest.fixture
def sample(shared_file: Callable[[str], Path], real: bool) -> dict[str, dict[str, float]]:
    """Section -> the numbers it shows: check, open, close."""
    if real:
        pytest.skip("the sample's account cannot be set up on a real terminal: NOT tested")
    text = shared_file("data/feeds/order_check_send_official.sample.txt").read_text("utf-8")
    check, opened, closed = text.index("order_check"), text.index("order_send open"), text.index("order_send close")
    parts = {"check": text[check:opened], "open": text[opened:closed], "close": text[closed:]}
    return {name: {key: float(value) for key, value in re.findall(NUMBER, part)} for name, part in parts.items()}


def market(folder: Path, quotes: list[tuple[float, float]]) -> Path:
    file = folder / "ticks.csv"
    rows = "".join(f"{START_MS + 1000 * n},{bid:.8f},{ask:.8f}\n" for n, (bid, ask) in enumerate(quotes))
    file.write_text("ts_ms_utc,bid,ask\n" + rows)
    return file


def start(module: Any, file: Path, profile: Any, balance: float, leverage: int) -> None:
    account = module.Account(balance=balance, leverage=leverage, stop_out=0.0)
    replay = module.Replay(file, profile.name, 0)
    module.load(module.TerminalConfig(account=account, symbols=(profile,), market=replay))


def next_quote(module: Any, symbol: str, already: int) -> None:
    module.copy_ticks_from(symbol, 1, already + 1, module.COPY_TICKS_ALL)


def test_the_official_check_comes_out_of_a_simulated_account(
    module: Any, offline: Any, sample: dict[str, dict[str, float]], tmp_path: Path
) -> None:
    said = sample["check"]
    held = round(said["margin"] - 1.0, 2)
    fall = -said["profit"] / held
    profile = module.SymbolProfile(
        "LOTS", "LOT", "USD", "USD", 8, 2.0, contract_size=1.0, volume_max=1e6,
        calc_mode=module.SYMBOL_CALC_MODE_FOREX,
    )  # fmt: skip
    start(module, market(tmp_path, [(2.0, 2.0), (2.0 - fall, 2.0 - fall)]), profile, said["balance"], 1)
    request = {"action": module.TRADE_ACTION_DEAL, "symbol": "LOTS", "type": module.ORDER_TYPE_BUY}
    assert module.order_send({**request, "volume": held}).retcode == module.TRADE_RETCODE_DONE
    next_quote(module, "LOTS", 1)
    check = module.order_check({**request, "volume": 1.0})
    assert {name: getattr(check, name) for name in said} == said
    assert check.comment == "Done"


def test_the_official_trade_comes_out_of_a_simulated_terminal(
    module: Any, offline: Any, sample: dict[str, dict[str, float]], tmp_path: Path
) -> None:
    opening, closing = sample["open"], sample["close"]
    spread = closing["ask"] - closing["bid"]
    quotes = [(opening["price"] - spread, opening["price"]), (closing["bid"], closing["ask"])]
    start(module, market(tmp_path, quotes), module.BUILT_IN["USDJPY"], 10_000.0, 100)
    request = {
        "action": module.TRADE_ACTION_DEAL, "symbol": "USDJPY", "volume": opening["volume"],
        "type": module.ORDER_TYPE_BUY, "price": opening["price"], "deviation": 20, "magic": 234000,
        "comment": "python script open", "type_time": module.ORDER_TIME_GTC,
        "type_filling": module.ORDER_FILLING_FOK,
    }  # fmt: skip
    opened = module.order_send(request)
    same = ("retcode", "volume", "price")
    assert {name: getattr(opened, name) for name in same} == {name: opening[name] for name in same}
    assert opened.order == module.positions_get()[0].ticket, "the position's ticket is the order's"
    next_quote(module, "USDJPY", 1)
    closed = module.order_send({**request, "type": module.ORDER_TYPE_SELL, "position": opened.order})
    numbers = ("retcode", "volume", "price", "bid", "ask", "retcode_external")
    assert {name: getattr(closed, name) for name in numbers} == {name: closing[name] for name in numbers}
    assert closed.comment == "Request executed"
    assert (closed.deal > opened.deal, closed.order > opened.order) == (True, True)
    assert closing["deal"] > opening["deal"]
    assert closed.request_id == opened.request_id + 1
