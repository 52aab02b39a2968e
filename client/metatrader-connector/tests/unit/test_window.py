"""The window keeps order, limits what is on the way, and never sends what the spool has forgotten."""

from metatrader_connector.domain.window import Window


def test_a_spooled_batch_goes_out_at_once_only_when_it_is_next_and_fits() -> None:
    window = Window(limit=10)
    window.spooled("A", 5)
    assert window.fits("A", 1, 5)
    assert not window.fits("A", 2, 4)
    window.sent("A", 5)
    assert window.fits("A", 6, 5)
    assert not window.fits("A", 6, 6)


def test_acks_make_room_and_a_full_window_reads_nothing() -> None:
    window = Window(limit=5)
    window.spooled("A", 20)
    assert window.next_read() == ("A", 1, 5)
    window.sent("A", 5)
    assert window.next_read() is None
    window.stored("A", 3)
    assert window.next_read() == ("A", 6, 3)


def test_symbols_take_turns() -> None:
    window = Window()
    for name in "ABC":
        window.spooled(name, 9)
    assert [window.next_read()[0] for _ in range(6)] == list("ABCABC")


def test_a_rewind_goes_back_but_never_behind_what_is_stored() -> None:
    window = Window()
    window.spooled("A", 9)
    window.sent("A", 9)
    window.stored("A", 4)
    window.rewind("A", 2)
    assert window.next_read() == ("A", 5, 20_000)


def test_a_new_connection_sends_again_all_that_is_not_stored() -> None:
    window = Window()
    window.spooled("A", 9)
    window.sent("A", 9)
    window.begin([("A", 7), ("B", 0)])
    assert window.next_read() == ("A", 8, 20_000)
    assert window.room() == 400_000
