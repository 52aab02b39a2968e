"""What was revoked is refused, by everybody, also after a restart."""

import asyncio

import pytest

from contracts import subjects
from contracts.revocations import Revocation, RevocationKind
from kit.errors import BusUnavailable
from kit.revocations import RevocationBook, follow, revoke
from kit.testing import FakeBus, eventually


def revocation(
    subject: str = "u1", kind: RevocationKind = RevocationKind.USER, before_ms: int = 1_000, tenant: str = "default"
) -> Revocation:
    return Revocation(tenant, kind, subject, before_ms, "disabled", "operator")


def test_what_was_issued_before_is_refused_and_what_was_issued_after_is_not() -> None:
    book = RevocationBook()
    assert book.refuses(user="u1", issued_ms=0) is None
    assert book.hear(revocation())
    assert book.refuses(user="u1", issued_ms=999) == revocation()
    assert book.refuses(user="u1", issued_ms=1_000) is None
    assert book.refuses(user="u2", issued_ms=0) is None


@pytest.mark.parametrize("kind", list(RevocationKind))
def test_each_kind_refuses_its_own_subject_only(kind: RevocationKind) -> None:
    book = RevocationBook()
    book.hear(revocation("x", kind))
    for name in RevocationKind:
        asked = book.refuses(issued_ms=0, **{name.value: "x"})
        assert (asked is not None) == (name is kind)


def test_what_a_stolen_key_signs_after_it_was_revoked_is_refused_whatever_moment_it_states() -> None:
    book = RevocationBook()
    book.hear(revocation("x", RevocationKind.KEY, before_ms=1_000))
    assert book.refuses(key="x", issued_ms=2_000)


def test_an_older_revocation_takes_nothing_back() -> None:
    book = RevocationBook()
    book.hear(revocation(before_ms=2_000))
    assert not book.hear(revocation(before_ms=1_000))
    assert book.refuses(user="u1", issued_ms=1_500)


def test_the_book_is_bounded_and_forgets_the_oldest() -> None:
    book = RevocationBook(max_kept=2)
    for subject in ("a", "b", "c"):
        book.hear(revocation(subject))
    assert [subject for _, subject in book.entries] == ["b", "c"]


async def test_who_starts_later_has_heard_everything_before_it_opens() -> None:
    bus = FakeBus()
    for subject in ("a", "b"):
        await revoke(bus, revocation(subject))
    book = RevocationBook()
    told: list[str] = []
    await follow(bus, book, lambda heard: told.append(heard.subject))
    assert told == ["a", "b"]
    await revoke(bus, revocation("c"))
    await eventually(lambda: told == ["a", "b", "c"])
    await revoke(bus, revocation("c"))
    await asyncio.sleep(0)
    assert told == ["a", "b", "c"]


async def test_bytes_that_are_no_revocation_do_not_stop_the_others() -> None:
    bus = FakeBus()
    await bus.store(subjects.revocations("default"), b"\xc1")
    await revoke(bus, revocation("a"))
    book = RevocationBook()
    await follow(bus, book)
    assert book.refuses(user="a", issued_ms=0)


class Forgetful(FakeBus):
    """Counts messages that it never brings."""

    async def consume(self, *arguments, **named):  # type: ignore[no-untyped-def]
        following = await super().consume(*arguments, **named)
        following.kept = 3
        return following


async def test_who_can_not_read_what_was_revoked_does_not_open() -> None:
    with pytest.raises(BusUnavailable, match="0 of 3"):
        await follow(Forgetful(), RevocationBook(), limit_s=0.05)


async def test_a_revocation_that_nobody_kept_is_not_reported_as_done() -> None:
    with pytest.raises(BusUnavailable):
        await revoke(FakeBus(down=True), revocation())


def test_T12_what_a_person_asked_for_before_is_taken_back_and_what_they_ask_for_later_is_not() -> None:
    book = RevocationBook()
    book.hear(Revocation("default", RevocationKind.USER, "u1", 1_000, "disabled", "root", "ann", True))
    assert book.takes_back("default", "ann", 999)
    assert book.takes_back("default", "ann", 1_000) is None
    assert book.takes_back("default", "bob", 999) is None
    assert book.takes_back("other", "ann", 999) is None
    book.hear(Revocation("default", RevocationKind.USER, "u2", 1_000, "password changed", "bob", "bob"))
    assert book.takes_back("default", "bob", 999) is None
    book.hear(revocation("other", RevocationKind.TENANT, 2_000, "other"))
    assert book.takes_back("other", "ann", 1_999)
