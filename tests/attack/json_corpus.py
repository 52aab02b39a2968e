"""JSON texts in the spirit of JSONTestSuite: what is JSON, what is not, and what is JSON with two meanings.

Whether a text is JSON is said by two readers that others wrote (Python's and msgspec's); only where we are stricter
than both does the table itself say so.
"""

import itertools
import json
from collections.abc import Iterator

import msgspec

Case = tuple[str, bytes, bool]
""" name, text, whether we refuse it although it is JSON """

NUMBERS = (
    *("0", "1", "-1", "10", "1.5", "-1.5", "0.1", "1e1", "1E1", "1e+1", "1e-1", "1.0e2", "123456789", "0e1", "0.0"),
    *("01", "-01", "+1", ".5", "5.", "-", "--1", "1e", "1e+", "1.e1", "0x1", "1_0", "1 0", "٣", "1e1.5", "-.5", "e1"),
    *(
        "nan",
        "NaN",
        "-NaN",
        "Infinity",
        "-Infinity",
        "inf",
        "1f",
        "1L",
        "0b1",
        "1,5",
        "1..2",
        "1-",
        "- 1",
        "0e",
        "1ee1",
    ),
)
STRICTER = (
    *("-0", "-0.0", "-0e1", "1e-400", "-1e-400", "9223372036854775808", "-9223372036854775809", "9" * 31, "1" * 400),
    *("0." + "1" * 40, "1e999", "-1e999", "1e400", "123123e100000"),
)
STRINGS = (
    *('"a"', '""', '"é"', '"\\n"', '"\\""', '"\\\\"', '"\\/"', '"\\u0041"', '"\\uD83D\\uDE00"', '"😀"', '" "'),
    *(
        "'a'",
        "a",
        '"',
        '"a',
        'a"',
        '"\\x41"',
        '"\\u00"',
        '"\\u00G0"',
        '"\\"',
        '"\\a"',
        '"\\U0041"',
        '"\n"',
        '"\t"',
        '"\r"',
    ),
    *('"\x00"', '"\x1f"', '"\\u"', '"\\u{41}"', '"a""b"', "`a`", '"\\ "', '"\\\n"'),
)
ODD_STRINGS = (
    "\\u0000",
    "\\u001b",
    "\\u202e",
    "\u202e",
    "\u2066",
    "\x7f",
    "\x85",
    "\\ud800x",
    "\\udc00",
    "\\ud800\\ud800",
)
STRUCTURES = (
    *(
        "[]",
        "{}",
        "[[]]",
        '{"a":{}}',
        "[1,2]",
        '{"a":1,"b":2}',
        "[null]",
        "[true,false]",
        " [ 1 ] ",
        '{"":0}',
        "\n{}\t",
    ),
    *("[", "]", "{", "}", "[1", "[1,", "[,1]", "[1,]", "[1,,2]", "[1 2]", "[1}", '{"a"}', '{"a":}', '{"a":1,}', "{,}"),
    *(
        '{"a":1,,"b":2}',
        "{1:1}",
        "{a:1}",
        "{null:1}",
        '{"a" 1}',
        '{"a"::1}',
        '{"a":1]',
        "[]]",
        "{}}",
        "[][]",
        "{}{}",
        "1 2",
    ),
    *(
        "tru",
        "True",
        "TRUE",
        "nul",
        "None",
        "undefined",
        "nulls",
        "truefalse",
        "/**/1",
        "1//x",
        "1#x",
        "//x\n1",
        "[1]x",
    ),
    *(
        "",
        " ",
        "\x0c1",
        "\x0b1",
        "\u00a01",
        "\u20281",
        "1\x00",
        "[1;2]",
        "(1)",
        "<1>",
        "*",
        "[\u00a0]",
        "]1[",
        '{"a":1}}',
    ),
)
TWICE = (
    '{"a":1,"a":1}',
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '{"b":{"a":1,"a":2}}',
    '[{"a":1,"b":0,"a":1}]',
    '{"":0,"":0}',
)
PLACES = {"alone": "%s", "in a list": "[%s]", "as a value": '{"x":%s}'}


def _placed(kind: str, texts: tuple[str, ...], stricter: bool) -> Iterator[Case]:
    for (place, frame), text in itertools.product(PLACES.items(), texts):
        yield f"{kind} {text[:24]!r} {place}", (frame % text).encode(), stricter


def corpus() -> list[Case]:
    """All of them, each once."""
    cases = [
        *_placed("number", NUMBERS, False),
        *_placed("number", STRICTER, True),
        *_placed("text", STRINGS, False),
        *_placed("text", tuple(f'"{each}"' for each in ODD_STRINGS), True),
        *_placed("structure", STRUCTURES, False),
        *_placed("twice", TWICE, True),
    ]
    for depth in (1, 2, 15, 16, 18, 100, 900, 5_000):
        cases.append((f"{depth} lists deep", b"[" * depth + b"]" * depth, depth > 17))
        cases.append((f"{depth} lists open", b"[" * depth, False))
        cases.append((f"{depth} objects deep", b'{"a":' * depth + b"1" + b"}" * depth, depth > 16))
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "utf-7"):
        cases.append((f"in {encoding}", '{"a":"é"}'.encode(encoding), False))
    for raw in (
        b"\xff",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\x80",
        b"\xe2\x82",
        b"\xfe\xff",
        b"\xf8\x88\x80\x80\x80",
    ):
        cases += [(f"bytes {raw.hex()} in a text", b'"' + raw + b'"', False), (f"bytes {raw.hex()}", raw, False)]
    return list({text: (name, text, stricter) for name, text, stricter in cases}.values())


def _no_number(text: str) -> None:
    raise ValueError(text)


def is_json(text: bytes) -> bool:
    """Whether both readers take it."""
    try:
        json.loads(text.decode("utf-8"), parse_constant=_no_number)
        msgspec.json.decode(text)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return False
    return True
