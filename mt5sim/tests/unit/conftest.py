"""A market on a table: write ticks, load them at full speed, step through them one by one."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import mt5sim as mt5
from mt5sim.session import session

T0 = 1_700_000_000_000
SHARED = Path(__file__).resolve().parents[4] / "shared"
Row = tuple[int, float, float]


@pytest.fixture(autouse=True)
def fresh_process() -> Iterator[None]:
    yield
    session.end()


@dataclass
class Desk:
    folder: Path
    symbol: str = "EURUSD"
    read: int = 1

    def write(self, rows: list[Row], name: str = "ticks.csv") -> Path:
        file = self.folder / name
        file.write_text("ts_ms_utc,bid,ask\n" + "".join(f"{ms},{bid!r},{ask!r}\n" for ms, bid, ask in rows))
        return file

    def load(self, prices: list[tuple[float, float]], symbol: str = "EURUSD", **options: Any) -> None:
        """Ticks one second apart; the first is visible, `step` shows the next."""
        rows = [(T0 + 1000 * index, bid, ask) for index, (bid, ask) in enumerate(prices)]
        self.load_rows(rows, symbol, **options)

    def load_rows(self, rows: list[Row], symbol: str = "EURUSD", **options: Any) -> None:
        self.symbol, self.read = symbol, 1
        account = mt5.Account(**options.pop("account", {}))
        market = mt5.Replay(self.write(rows), symbol, options.pop("speed", 0))
        mt5.load(mt5.TerminalConfig(account=account, market=market, **options))

    def step(self, ticks: int = 1) -> None:
        self.read += ticks
        mt5.copy_ticks_from(self.symbol, 1, self.read, mt5.COPY_TICKS_ALL)

    def send(self, side: int, volume: float = 0.1, **more: Any) -> mt5.OrderSendResult:
        request = {"action": mt5.TRADE_ACTION_DEAL, "symbol": self.symbol, "volume": volume, "type": side} | more
        result = mt5.order_send(**request)
        assert result is not None, mt5.last_error()
        return result

    def buy(self, volume: float = 0.1, **more: Any) -> mt5.OrderSendResult:
        return self.send(mt5.ORDER_TYPE_BUY, volume, **more)

    def sell(self, volume: float = 0.1, **more: Any) -> mt5.OrderSendResult:
        return self.send(mt5.ORDER_TYPE_SELL, volume, **more)

    def position(self) -> mt5.TradePosition:
        (position,) = mt5.positions_get()
        return position

    def deals(self) -> tuple[mt5.TradeDeal, ...]:
        return mt5.history_deals_get(1, 2_000_000_000)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture(scope="session")
def api() -> dict[str, Any]:
    """The machine-readable API of the real package."""
    return json.loads(shared("reference/mt5_api.json").read_text("utf-8"))


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"needs ../shared/{name}, which is not part of the repository")
    return path


@pytest.fixture(scope="session")
def shared_file() -> Callable[[str], Path]:
    return shared
