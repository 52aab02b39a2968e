"""What becomes of an order: every answer, every loss, every search; never two, never forgotten."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from contracts.accounts import Side
from contracts.executions import ExecutionState as State
from contracts.signals import Signal, magic_of, short_id
from metatrader_connector.domain.executor import (
    Entry,
    Outcome,
    Trace,
    answered,
    execution,
    looked,
    lots,
    request_of,
    trace,
)
from metatrader_connector.domain.filling import fillings
from metatrader_connector.domain.retcodes import SENTENCES, Meaning, meaning, sentence
from metatrader_connector.domain.terminal import DealFacts, Findings, OrderFacts, PositionFacts, Sent, SymbolFacts

NOW = 1_700_000_000_000
SYMBOL = SymbolFacts("EURUSD", "", 5, 1e-5, 1e5, 0.01, 100.0, 0.01, "EUR", "USD", 0, 3, 2, 4)


def signal(number: int = 1, **change: object) -> Signal:
    identity = f"{number:032x}"[::-1]
    base = Signal(
        identity, f"o{number}", "default", "1", "s", number, NOW, NOW + 4000, "EURUSD", Side.BUY, Decimal("0.10"), 0,
        0.0, 10, magic_of(identity), short_id(identity), correlation_id="c",
    )  # fmt: skip
    return msgspec.structs.replace(base, **change)


def entry(**change: object) -> Entry:
    return Entry(signal(**change), State.UNKNOWN, NOW, NOW, NOW)


def sent(retcode: int = 10009, **change: object) -> Sent:
    base = Sent(retcode, 7, 9, 0.1, 1.1, "", 0, "", NOW, 1, NOW, ())
    return msgspec.structs.replace(base, **change)


def deal(one: Signal, **change: object) -> DealFacts:
    side = 0 if one.side is Side.BUY else 1
    base = DealFacts(7, 9, NOW, side, one.magic, 9, float(one.volume), 1.1, one.symbol, one.comment)
    return msgspec.structs.replace(base, **change)


def findings(*deals: DealFacts, connected: bool = True, positions=(), orders=(), history=()) -> Findings:
    return Findings(connected, tuple(positions), tuple(orders), tuple(history), deals)


@pytest.mark.parametrize(
    ("mask", "exemode", "mode"),
    [(1, 2, (0,)), (2, 2, (1,)), (3, 2, (0, 1)), (0, 0, (0, 1, 2)), (2, 1, (1, 0, 2)), (0, 3, (2,)), (2, 3, (1, 2))],
)
def test_the_filling_modes_follow_mask_and_execution_mode_and_the_others_come_last(mask, exemode, mode) -> None:
    found = fillings(msgspec.structs.replace(SYMBOL, filling_mode=mask, trade_exemode=exemode))
    assert found[: len(mode)] == mode
    assert sorted(found) == [0, 1, 2]


def test_the_mode_that_worked_last_is_tried_first() -> None:
    assert fillings(SYMBOL, worked=2) == (2, 0, 1)


def test_a_close_is_the_opposite_side_on_the_positions_ticket() -> None:
    request = request_of(signal(side=Side.SELL, position=77), SYMBOL, 2**62)
    assert (request.type, request.position, request.fillings[0]) == (1, 77, 0)
    assert isinstance(request.volume, float)
    assert isinstance(request.sl, float)


def test_done_is_filled_with_ticket_deal_price_and_position() -> None:
    outcome = answered(entry(), sent(deals=(deal(signal(), position_id=55),)))
    assert (outcome.state, outcome.code, outcome.ticket, outcome.deal) == (State.FILLED, "done", 9, 7)
    assert (outcome.price, outcome.position, outcome.filled) == (1.1, 55, Decimal("0.1"))


def test_a_missing_price_is_taken_from_the_deals() -> None:
    deals = (deal(signal(), volume=0.04, price=1.0), deal(signal(), volume=0.06, price=2.0))
    assert answered(entry(), sent(price=0.0, deals=deals)).price == pytest.approx(1.6)


def test_a_position_that_nobody_names_is_the_order_on_hedging_and_unknown_on_netting() -> None:
    assert answered(entry(), sent()).position == 9
    assert answered(msgspec.structs.replace(entry(), hedging=False), sent()).position == 0


@pytest.mark.parametrize("answer", [sent(10010, volume=0.04), sent(10009, volume=0.04)])
def test_less_than_asked_is_partially_filled(answer) -> None:
    outcome = answered(entry(), answer)
    assert (outcome.state, outcome.filled) == (State.PARTIALLY_FILLED, Decimal("0.04"))


def test_a_part_whose_rest_stays_at_the_broker_is_unknown_until_the_search_knows_the_whole() -> None:
    outcome = answered(entry(), sent(10010, volume=0.04), rest_stays=True)
    assert (outcome.state, outcome.code, outcome.filled) == (State.UNKNOWN, "partial", Decimal("0.04"))
    assert answered(entry(), sent(10009), rest_stays=True).state is State.FILLED


@pytest.mark.parametrize("retcode", sorted(SENTENCES))
def test_a_refusal_of_the_broker_is_rejected_with_its_code_and_a_sentence(retcode) -> None:
    outcome = answered(entry(), sent(retcode))
    assert (outcome.state, outcome.code, outcome.retcode) == (State.REJECTED, f"retcode_{retcode}", retcode)
    assert str(retcode) in outcome.reason


@pytest.mark.parametrize("retcode", [10008, 10011, 10012, 10031, 10028, 10099])
def test_an_answer_that_proves_nothing_is_unknown(retcode) -> None:
    assert answered(entry(), sent(retcode)).state is State.UNKNOWN


@pytest.mark.parametrize("error", [-10001, -10002, -10000, -1, 1])
def test_no_result_is_unknown_when_the_request_may_have_left(error) -> None:
    assert answered(entry(), sent(0, error=error)).state is State.UNKNOWN


@pytest.mark.parametrize("error", [-2, -4, -8, -10004])
def test_no_result_is_a_refusal_when_the_package_says_that_nothing_left(error) -> None:
    assert answered(entry(), sent(0, error=error, text="x")).state is State.REJECTED
    assert meaning(0, error) is Meaning.REFUSED


def test_an_unknown_code_still_makes_a_sentence() -> None:
    assert "10099" in sentence(10099, 0, "")


def test_an_order_is_found_by_its_magic_even_with_a_cut_comment() -> None:
    outcome = looked(entry(), findings(deal(signal(), comment="ait-")), NOW, NOW, 1)[1]
    assert (outcome.state, outcome.code, outcome.ticket, outcome.position) == (State.FILLED, "found", 9, 9)


def test_an_order_is_found_by_its_comment_when_the_magic_is_gone() -> None:
    one = signal()
    assert trace(entry(), findings(deal(one, magic=0)), NOW)[0] is Trace.FOUND
    assert trace(entry(), findings(deal(one, magic=0, comment=one.comment[:18])), NOW)[0] is Trace.FOUND


def test_several_deals_of_one_order_add_up() -> None:
    one = signal()
    found = findings(deal(one, volume=0.04, price=1.0), deal(one, ticket=8, volume=0.03, price=2.0))
    outcome = looked(entry(), found, NOW, NOW, 1)[1]
    assert (outcome.state, outcome.filled) == (State.PARTIALLY_FILLED, Decimal("0.07"))


def test_an_order_that_works_at_the_broker_is_neither_found_nor_absent() -> None:
    one = signal()
    order = OrderFacts(9, 0, 1, one.magic, 0.1, "EURUSD", one.comment, NOW)
    assert trace(entry(), findings(orders=[order]), NOW)[0] is Trace.WORKING
    after, outcome = looked(entry(), findings(orders=[order]), NOW, NOW + 99_999, 1)
    assert (after.absent_reads, outcome) == (0, None)
    unmarked = deal(one, magic=0, comment="")
    assert trace(entry(), findings(unmarked, history=[order]), NOW)[0] is Trace.FOUND


def test_a_part_is_not_the_whole_story_while_the_rest_still_works() -> None:
    one = signal()
    order = OrderFacts(9, 0, 3, one.magic, 0.06, "EURUSD", one.comment, NOW)
    part = deal(one, volume=0.04)
    assert looked(entry(), findings(part, orders=[order]), NOW, NOW, 1)[1] is None
    assert looked(entry(), findings(part, history=[order]), NOW, NOW, 1)[1].state is State.PARTIALLY_FILLED
    whole = deal(one, ticket=8, volume=0.06)
    assert looked(entry(), findings(part, whole, orders=[order]), NOW, NOW, 1)[1].state is State.FILLED


@pytest.mark.parametrize("state", [2, 5, 6])
def test_an_order_that_ended_at_the_broker_without_a_deal_does_not_stay_unknown(state) -> None:
    one = signal()
    ended = OrderFacts(9, 0, state, one.magic, 0.1, "EURUSD", one.comment, NOW)
    first, nothing = looked(entry(), findings(history=[ended]), NOW, NOW + 50, 10)
    assert (first.absent_reads, nothing) == (1, None)  # its deal may still be on the way into the history
    outcome = looked(first, findings(history=[ended]), NOW, NOW + 60, 10)[1]
    assert (outcome.state, outcome.code, outcome.ticket) == (State.REJECTED, "not_filled", 9)
    place = PositionFacts(9, "EURUSD", 0, 0.04, 1.1, 1.1, 0.0, 0.0, NOW, one.magic, "", 0.0, 0.0, 9)
    assert trace(entry(), findings(history=[ended], positions=[place]), NOW)[0] is Trace.WORKING


def test_a_position_without_its_deal_yet_is_not_absent() -> None:
    one = signal()
    place = PositionFacts(9, "EURUSD", 0, 0.1, 1.1, 1.1, 0.0, 0.0, NOW, one.magic, "", 0.0, 0.0, 9)
    assert trace(entry(), findings(positions=[place]), NOW)[0] is Trace.WORKING


def test_a_deal_stripped_of_its_marks_is_never_guessed_about() -> None:
    stripped = deal(signal(), magic=0, comment="")
    assert trace(entry(), findings(stripped), NOW)[0] is Trace.SUSPECT
    assert looked(entry(), findings(stripped), NOW, NOW + 99_999, 1)[1] is None
    assert trace(entry(), findings(deal(signal(), magic=0, comment="", time_msc=NOW - 60_000)), NOW)[0] is Trace.ABSENT
    assert trace(entry(), findings(deal(signal(2))), NOW)[0] is Trace.ABSENT


def test_absent_needs_time_a_connection_and_two_reads_in_a_row() -> None:
    one = entry()
    assert looked(one, findings(), NOW, NOW + 5, 10) == (one, None)
    assert looked(one, findings(connected=False), NOW, NOW + 50, 10) == (one, None)
    first, nothing = looked(one, findings(), NOW, NOW + 50, 10)
    assert (first.absent_reads, nothing) == (1, None)
    assert looked(first, findings(connected=False), NOW, NOW + 60, 10)[0].absent_reads == 0
    assert looked(first, findings(), NOW, NOW + 60, 10)[1].state is State.NOT_SENT


def test_the_report_carries_the_signals_names_and_every_stamp() -> None:
    report = execution(entry(position=5), Outcome(State.FILLED, "done", ""), 3, 42)
    assert (report.epoch, report.order_id, report.position, report.tick_time_msc) == (3, "o1", 5, 42)
    assert (report.received_ms, report.journaled_ms, report.correlation_id) == (NOW, NOW, "c")


def test_lots_are_decimals_without_binary_dust() -> None:
    assert [str(lots(v)) for v in (0.1 + 0.2, 10.0, 0.0, 1.005)] == ["0.3", "10", "0", "1.005"]


class Life(RuleBasedStateMachine):
    """One connector and its broker: answers get lost, processes die anywhere, requests arrive late."""

    ARRIVES_WITHIN_MS, PATIENCE_MS = 3_000, 4_000

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.journal: dict[str, Entry] = {}
        self.reports: dict[str, list[Outcome]] = {}
        self.on_the_way: list[tuple[int, Signal]] = []
        """ (arrival, signal): left the terminal, not yet executed """
        self.deals: list[DealFacts] = []
        self.sends: dict[str, int] = {}
        self.connected = True

    def _arrive(self) -> None:
        for item in [i for i in self.on_the_way if i[0] <= self.now]:
            self.on_the_way.remove(item)
            number = len(self.deals) + 1
            self.deals.append(deal(item[1], ticket=number, order=number + 100, time_msc=self.now))

    def _finish(self, one: Entry, outcome: Outcome) -> None:
        self.journal[one.signal.id] = msgspec.structs.replace(one, state=outcome.state, sending=False)
        self.reports.setdefault(one.signal.id, []).append(outcome)

    @rule(
        fate=st.sampled_from(["done", "lost_reply", "lost_request", "late", "rejected", "die_before", "die_after"]),
        delay=st.integers(0, ARRIVES_WITHIN_MS),
    )
    def a_signal_comes(self, fate: str, delay: int) -> None:
        one = Entry(signal(len(self.journal) + 1), State.UNKNOWN, self.now, self.now, self.now)
        self.journal[one.signal.id] = one  # the intent, before anything is sent
        if fate == "die_before":
            return
        self.sends[one.signal.id] = self.sends.get(one.signal.id, 0) + 1
        if fate not in ("lost_request", "rejected"):
            self.on_the_way.append((self.now + (delay if fate == "late" else 0), one.signal))
            self._arrive()
        if fate == "die_after":
            return
        answers = {"done": sent(10009), "rejected": sent(10019)}
        self._finish(one, answered(one, answers.get(fate, sent(0, error=-10002))))

    @rule(ms=st.integers(1, 6_000))
    def time_passes(self, ms: int) -> None:
        self.now += ms
        self._arrive()

    @rule(up=st.booleans())
    def the_broker_link(self, up: bool) -> None:
        self.connected = up

    @rule()
    def the_connector_starts_again(self) -> None:
        self.journal = {
            name: msgspec.structs.replace(msgspec.msgpack.decode(msgspec.msgpack.encode(e), type=Entry), absent_reads=0)
            for name, e in self.journal.items()
        }

    @rule(name=st.integers(1, 9))
    def a_signal_is_delivered_again(self, name: int) -> None:
        known = self.journal.get(signal(name).id)
        if known is not None and known.state is not State.UNKNOWN:
            assert self.reports[known.signal.id][-1].state is known.state

    @rule()
    def the_books_are_searched(self) -> None:
        seen = findings(*(self.deals if self.connected else ()), connected=self.connected)
        for name, one in list(self.journal.items()):
            if one.sending or one.state is State.UNKNOWN:
                after, outcome = looked(one, seen, one.journaled_ms, self.now, self.PATIENCE_MS)
                self.journal[name] = after
                if outcome is not None:
                    self._finish(after, outcome)

    @invariant()
    def no_order_is_sent_or_executed_twice(self) -> None:
        assert all(count == 1 for count in self.sends.values())
        magics = [d.magic for d in self.deals]
        assert len(magics) == len(set(magics))

    @invariant()
    def what_was_reported_is_true(self) -> None:
        executed = {d.magic for d in self.deals} | {s.magic for _, s in self.on_the_way}
        for one in self.journal.values():
            if one.state is State.FILLED:
                assert one.signal.magic in executed
            if one.state in (State.NOT_SENT, State.REJECTED):
                assert one.signal.magic not in executed

    def teardown(self) -> None:
        """In the end nothing stays unknown: with a connection and time every order finds its final state."""
        self.connected = True
        for _ in range(3):
            self.now += self.PATIENCE_MS
            self._arrive()
            self.the_books_are_searched()
        assert all(one.state is not State.UNKNOWN for one in self.journal.values())
        self.what_was_reported_is_true()


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
