"""The rules for names and passwords, for everyone who makes a person: few, and each said in a sentence.

Source: OWASP ASVS 5.0 section 6.2, NIST SP 800-63B-4 section 3.1.1: length counts, any character is welcome, nothing is
cut off, no composition is asked for; what attackers try first is refused.
"""

import functools
import hashlib
import os
import string
import unicodedata
from collections.abc import Callable
from pathlib import Path

MIN_PASSWORD = 12
MAX_PASSWORD = 256
"""Far above what a person types; it bounds the work of hashing."""
MAX_NAME = 64
ENOUGH_LEFT = 8
"""So many characters must remain of a password without the words that everybody would guess."""
PRODUCT_WORDS = ("aitrading", "metatrader", "trading", "mt5")
_AROUND = string.digits + string.punctuation + string.whitespace
_SHA1_DIGITS = 40

Breached = Callable[[str], bool]
"""Whether a password is known to attackers."""


def name_fault(name: str) -> str | None:
    """Why this cannot be a user's name; None when it can."""
    if not 1 <= len(name) <= MAX_NAME:
        return f"A name has 1 to {MAX_NAME} characters."
    if name != name.strip() or any(unicodedata.category(c).startswith("C") for c in name):
        return "A name has no control characters and neither begins nor ends with a space."
    return None


def password_fault(password: str, name: str, breached: Breached | None = None) -> str | None:
    """Why this cannot be the password of `name`; None when it can. `breached` adds to the list that is built in."""
    if len(password) < MIN_PASSWORD:
        return f"The password needs at least {MIN_PASSWORD} characters."
    if len(password) > MAX_PASSWORD:
        return f"The password has at most {MAX_PASSWORD} characters."
    folded = password.casefold()
    if folded == name.casefold():
        return "The password must not be the user name."
    rest = functools.reduce(lambda text, word: text.replace(word, ""), _context(name), folded)
    if len(rest) < min(ENOUGH_LEFT, len(folded)):
        return "The password is hardly more than the user name or the product's name. Choose something else."
    unit = _repeated(folded)
    if is_common(folded) or len(unit) < ENOUGH_LEFT or is_common(unit) or (breached and breached(password)):
        return "This password is on the lists that attackers try first. Choose another."
    return None


def _context(name: str) -> list[str]:
    # a name of two letters is in many good passwords by accident
    return sorted({*PRODUCT_WORDS, *(part for part in name.casefold().split() if len(part) > 2)}, key=len, reverse=True)


def _repeated(text: str) -> str:
    """The part that `text` is repetitions of, `text` itself when it is none."""
    return text[: (text + text).find(text, 1)]


@functools.cache
def _common() -> frozenset[str]:
    # imported when first asked: the lists are large, and most programs never judge a password
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # type: ignore[import-untyped]

    return frozenset(FREQUENCY_LISTS["passwords"])


def is_common(folded: str) -> bool:
    """Whether a password in lower case, with or without digits and signs around it, is among the 30,000 most used."""
    return folded in _common() or folded.strip(_AROUND) in _common() or not folded.strip(_AROUND)


class BreachedFile:
    """A file of SHA-1 hashes of breached passwords, sorted, one a line, as Have I Been Pwned hands it out.

    A line is 40 hex digits in capitals; `:count` may follow. Call it with a password; OSError when the file is gone.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, password: str) -> bool:
        """Found by halving: 40 GB take forty reads."""
        wanted = hashlib.sha1(password.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest().upper()
        with self._path.open("rb") as file:
            low, high = 0, file.seek(0, os.SEEK_END)
            while low < high:
                middle = (low + high) // 2
                file.seek(middle)
                if middle:
                    file.readline()  # the rest of a line that began before
                line = file.readline()
                found = line[:_SHA1_DIGITS].decode("ascii", "replace").upper()
                if found == wanted:
                    return True
                if line and found < wanted:
                    low = middle + 1
                else:
                    high = middle
        return False
