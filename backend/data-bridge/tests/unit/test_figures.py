"""A hostile client's figures are kept out on the server as well, counted and kept aside."""

import math
from decimal import Decimal

import bridge_rig as rig
import msgspec
import pytest

from contracts.accounts import AccountState, MarginMode, Position, PriceSource, Side
from contracts.codec import encode
from contracts.rpc import Stored
from contracts.ticks import pack
from contracts.uplink import AccountFrame, Control
from data_bridge.domain.counts import Counts
from data_bridge.domain.effects import KeepState, Kept
from data_bridge.domain.figures import execution_fault, price_fault, state_fault
from data_bridge.domain.greeting import Identity
from data_bridge.domain.session import Session

NOT_PRICES = [math.nan, math.inf, -math.inf, 0.0, -0.0, -1.1]
STATE = AccountState(
    rig.TENANT, rig.ACCOUNT, 1, "s", "c", "USD", MarginMode.HEDGING, 1, Decimal(1), Decimal(1), Decimal(0), Decimal(1),
    Decimal(0), PriceSource.SIMULATED, True, True, "", (), (),
)  # fmt: skip
POSITION = Position(1, "EURUSD", Side.BUY, Decimal("0.1"), 1.1, 1.1, Decimal(0), Decimal(0), 1)


def session() -> Session:
    made = Session(Identity(rig.TENANT, rig.ACCOUNT, "t", 2**60), "s", Counts(), rig.EPOCH)
    made.receive(encode(Control(rig.hello_of())), rig.EPOCH)
    made.welcome(Stored(rig.TENANT, rig.ACCOUNT, ()), rig.EPOCH, rig.EPOCH)
    made.drain(rig.EPOCH)
    return made


@pytest.mark.parametrize("column", ["bid", "ask"])
@pytest.mark.parametrize("price", NOT_PRICES)
def test_a_batch_with_one_price_that_is_none_is_kept_out_whole(column: str, price: float) -> None:
    good = rig.ticks_of("EURUSD", 1, 3)
    assert price_fault(good) is None
    bad = msgspec.structs.replace(good, **{column: pack("d", [1.1, price, 1.1])})
    made = session()
    made.receive(encode(bad), rig.EPOCH)
    kept = [e for e in made.effects if isinstance(e, Kept)]
    assert [(k.code, k.frame) for k in kept] == [("bad_price", encode(bad))]
    assert made.next_message(rig.EPOCH) is None


@pytest.mark.parametrize("column", ["bid", "ask"])
@pytest.mark.parametrize("price", NOT_PRICES)
def test_a_single_tick_with_a_price_that_is_none_is_told_why(column: str, price: float) -> None:
    good = rig.ticks_of("EURUSD", 1, 1)
    assert price_fault(good) is None
    assert (price_fault(msgspec.structs.replace(good, **{column: pack("d", [price])})) or "").startswith(column)


@pytest.mark.parametrize(
    "change",
    [{"price": p} for p in (math.nan, math.inf, -1.0)]
    + [{"filled_volume": Decimal(v)} for v in ("NaN", "Infinity", "-1")]
    + [{"volume": Decimal("sNaN")}],
)
def test_an_execution_whose_figures_can_not_be_true_is_kept_out(change: dict[str, object]) -> None:
    made = session()
    bad = msgspec.structs.replace(rig.execution_of(1), **change)
    assert execution_fault(bad) is not None
    made.receive(encode(bad), rig.EPOCH)
    assert [e.code for e in made.effects if isinstance(e, Kept)]
    assert made.next_message(rig.EPOCH) is None
    assert execution_fault(rig.execution_of(1)) is None


@pytest.mark.parametrize(
    "change",
    [{"balance": Decimal("NaN")}, {"equity": Decimal("Infinity")}]
    + [
        {"positions": (msgspec.structs.replace(POSITION, **{n: p}),)}
        for n in ("price_open", "sl")
        for p in (math.nan, -1.0)
    ]
    + [{"positions": (msgspec.structs.replace(POSITION, volume=Decimal(0)),)}]
    + [{"positions": (msgspec.structs.replace(POSITION, profit=Decimal("NaN")),)}],
)
def test_a_picture_whose_figures_can_not_be_true_is_kept_out(change: dict[str, object]) -> None:
    assert state_fault(msgspec.structs.replace(STATE, positions=(POSITION,))) is None
    bad = msgspec.structs.replace(STATE, **change)
    assert state_fault(bad)
    made = session()
    made.receive(encode(AccountFrame(bad)), rig.EPOCH)
    assert not any(isinstance(e, KeepState) for e in made.effects)
