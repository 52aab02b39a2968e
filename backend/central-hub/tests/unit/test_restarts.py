"""When a program is started again."""

from central_hub.domain.restarts import LIMIT_MS, RESET_AFTER_MS, Restarts


def test_delays_double_from_a_fifth_of_a_second_to_half_a_minute() -> None:
    restarts = Restarts()
    assert [restarts.fell(0) for _ in range(10)] == [200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, LIMIT_MS]
    assert restarts.count == 10


def test_a_minute_of_health_makes_the_next_fall_a_first_one() -> None:
    restarts = Restarts()
    for _ in range(5):
        restarts.fell(0)
    restarts.ready(1_000)
    restarts.ready(50_000)
    assert restarts.fell(1_000 + RESET_AFTER_MS) == 200


def test_less_than_a_minute_of_health_does_not() -> None:
    restarts = Restarts()
    restarts.fell(0)
    restarts.ready(1_000)
    assert restarts.fell(1_000 + RESET_AFTER_MS - 1) == 400


def test_health_is_counted_from_the_last_time_it_was_unready() -> None:
    restarts = Restarts()
    restarts.fell(0)
    restarts.ready(0)
    restarts.unready()
    restarts.ready(RESET_AFTER_MS)
    assert restarts.fell(RESET_AFTER_MS + 1) == 400
