"""Names of symbols at the terminal's edge, prices that stop, another account: what a trader is told, and when."""

import msgspec
import pytest
from desk_room import ACCOUNT, OPENED, SYMBOL, Room

from contracts.executions import ExecutionState as State
from metatrader_connector import limits_cli
from metatrader_connector.adapters.identity_file import FILE as ACCOUNT_FILE
from metatrader_connector.adapters.identity_file import IdentityFile
from metatrader_connector.adapters.named_terminal import FILE, NamedTerminal, answers_in
from metatrader_connector.domain.feed_watch import FeedWatch
from metatrader_connector.domain.hours import Hours
from metatrader_connector.domain.limits import Quote
from metatrader_connector.domain.terminal import (
    DealFacts,
    Findings,
    Listed,
    Picture,
    PositionFacts,
    RangeRead,
    Request,
    Sent,
    TerminalFacts,
    TickRead,
)

GOOD = TerminalFacts(True, True, False, 0)
REQUEST = Request("EURUSD", 0.1, 0, (0,), 10, 5, "ait-x", 0, 0.0, 0.0, 2**60, 2**62)


class Broker:
    """A terminal whose symbols have the broker's names."""

    opened, session, trouble = OPENED, 1, ""

    def __init__(self, *rows: Listed) -> None:
        self.rows = list(rows)
        self.lists = 0
        self.asked: list[object] = []

    async def ready(self):
        return OPENED

    async def picture(self, symbols):
        there = {row.name for row in self.rows}
        known = tuple(msgspec.structs.replace(SYMBOL, name=name) for name in symbols if name in there)
        held = PositionFacts(1, "EURUSD.pro", 0, 0.1, 1.1, 1.1, 0.0, 0.0, 0, 0, "", 0.0, 0.0, 1)
        return Picture(ACCOUNT, GOOD, (held,), known, tuple(name for name in symbols if name not in there))

    async def listed(self):
        self.lists += 1
        return tuple(self.rows)

    async def ticks(self, reads):
        self.asked += [read.symbol for read in reads]
        return (b"",) * len(reads)

    async def ticks_range(self, read):
        self.asked.append(read.symbol)
        return b""

    async def send(self, request):
        self.asked.append(request.symbol)
        deal = DealFacts(1, 1, 0, 0, 5, 1, 0.1, 1.1, request.symbol, "")
        return Sent(10009, 1, 1, 0.1, 1.1, "", 0, "", 1, 1, 1, (deal,))

    async def search(self, from_s, to_s):
        return Findings(True, (), (), (), (DealFacts(1, 1, 0, 0, 5, 1, 0.1, 1.1, "EURUSD.pro", ""),))


def row(name: str, base: str = "EUR", profit: str = "USD", mode: int = 4) -> Listed:
    return Listed(name, base, profit, mode)


async def test_D11_everything_goes_in_under_the_brokers_name_and_comes_out_under_ours(tmp_path) -> None:
    broker = Broker(row("EURUSD.pro"))
    terminal = NamedTerminal(broker, tmp_path / FILE)
    picture = await terminal.picture(("EURUSD",))
    assert ([s.name for s in picture.symbols], picture.positions[0].symbol) == (["EURUSD"], "EURUSD")
    await terminal.ticks((TickRead("EURUSD", 1, 1),))
    await terminal.ticks_range(RangeRead("EURUSD", 1, 2))
    sent = await terminal.send(REQUEST)
    assert broker.asked == ["EURUSD.pro"] * 3
    found = await terminal.search(1, 2)
    assert [sent.deals[0].symbol, found.deals[0].symbol] == ["EURUSD", "EURUSD"]


async def test_what_a_name_means_stays_after_a_restart_though_the_broker_adds_symbols(tmp_path) -> None:
    broker = Broker(row("EURUSD.pro"))
    await NamedTerminal(broker, tmp_path / FILE).picture(("EURUSD",))
    broker.rows.append(row("EURUSD.ecn"))
    again = NamedTerminal(broker, tmp_path / FILE)
    await again.picture(("EURUSD",))
    await again.ticks((TickRead("EURUSD", 1, 1),))
    assert (broker.asked, broker.lists, answers_in(tmp_path / FILE)) == (["EURUSD.pro"], 1, {"EURUSD": "EURUSD.pro"})


async def test_an_unclear_name_is_asked_and_answered_on_this_pc_without_a_restart(tmp_path) -> None:
    broker = Broker(row("EURUSD.pro"), row("EURUSD.ecn"))
    terminal = NamedTerminal(broker, tmp_path / FILE)
    assert (await terminal.picture(("EURUSD",))).unknown == ("EURUSD",)
    await terminal.picture(("EURUSD",))
    assert (broker.lists, terminal.questions[0].candidates) == (1, ("EURUSD.pro", "EURUSD.ecn"))
    assert limits_cli.main(["symbol", "EURUSD=EURUSD.ecn", "--data", str(tmp_path)]) == 0
    picture = await terminal.picture(("EURUSD",))
    assert ([s.name for s in picture.symbols], terminal.questions) == (["EURUSD"], ())
    assert limits_cli.main(["symbol", "EURUSD", "--data", str(tmp_path)]) == 1


@pytest.fixture
def room(tmp_path):
    made = Room(tmp_path)
    yield made
    made.journal.close()


def listening(room, alarms: list) -> None:
    room.watch.feed = FeedWatch("utc", 60_000)
    room.watch.alarm = lambda kind, words: alarms.append((kind, bool(words)))


async def test_D13_when_all_prices_stop_in_open_hours_trading_stops_with_an_alarm_and_goes_on_by_itself(room) -> None:
    alarms: list[tuple[str, bool]] = []
    listening(room, alarms)
    await room.watch.look(OPENED)
    room.clock.advance(60_000)
    room.server_ahead(0)
    await room.watch.look(OPENED)
    assert "any symbol" in room.watch.blocked()
    assert "any symbol" in room.line.states[-1].trade_blocked_because
    room.quotes["EURUSD"] = Quote(1.0999, 1.1, room.clock.now_ms())
    room.watch.feed.heard("EURUSD", room.clock.now_ms())
    assert (await room.give(room.signal())).state is State.FILLED
    assert alarms == [("feed_stale", True), ("feed_stale", False)]


async def test_silence_counts_from_when_the_terminal_was_opened_and_anew_after_each_opening(room) -> None:
    alarms: list[tuple[str, bool]] = []
    listening(room, alarms)
    await room.watch.look(OPENED)
    room.clock.advance(59_999)
    await room.watch.look(OPENED)
    room.clock.advance(600_000)
    room.terminal.session = 2
    await room.watch.look(OPENED)
    assert (alarms, room.watch.silent) == ([], "")


async def test_a_market_that_is_closed_by_its_known_sessions_opens_nothing(room) -> None:
    listening(room, [])
    assert (await room.give(room.signal())).state is State.FILLED
    room.watch.feed.sessions["EURUSD"] = Hours()
    report = await room.give(room.signal())
    assert (report.state, "closed at this hour" in report.reason) == (State.REFUSED, True)


@pytest.mark.parametrize(
    "change",
    [{"server": "Broker-Live"}, {"margin_mode": 0}, {"trade_mode": 2}],
    ids=["server", "netting", "real money"],
)
async def test_D14_another_account_trades_nothing_until_a_person_agrees(room, tmp_path, change) -> None:
    room.watch.identity = IdentityFile(tmp_path / ACCOUNT_FILE)
    assert (await room.give(room.signal())).state is State.FILLED
    room.terminal.account = msgspec.structs.replace(ACCOUNT, **change)
    report = await room.give(room.signal())
    assert (report.state, "another account" in report.reason) == (State.REFUSED, True)
    room.watch.identity = IdentityFile(tmp_path / ACCOUNT_FILE)
    assert (await room.give(room.signal())).state is State.REFUSED
    assert limits_cli.main(["account", "--yes", "--data", str(tmp_path)]) == 0
    assert (await room.give(room.signal())).state is State.FILLED


async def test_every_cause_is_told_at_once(room) -> None:
    room.terminal.facts = TerminalFacts(True, False, True, 0)
    room.terminal.account = msgspec.structs.replace(ACCOUNT, trade_allowed=False)
    report = await room.give(room.signal())
    assert all(words in report.reason for words in ("Python", "AutoTrading button", "investor password"))
