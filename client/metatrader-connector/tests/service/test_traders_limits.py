"""The trader's own limits: confirmed on this PC, beside `order_send`, out of every server's reach."""

import contextlib
import json
from decimal import Decimal
from types import SimpleNamespace
from typing import get_args

import msgspec
import pytest
from desk_room import Room

from client_security.adapters.papers import Papers
from client_security.vaults import vault_in
from contracts.accounts import Side
from contracts.executions import ExecutionState as State
from contracts.rotation import SignedKeyList
from contracts.signals import SignedSignal
from contracts.uplink import Ack, Control, DownFrame, Goodbye, Hello, Ping, Pong, Refused, Rewind, Welcome
from kit.signing import sign
from kit.testing import FakeClock
from metatrader_connector import limits_cli
from metatrader_connector.adapters.limits_file import LimitsFile, document_of
from metatrader_connector.adapters.uplink import Uplink
from metatrader_connector.domain.limits import Limits, Quote, changed_by
from metatrader_connector.domain.terminal import PositionFacts
from metatrader_connector.ports import LimitsUnreadable
from metatrader_connector.routes import ServerSide

WIDE = document_of(Limits(max_volume_per_order=Decimal(50), max_volume_total=Decimal(90))).decode()


@pytest.fixture
def room(tmp_path):
    made = Room(tmp_path)
    yield made
    made.journal.close()


def test_the_first_start_makes_safe_limits_that_count_at_once(room) -> None:
    assert room.limits() == Limits()
    assert (room.limits_path.stat().st_mode & 0o777, room.vault.document) == (0o600, room.limits_path.read_bytes())


async def test_limits_changed_by_another_program_stop_trading_until_the_trader_confirms(room) -> None:
    room.limits_path.write_text(WIDE)
    report = await room.give(room.signal(volume=Decimal(40)))
    assert (report.state, report.code, room.terminal.requests) == (State.REFUSED, "trading_not_allowed", [])
    assert "max_volume_per_order 1.00 → 50" in report.reason
    assert "aitrading-client limits confirm" in report.reason
    room.vault.confirm_limits(WIDE.encode())
    room.clock.advance(1_000)
    assert (await room.give(room.signal(volume=Decimal(40)))).state is State.FILLED


async def test_putting_the_old_file_back_is_enough(room) -> None:
    before = room.limits_path.read_text()
    room.limits_path.write_text(WIDE)
    with pytest.raises(LimitsUnreadable):
        room.limits()
    room.limits_path.write_text(before)
    assert room.limits() == Limits()


def test_a_file_that_was_removed_comes_back_as_it_was_confirmed(room) -> None:
    room.limit(json.dumps({"max_volume_per_order": "0.1"}))
    room.limits_path.unlink()
    with pytest.raises(LimitsUnreadable):
        room.limits()
    again = LimitsFile(room.limits_path, room.vault, room.clock)
    assert again().max_volume_per_order == Decimal("0.1")


def test_a_file_that_lies_there_before_the_first_start_is_the_traders(tmp_path) -> None:
    (tmp_path / "limits.json").write_text(WIDE)
    made = Room(tmp_path)
    assert made.limits().max_volume_per_order == Decimal(50)
    made.journal.close()


FRAMES = {
    Hello: Hello(1, "default", "1000001", 7, "1", 1),
    Welcome: Welcome((), 0, 1, "s"),
    Ack: Ack((), 1),
    Rewind: Rewind("EURUSD", 7, 1, "because"),
    Refused: Refused("code", "reason"),
    Goodbye: Goodbye("code", "reason", True),
    Ping: Ping(1),
    Pong: Pong(1, 1, 9),
    SignedKeyList: SignedKeyList(b'{"max_volume_per_order":"50"}', b"x" * 64),
}


def test_every_message_a_server_can_send_is_looked_at_here() -> None:
    bodies = Control.__annotations__["body"]
    assert set(get_args(bodies)) == set(FRAMES), "a new message from the server: can it change the trader's limits?"
    assert set(get_args(DownFrame)) == {SignedSignal, Control}


@pytest.mark.parametrize("kind", [*FRAMES, SignedSignal], ids=lambda kind: kind.__name__)
async def test_no_message_of_the_server_changes_the_traders_limits(room, kind) -> None:
    before = (room.limits_path.read_bytes(), room.vault.document, room.limits())
    signal = room.signal(volume=Decimal(40), comment="limits.json", side=Side.BUY)
    frame = sign(signal, room.key) if kind is SignedSignal else Control(FRAMES[kind])
    line = Uplink(room.watch.enrolment, lambda: 7, "1", FakeClock())
    spool = SimpleNamespace(epoch=8)
    line._peer = ServerSide(
        spool, room.journal, _Nothing(), room.desk, room.line, room.clock, room.lease, room.server_clock, _Nothing()
    )
    with contextlib.suppress(OSError):  # a goodbye ends the connection
        await line._heard(frame)
    if kind is SignedSignal:
        assert (await room.give(room.signal(volume=Decimal(40)))).code == "volume_above_limit"
    assert (room.limits_path.read_bytes(), room.vault.document, room.limits()) == before


class _Nothing:
    def __getattr__(self, name: str) -> object:
        return lambda *_: None


def test_limits_are_written_as_a_person_writes_them() -> None:
    wishes = {"symbols": "EURUSD, XAUUSD", "max_volume_per_order": "0.5", "orders_per_minute": "5"}
    changed = changed_by(Limits(), wishes)
    assert (changed.symbols, changed.max_volume_per_order) == (("EURUSD", "XAUUSD"), Decimal("0.5"))
    for wrong in ({"max_volume": "1"}, {"max_volume_per_order": "-1"}, {"orders_per_minute": "many"}):
        with pytest.raises(ValueError, match="limit"):
            changed_by(Limits(), wrong)


def test_the_command_shows_sets_and_confirms(tmp_path, capsys) -> None:
    vault = vault_in(tmp_path)
    vault.create("file", {})
    papers = Papers(vault)
    limits = LimitsFile(tmp_path / "limits.json", papers, clock := FakeClock())
    where = ("--data", str(tmp_path))
    assert limits_cli.main(["set", "max_volume_per_order=0.2", *where]) == 0
    assert "1.00 → 0.2" in capsys.readouterr().out
    assert limits().max_volume_per_order == Decimal("0.2")
    (tmp_path / "limits.json").write_text(WIDE)
    with pytest.raises(LimitsUnreadable):
        limits()
    assert limits_cli.main(["show", *where]) == 0
    assert "does not count: max_volume_per_order 0.2 → 50" in capsys.readouterr().out
    assert limits_cli.main(["confirm", "--yes", *where]) == 0
    clock.advance(1_000)
    assert limits().max_volume_per_order == Decimal(50)
    assert limits_cli.main(["set", "nonsense=1", *where]) == 1
    assert msgspec.json.decode((tmp_path / "limits.json").read_bytes(), type=Limits) == limits()


def _open(room, volume: float, kind: int = 0, symbol: str = "EURUSD") -> None:
    room.terminal.positions = (PositionFacts(5, symbol, kind, volume, 1.1, 1.1, 0.0, 0.0, 1, 1, "", 0.0, 0.0, 5),)


@pytest.mark.parametrize(
    ("volume", "kind", "symbol"), [(0.0, 0, "EURUSD"), (4.9, 0, "EURUSD"), (5.0, 1, "EURUSD"), (5.0, 0, "XAUUSD")]
)
async def test_an_order_that_only_says_it_closes_is_refused(room, volume, kind, symbol) -> None:
    if volume:
        _open(room, volume, kind, symbol)
    report = await room.give(room.signal(position=5, side=Side.SELL, volume=Decimal(5)))
    assert (report.state, report.code, room.terminal.requests) == (State.REFUSED, "not_a_close", [])


async def test_a_true_close_is_free_of_the_limits_and_goes_out_once_per_lot(room) -> None:
    _open(room, 5.0)
    room.terminal.price, room.quotes["EURUSD"] = 1.1, Quote(1.1, 1.1001, room.clock.now_ms())
    assert (await room.give(room.signal(position=5, side=Side.SELL, volume=Decimal(3)))).state is State.FILLED
    # the picture that the desk has was taken before that answer
    again = sign(room.signal(position=5, side=Side.SELL, volume=Decimal(3)), room.key)
    await room.desk.judge(again, room.clock.now_ms(), 0)
    assert (room.line.sent[-1].code, len(room.terminal.requests)) == ("not_a_close", 1)
    _open(room, 2.0)
    room.clock.advance(1)
    assert (await room.give(room.signal(position=5, side=Side.SELL, volume=Decimal(2)))).state is State.FILLED
