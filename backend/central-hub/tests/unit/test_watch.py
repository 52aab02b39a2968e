"""Which process must be ended, and why."""

from central_hub.domain.watch import (
    FIRST_ANSWER_LIMIT_MS,
    FIRST_READY_LIMIT_MS,
    SILENCE_LIMIT_MS,
    UNREADY_LIMIT_MS,
    Probe,
    Watch,
)

READY, LIVE, SILENT = Probe(True, True), Probe(True, False), Probe(False, False)


def test_a_ready_program_is_left_alone() -> None:
    watch = Watch(0)
    assert watch.observe(READY, True, 10) is None
    assert (watch.ready, watch.was_ready) == (True, True)


def test_a_program_that_never_answers_is_ended_after_a_minute() -> None:
    watch = Watch(0)
    assert watch.observe(SILENT, True, FIRST_ANSWER_LIMIT_MS - 1) is None
    assert "within 60 s of its start" in (watch.observe(SILENT, True, FIRST_ANSWER_LIMIT_MS) or "")


def test_a_program_that_stops_answering_is_ended() -> None:
    watch = Watch(0)
    watch.observe(READY, True, 1_000)
    assert watch.observe(SILENT, True, 1_000 + SILENCE_LIMIT_MS - 1) is None
    assert "not answered for 10 s" in (watch.observe(SILENT, True, 1_000 + SILENCE_LIMIT_MS) or "")


def test_a_failed_probe_does_not_count_as_an_answer() -> None:
    watch = Watch(0)
    watch.observe(READY, True, 1_000)
    for now in range(2_000, 1_000 + SILENCE_LIMIT_MS, 1_000):
        assert watch.observe(SILENT, True, now) is None
    assert watch.observe(SILENT, True, 1_000 + SILENCE_LIMIT_MS)


def test_a_program_that_lost_its_readiness_for_no_reason_is_ended() -> None:
    watch = Watch(0)
    watch.observe(READY, True, 1_000)
    assert watch.observe(LIVE, True, 1_000 + UNREADY_LIMIT_MS - 1) is None
    assert "not ready for 30 s" in (watch.observe(LIVE, True, 1_000 + UNREADY_LIMIT_MS) or "")


def test_a_program_whose_needs_are_not_ready_is_not_to_blame() -> None:
    watch = Watch(0)
    watch.observe(READY, True, 1_000)
    assert watch.observe(LIVE, False, 500_000) is None
    assert watch.observe(LIVE, True, 500_000 + UNREADY_LIMIT_MS - 1) is None
    assert watch.observe(LIVE, True, 500_000 + UNREADY_LIMIT_MS)


def test_the_first_readiness_may_take_longer() -> None:
    watch = Watch(0)
    assert watch.observe(LIVE, True, FIRST_READY_LIMIT_MS - 1) is None
    assert watch.observe(LIVE, True, FIRST_READY_LIMIT_MS)


def test_an_engine_may_recover_as_long_as_it_answers() -> None:
    watch = Watch(0, may_be_unready=True)
    assert watch.observe(LIVE, True, 10 * FIRST_READY_LIMIT_MS) is None
