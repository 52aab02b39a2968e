"""Tokens remembered, rate limits and failures."""

from api_gateway.domain import sessions
from api_gateway.domain.access import Caller
from api_gateway.domain.failures import FLUSH_AFTER_MS, FailureBook
from api_gateway.domain.sessions import SessionMemory
from kit.limits import MAX_KEYS, Limiter


def caller(token_id: str = "j", expires_ms: int = 1_000) -> Caller:
    return Caller("ann", "default", "viewer", "c", expires_ms, token_id, True)


def test_a_token_is_recalled_until_it_expires() -> None:
    memory = SessionMemory()
    assert memory.recall("t", 0) is None
    assert memory.remember("t", caller()) == caller()
    assert memory.recall("t", 999) == caller()
    assert memory.recall("t", 1_000) is None
    assert memory.verified == {}


def test_the_memory_of_tokens_is_bounded() -> None:
    memory = SessionMemory()
    for number in range(sessions.MAX_VERIFIED + 10):
        memory.remember(str(number), caller())
    assert len(memory.verified) == sessions.MAX_VERIFIED
    assert memory.recall("9", 0) is None


def test_ten_tries_a_minute_pass_and_the_next_is_told_how_long_to_wait() -> None:
    limiter = Limiter(10)
    assert [limiter.wait_ms("a", 1_000 * n) for n in range(10)] == [0] * 10
    assert limiter.wait_ms("a", 10_000) == 50_000
    assert limiter.wait_ms("b", 10_000) == 0
    assert limiter.wait_ms("a", 60_000) == 0
    assert limiter.wait_ms("a", 60_000) == 1_000


def test_the_limiter_forgets_the_key_that_was_quiet_longest() -> None:
    limiter = Limiter(1)
    for number in range(MAX_KEYS):
        limiter.wait_ms(str(number), 0)
    limiter.wait_ms("0", 1)
    limiter.wait_ms("new", 1)
    assert len(limiter.seen) == MAX_KEYS
    assert "1" not in limiter.seen
    assert "0" in limiter.seen


def test_failed_sign_ins_are_told_once_a_minute_with_their_number() -> None:
    book = FailureBook()
    for now_ms in (0, 10, 20):
        book.add("default", "ann", now_ms)
    book.add("default", "bob", 50_000)
    assert book.due(FLUSH_AFTER_MS - 1) == []
    (found,) = book.due(FLUSH_AFTER_MS)
    assert (found.name, found.count, found.first_ms, found.last_ms) == ("ann", 3, 0, 20)
    assert [f.name for f in book.due(FLUSH_AFTER_MS, all_of_them=True)] == ["bob"]
