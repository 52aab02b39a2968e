"""Tables for spreadsheets: quoted as RFC 4180 says, and no cell that a spreadsheet would calculate."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec

ROWS_AT_ONCE = 500
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a formula begins, in any spreadsheet, full-width signs included (OWASP: CSV injection)."""
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def cell(value: object) -> str:
    """One cell. A text that looks like a formula gets an apostrophe in front, also behind blanks and after a line break
    or a separator, where careless readers begin a new cell; plain numbers stay numbers."""
    if isinstance(value, Decimal):
        text = format(value, "f")
    elif isinstance(value, str):
        text = _NO_TEXT.sub("\ufffd", value)
    else:
        text = str(value)
    if _NUMBER.fullmatch(text) is None and text.lstrip(" \u00a0'\"").startswith(_STARTS):
        text = "'" + text
    if any(mark in text for mark in ',;"\r\n\t'):
        return '"' + text.replace('"', '""') + '"'
    return text


def table(kind: type[msgspec.Struct], rows: Sequence[msgspec.Struct]) -> Iterator[bytes]:
    """Head and rows as blocks of UTF-8, `ROWS_AT_ONCE` rows each; the columns are the fields of `kind`."""
    names = kind.__struct_fields__
    yield (",".join(names) + "\r\n").encode()
    for first in range(0, len(rows), ROWS_AT_ONCE):
        lines = (
            ",".join(cell(getattr(row, name)) for name in names) + "\r\n" for row in rows[first : first + ROWS_AT_ONCE]
        )
        yield "".join(lines).encode()
