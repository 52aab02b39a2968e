"""Names and passwords: length counts, any character is welcome, what attackers try first is refused."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.credentials import BreachedFile, is_common, name_fault, password_fault


@pytest.mark.parametrize("name", ["", "x" * 65, " ann", "ann\n", "a\x00b", "a\u202eb"])
def test_names_that_cannot_be_read_are_refused(name: str) -> None:
    assert name_fault(name)


def test_a_persons_own_name_is_a_name() -> None:
    assert name_fault("Ann Müller") is None


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "at least 12"),
        ("x" * 257, "at most 256"),
        ("Administrator", "the user name"),
        ("aaaaaaaaaaaa", "lists"),
        ("123456789012", "lists"),
        ("qwertyuiop123", "lists"),
        ("PasswordPassword", "lists"),
        ("111111111111111", "lists"),
        ("administrator99", "hardly more"),
        ("aitrading-2026", "hardly more"),
        ("MetaTrader5!!!", "hardly more"),
    ],
)
def test_passwords_that_are_tried_first_are_refused_with_a_sentence(password: str, said: str) -> None:
    assert said in (password_fault(password, "administrator") or "")


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "gurke salat 77", "пароль из слов", "\U0001f98a\U0001f422" * 5 + "more", "a b c d e f g"],
)
def test_any_character_and_no_composition_is_asked_for(password: str) -> None:
    assert password_fault(password, "ann") is None


def test_nothing_is_cut_off_and_128_characters_are_welcome() -> None:
    long = "".join(chr(97 + i * 7 % 26) + str(i) for i in range(60))[:128]
    assert len(long) == 128
    assert password_fault(long, "ann") is None


@given(st.text(max_size=300), st.text(max_size=70))
def test_every_password_is_judged_without_an_accident(password: str, name: str) -> None:
    fault = password_fault(password, name)
    assert fault is None or fault.endswith(".")
    if len(password) < 12:
        assert fault


def test_thirty_thousand_common_passwords_are_known() -> None:
    assert all(is_common(each) for each in ("123456", "letmein", "trustno1", "dragon12", "!dragon!"))
    assert not is_common("kwmdlqpz")


def test_a_file_of_breached_hashes_is_searched_by_halving(tmp_path: Path) -> None:
    known = [f"a long password {number}" for number in range(500)]
    hashes = sorted(hashlib.sha1(each.encode(), usedforsecurity=False).hexdigest().upper() for each in known)
    file = tmp_path / "hibp.txt"
    file.write_text("\n".join(f"{each}:{number}" for number, each in enumerate(hashes)) + "\n")
    breached = BreachedFile(file)
    assert all(breached(each) for each in known)
    assert not any(breached(f"another password {number}") for number in range(500))
    assert "lists" in (password_fault(known[7], "ann", breached) or "")
    (tmp_path / "empty.txt").write_text("")
    assert not BreachedFile(tmp_path / "empty.txt")("x")
