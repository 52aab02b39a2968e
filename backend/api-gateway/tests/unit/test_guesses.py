"""Guessing is slowed down, codes are what RFC 6238 says, and what is good once is good once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_gateway.adapters.vault import Vault
from api_gateway.domain import guesses, recovery, single_use, totp
from api_gateway.domain.guesses import Guesses
from api_gateway.domain.relying_party import relying_party
from api_gateway.domain.scopes import SCOPES, actions_of
from api_gateway.domain.single_use import SingleUse
from kit.policy import RULES

DAY_MS = 86_400_000


def test_T19_a_million_guesses_in_a_day_are_forty_at_most() -> None:
    book = Guesses(5, 30_000, 3_600_000, DAY_MS)
    let_through = sum(book.wait_ms("ann otp", now_ms) == 0 for now_ms in range(0, DAY_MS, 86))
    assert let_through <= 40


def test_each_wait_is_twice_as_long_as_the_one_before_up_to_a_limit() -> None:
    book, now_ms, waits = Guesses(2, 1_000, 8_000, DAY_MS), 0, []
    for _ in range(8):
        if wait_ms := book.wait_ms("a", now_ms):
            waits.append(wait_ms)
            now_ms += wait_ms
            assert book.wait_ms("a", now_ms) == 0
    assert waits == [1_000, 2_000, 4_000, 8_000, 8_000, 8_000]


def test_a_thousand_at_the_same_moment_are_a_thousand() -> None:
    book = Guesses(5, 1_000, 60_000, DAY_MS)
    assert sum(book.wait_ms("a", 0) == 0 for _ in range(1_000)) == 5
    assert book.exhausted("a")


def test_what_was_right_begins_anew_and_quiet_is_forgotten() -> None:
    book = Guesses(1, 1_000, 60_000, 5_000)
    assert book.wait_ms("a", 0) == 0
    book.right("a")
    assert book.wait_ms("a", 0) == 0
    assert book.wait_ms("a", 1) == 999
    book.undo("a")
    assert book.wait_ms("a", 1) == 0
    assert book.wait_ms("a", 5_001) == 0


def test_the_memory_of_guesses_is_bounded() -> None:
    book = Guesses(1, 1_000, 60_000, DAY_MS)
    for number in range(guesses.MAX_KEYS + 10):
        book.wait_ms(str(number), 0)
    assert len(book.tried) == guesses.MAX_KEYS


@pytest.mark.parametrize(
    ("at_s", "code"),
    [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")],
)
def test_codes_are_those_of_rfc_6238(at_s: int, code: str) -> None:
    assert totp.code_at(b"12345678901234567890", at_s // 30) == code


@given(st.integers(100, 10**8), st.integers(-5, 5))
def test_T19_only_the_present_step_and_the_one_before_are_accepted_and_only_once(now: int, off: int) -> None:
    secret, now_ms = b"12345678901234567890", now * totp.STEP_MS
    step = totp.step_of(secret, totp.code_at(secret, now + off), 0, now_ms)
    if off in (0, -1):
        assert step == now + off
        assert totp.step_of(secret, totp.code_at(secret, now + off), now + off, now_ms) is None
    else:
        # six digits of two steps may be the same by accident
        assert step in (None, now, now - 1)


def test_a_name_in_a_qr_code_can_not_add_parameters() -> None:
    assert totp.uri(b"x" * 20, "a&secret=b/c") == (
        f"otpauth://totp/aitrading:a%26secret%3Db%2Fc?secret={totp.base32(b'x' * 20)}&issuer=aitrading"
    )


@given(st.binary(min_size=10, max_size=10))
def test_a_recovery_code_is_found_again_however_it_was_copied(secret: bytes) -> None:
    code = recovery.written(secret)
    assert len(code) == 19
    assert recovery.normal(f" {code.lower().replace('-', ' ')} ") == code


def test_what_is_good_once_is_taken_once_in_time_and_its_memory_is_bounded() -> None:
    book: SingleUse[str] = SingleUse(1_000)
    assert book.put("a", "A", 0) == 1_000
    assert book.look("a", 999) == "A"
    assert book.take("a", 999) == "A"
    assert book.take("a", 999) is None
    book.put("b", "B", 0)
    assert book.take("b", 1_000) is None
    for number in range(single_use.MAX_OPEN + 5):
        book.put(str(number), "x", 0)
    assert len(book.open) == single_use.MAX_OPEN
    book.put("late", "x", 5_000)
    assert list(book.open) == ["late"]


def test_no_scope_of_an_api_key_manages_people_keys_or_factors() -> None:
    actions = actions_of(" ".join(SCOPES))
    assert actions <= RULES.keys()
    forbidden = ("users", "api_keys", "factors", "session", "killswitch.release", "audit")
    assert not [action for action in actions if action.startswith(forbidden)]
    assert actions_of("nonsense") == frozenset()


@pytest.mark.parametrize(
    ("origin", "party"),
    [
        ("http://localhost:8000", "localhost"),
        ("https://trade.example.org", "trade.example.org"),
        ("http://trade.example.org", ""),
        ("http://127.0.0.1:8000", ""),
        ("https://192.0.2.1", ""),
        ("https://[::1]:8000", ""),
        ("", ""),
        ("null", ""),
    ],
)
def test_passkeys_belong_to_names_over_https_and_to_localhost(origin: str, party: str) -> None:
    assert relying_party(origin) == party


def test_a_sealed_secret_is_opened_for_its_owner_only_and_never_looks_the_same_twice() -> None:
    vault = Vault(b"k" * 32)
    sealed = vault.seal(b"secret", "u1")
    assert b"secret" not in sealed
    assert sealed != vault.seal(b"secret", "u1")
    assert vault.open(sealed, "u1") == b"secret"
    assert vault.open(sealed, "u2") is None
    assert Vault(b"K" * 32).open(sealed, "u1") is None
    assert vault.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), "u1") is None
    assert vault.open(b"", "u1") is None


def test_a_device_mark_is_its_owners_and_nobody_can_make_one() -> None:
    vault = Vault(b"k" * 32)
    mark = vault.device_mark("u1")
    assert vault.device_of(mark, "u1")
    for wrong in ("", ".", "x", mark + "0", "x." + mark.partition(".")[2]):
        assert vault.device_of(wrong, "u1") == ""
    assert vault.device_of(mark, "u2") == ""
