"""How much may be on the way follows how late the store's answers are."""

from metatrader_connector.domain.pace import LEAST, PROMPT_MS, WIDER, Pace


class Way:
    """A link that carries so many ticks a second to a server `far_ms` away and back, whose store needs its time."""

    def __init__(self, ticks_per_s: float, far_ms: int = 2, store_ms: int = 50) -> None:
        self.pace, self.ticks_per_s, self.far_ms, self.store_ms = Pace(), ticks_per_s, far_ms, store_ms
        self.now = self.free = 1_000.0
        self.seq = 0

    def run(self, answers: int) -> None:
        """Keep the window full; each answer is for one window's worth."""
        for _ in range(answers):
            self.seq += self.pace.limit
            self.pace.sent("A", self.seq, int(self.now))
            limit, sent = self.pace.limit, self.now
            self.free = max(self.free, self.now) + limit / self.ticks_per_s * 1_000
            self.now = self.free + self.far_ms
            self.pace.reached(limit, int(self.now - sent))
            self.now += self.store_ms
            self.pace.stored("A", self.seq, int(self.now), full=True)


def test_a_fast_link_gets_everything_after_four_answers_of_a_slow_store() -> None:
    way = Way(ticks_per_s=1_000_000, store_ms=250)
    way.run(4)
    assert way.pace.limit == 400_000


def test_a_fast_link_to_a_far_server_gets_everything_within_a_dozen_answers() -> None:
    way = Way(ticks_per_s=1_000_000, far_ms=150)
    way.run(12)
    assert way.pace.limit == 400_000


def test_a_prompt_server_lets_as_much_more_go_as_is_good_for_the_link() -> None:
    pace = Pace()
    pace.sent("A", LEAST, 1_000)
    pace.reached(LEAST, PROMPT_MS)
    assert pace.limit == LEAST * WIDER


def test_once_something_was_late_only_the_store_opens_the_limit_again() -> None:
    pace = Pace()
    pace.reached(LEAST, PROMPT_MS + 1)
    pace.reached(LEAST, 1)
    assert pace.limit == LEAST


def test_a_question_that_was_answered_after_the_limit_had_grown_does_not_shrink_it() -> None:
    pace = Pace(limit=LEAST * 20)
    pace.reached(LEAST, 1)
    assert pace.limit == LEAST * 20


def test_on_a_narrow_link_no_more_than_two_seconds_of_ticks_are_on_the_way() -> None:
    way = Way(ticks_per_s=190, far_ms=50)  # 64 kbit/s
    for _ in range(50):
        way.run(1)
        assert way.pace.limit / way.ticks_per_s < 2.5


def test_a_far_link_is_not_taken_for_a_narrow_one() -> None:
    way = Way(ticks_per_s=100_000, far_ms=2_000)
    way.run(20)
    assert way.pace.limit > 30_000


def test_on_a_link_of_a_megabit_no_more_than_two_seconds_of_ticks_are_on_the_way() -> None:
    way = Way(ticks_per_s=3_000)
    for _ in range(50):
        way.run(1)
        assert way.pace.limit / way.ticks_per_s < 2.5


def test_a_link_that_becomes_narrow_is_noticed() -> None:
    way = Way(ticks_per_s=100_000)
    way.run(20)
    way.ticks_per_s = 5_000
    before = way.pace.limit
    way.run(6)
    assert way.pace.limit < before / 4


def test_what_was_sent_slower_than_it_might_says_nothing_about_the_link() -> None:
    pace = Pace()
    for n in range(1, 50):
        pace.sent("A", n, n * 100)
        pace.stored("A", n, n * 100 + 20, full=False)
    assert pace.limit == LEAST


def test_it_never_stops() -> None:
    pace = Pace()
    pace.sent("A", 1, 0)
    pace.stored("A", 1, 10, full=True)
    for n in range(2, 40):
        pace.sent("A", n, n * 10_000)
        pace.stored("A", n, n * 10_000 + 9_000, full=True)
    assert pace.limit == LEAST


def test_a_new_connection_begins_carefully() -> None:
    way = Way(ticks_per_s=1_000_000)
    way.run(12)
    way.pace.begin()
    assert way.pace.limit == LEAST
