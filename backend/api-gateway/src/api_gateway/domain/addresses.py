"""Which spelling of an address is taken: every path of the API has one, and a question names each value once."""

import re
from urllib.parse import unquote_to_bytes

from api_gateway.domain.refusals import Refusal, invalid
from api_gateway.domain.strict_json import text_fault

MAX_VALUES = 32
QUESTION_TWICE = invalid("A parameter stands twice in the address. Send each one once.")
QUESTION_ODD = invalid("The address has characters that are not text, or too many parameters.")

_PLAIN = re.compile(rb"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")


def is_plain(raw_path: bytes) -> bool:
    """Whether an API's path is spelled the only way it is taken: no escapes, no empty or dotted segments, no `;`."""
    return _PLAIN.fullmatch(raw_path) is not None


def question_fault(query: bytes) -> Refusal | None:
    """Why the part behind `?` is refused; None when every name stands once and all of it is text."""
    if not query:
        return None
    names: set[bytes] = set()
    parts = query.split(b"&")
    if len(parts) > MAX_VALUES:
        return QUESTION_ODD
    for part in parts:
        name, _, value = (unquote_to_bytes(side.replace(b"+", b" ")) for side in part.partition(b"="))
        if name in names:
            return QUESTION_TWICE
        names.add(name)
        try:
            if text_fault(name.decode()) or text_fault(value.decode()):
                return QUESTION_ODD
        except UnicodeDecodeError:
            return QUESTION_ODD
    return None
