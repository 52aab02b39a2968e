"""Errors counted by fingerprint."""

from central_hub.domain.errorbook import LIMIT, ErrorBook
from contracts.audit import ErrorReport


def report(mark: str, at_ms: int = 1) -> ErrorReport:
    return ErrorReport("data-bridge", "1", at_ms, "ValueError", "bad", "bridge.f", mark)


def test_the_same_fault_is_one_entry_with_a_number() -> None:
    book = ErrorBook()
    assert book.add(report("a", 1)) is True
    assert book.add(report("a", 2)) is False
    (entry,) = book.newest_first()
    assert (entry.count, entry.first_ms, entry.last.at_ms, book.total) == (2, 1, 2, 2)


def test_the_most_recently_seen_comes_first() -> None:
    book = ErrorBook()
    for mark in ("a", "b", "a"):
        book.add(report(mark))
    assert [entry.last.fingerprint for entry in book.newest_first()] == ["a", "b"]


def test_only_the_newest_faults_are_kept() -> None:
    book = ErrorBook()
    for number in range(LIMIT + 5):
        book.add(report(str(number)))
    assert len(book.newest_first()) == LIMIT
    assert book.newest_first()[-1].last.fingerprint == "5"
    assert book.total == LIMIT + 5
