"""The one reader in front of every JSON body: what two programs could read in two ways is refused first."""

import json
import math
import unicodedata
from typing import Any

from api_gateway.domain.refusals import Refusal, invalid

MAX_DEPTH = 16
MAX_DIGITS = 30
"""Of one number: more than any price, volume or stamp has."""
MAX_WHOLE = 2**63 - 1

MALFORMED = Refusal(400, "malformed", "The body is not valid JSON. Correct it and try again.")
TWICE = invalid("A field stands twice in the body. Send each field once.")
TOO_DEEP = invalid("The body is nested too deep.")
NO_NUMBER = invalid("A number in the body is too large, too small, too long, or not a number that can be meant.")
NO_TEXT = invalid("A text in the body has characters that are not text: NUL, control characters or half characters.")

_BIDI = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They change the order in which a person reads what follows."""
_LINES = frozenset("\t\n\r")


class _Fault(ValueError):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Fault(TWICE)
    return found


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS or text == "-0" or abs(number := int(text)) > MAX_WHOLE:
        raise _Fault(NO_NUMBER)
    return number


def _broken(text: str) -> float:
    number = float(text)
    # minus nothing means nothing, and 1e-400 is not nothing
    meant = text.startswith("-") or any(digit in "123456789" for digit in text.lower().partition("e")[0])
    if len(text) > MAX_DIGITS or not math.isfinite(number) or (number == 0 and meant):
        raise _Fault(NO_NUMBER)
    return number


def _constant(_text: str) -> Any:
    # NaN, Infinity and -Infinity are Python's own and no JSON
    raise _Fault(NO_NUMBER)


def text_fault(text: str) -> bool:
    """Whether a text has characters that nobody types: NUL and other controls, half of a pair, order marks."""
    if text.isascii() and text.isprintable():
        return False
    return any(
        character in _BIDI or (unicodedata.category(character) in ("Cc", "Cs") and character not in _LINES)
        for character in text
    )


def _walk(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _Fault(TOO_DEEP)
    if isinstance(value, str):
        if text_fault(value):
            raise _Fault(NO_TEXT)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _walk(key, depth)
            _walk(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _walk(inner, depth + 1)


_decoder = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_whole, parse_float=_broken, parse_constant=_constant, strict=True
)


def body_fault(body: bytes) -> Refusal | None:
    """Why a body is refused; None when it is one JSON value with one meaning. Its size was bounded before."""
    try:
        _walk(_decoder.decode(body.decode("utf-8")), 0)
    except _Fault as fault:
        return fault.refusal
    except RecursionError:
        return TOO_DEEP
    except ValueError:
        return MALFORMED
    return None
