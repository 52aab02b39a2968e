"""Facts about the codec, the frames of the uplink, and frames saved from past versions."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from contracts import rpc, uplink, views
from contracts.accounts import Side
from contracts.codec import decode, encode
from contracts.errors import ContractError
from contracts.executions import Execution, ExecutionState
from contracts.signals import SIGNING_CONTEXT, Signal, magic_of, short_id, signal_bytes
from contracts.ticks import TickBatch, pack

SAVED = Path(__file__).parent / "frames_v1.json"

SIGNAL = Signal(
    "0123456789abcdef0123456789abcdef", "f" * 32, "default", "1000001", "ma_cross", 1, 1_700_000_000_000,
    1_700_000_005_000, "EURUSD", Side.BUY, Decimal("0.10"), 0, 1.1, 20,
    magic_of("0123456789abcdef0123456789abcdef"), short_id("0123456789abcdef0123456789abcdef"),
)  # fmt: skip
EXECUTION = Execution(
    "default", "1000001", 7, 1, SIGNAL.id, SIGNAL.order_id, ExecutionState.FILLED, "done", "", "EURUSD", Side.BUY,
    Decimal("0.10"), Decimal("0.10"), 1.1, 10009, 5, 6, 5, 1, 2, 3, 4, 5,
)  # fmt: skip
TICKS = TickBatch(
    "default", "1000001", "EURUSD", 7, 1, 1, pack("q", [1]), pack("q", [2]), pack("d", [1.1]), pack("d", [1.2]),
    pack("I", [6]), pack("B", [0]),
)  # fmt: skip
FRAMES: dict[str, object] = {
    "signal": SIGNAL,
    "execution": EXECUTION,
    "ticks": TICKS,
    "hello": uplink.Control(uplink.Hello(1, "default", "1000001", 7, "0.1.0", 1)),
    "ack": uplink.Control(uplink.Ack((uplink.StreamPosition("EURUSD", 7, 1),), 1)),
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames_saved_from_version_1_are_still_understood(name: str) -> None:
    saved = bytes.fromhex(json.loads(SAVED.read_text())[name])
    assert decode(saved, type(FRAMES[name])) == FRAMES[name]


@pytest.mark.parametrize("name", ["ticks", "execution", "hello"])
def test_a_frame_going_up_is_told_apart_from_the_others(name: str) -> None:
    assert decode(encode(FRAMES[name]), uplink.UpFrame) == FRAMES[name]


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", b"not msgpack", b"\x91" * 100_000, encode({"a": 1}), encode(TICKS)[:-3]]
)
def test_bytes_that_are_no_frame_are_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(ContractError, match="bytes are not a"):
        decode(data, uplink.UpFrame)


def test_the_same_signal_always_has_the_same_bytes() -> None:
    assert signal_bytes(SIGNAL) == signal_bytes(decode(signal_bytes(SIGNAL), Signal))
    assert SIGNING_CONTEXT.endswith(b"\x00")


def test_the_short_id_fits_the_terminal_and_the_magic_its_signed_field() -> None:
    assert len(short_id(SIGNAL.id)) <= 29
    assert 0 < magic_of("f" * 32) < 2**62


def test_money_crosses_json_as_text() -> None:
    import msgspec

    order = views.OrderRequest("1", "EURUSD", Side.BUY, Decimal("0.10"))
    assert json.loads(msgspec.json.encode(order))["volume"] == "0.10"


def test_every_method_has_its_own_name() -> None:
    methods = [value for value in vars(rpc).values() if isinstance(value, rpc.Method)]
    names = [(method.service, method.name) for method in methods]
    assert len(names) == len(set(names)) > 10
