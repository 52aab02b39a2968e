"""Views of ticks and bars, and refusals on their way."""

from gateway_world import batch

from api_gateway.domain.refusals import RefusedError, too_many
from api_gateway.domain.views import bar_views, tick_views
from contracts.bars import Bar
from contracts.views import BarView, TickView


def test_ticks_keep_their_numbers_and_order() -> None:
    assert [(v.seq, v.bid) for v in tick_views(batch(5, (1.1, 1.2)))] == [(5, 1.1), (6, 1.2)]
    assert isinstance(tick_views(batch())[0], TickView)


def test_bars_are_shown_without_what_browsers_do_not_draw() -> None:
    assert bar_views((Bar(60_000, 1.0, 2.0, 0.5, 1.5, 9, 0.1),)) == (BarView(60_000, 1.0, 2.0, 0.5, 1.5, 9),)


def test_a_refusal_on_its_way_names_its_status_and_word() -> None:
    assert str(RefusedError(too_many("tries", 3))) == "429 too_many"
