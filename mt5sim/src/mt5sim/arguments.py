"""Check arguments as the C module does: which types it takes, and what it says when it does not."""

from collections.abc import Callable, Iterable
from datetime import datetime
from fnmatch import fnmatchcase
from math import isfinite
from operator import index
from typing import Any, NoReturn

from mt5sim.records import build
from mt5sim.session import INVALID_ARGUMENTS, Failed, session
from mt5sim.structs import TradeRequest

MAX_SYMBOL = 29
MAX_COMMENT = 29
MAX_GROUP = 1997
UNSIGNED_64 = 2**64
UNSIGNED_32 = 2**32
SIGNED_32 = 2**31

REQUEST_FIELDS: tuple[tuple[str, type, int], ...] = (
    ("action", int, UNSIGNED_32), ("magic", int, UNSIGNED_64), ("order", int, UNSIGNED_64),
    ("symbol", str, MAX_SYMBOL), ("volume", float, 0), ("price", float, 0), ("stoplimit", float, 0),
    ("sl", float, 0), ("tp", float, 0), ("deviation", int, UNSIGNED_64), ("type", int, UNSIGNED_32),
    ("type_filling", int, UNSIGNED_32), ("type_time", int, UNSIGNED_32), ("expiration", int, UNSIGNED_64),
    ("comment", str, MAX_COMMENT), ("position", int, UNSIGNED_64), ("position_by", int, UNSIGNED_64),
)  # fmt: skip
""" in the order in which they are checked; the last column is the length or the number that is too large """


def invalid(name: str) -> Failed:
    return Failed((-2, f'Invalid "{name}" argument'))


def bad_native(function: str) -> NoReturn:
    """What a wrong type in a native slot does to the real module: the Python error is left set behind the result."""
    session.last_error = INVALID_ARGUMENTS
    raise SystemError(f"<built-in function {function}> returned a result with an exception set")


Slot = Callable[[str, Any], Any]
""" turns one positional argument into what the function wants, or ends the call as the C module does """


def anything(_function: str, value: Any) -> Any:
    """An object slot (`O`): the function itself looks at it later."""
    return value


def int32(function: str, value: Any) -> int:
    """An `i` slot: whatever has an integer's `__index__`, numpy's included, in 32 bits with a sign."""
    try:
        number = index(value)
    except TypeError:
        bad_native(function)
    return number if -SIGNED_32 <= number < SIGNED_32 else bad_native(function)


def mask32(function: str, value: Any) -> int:
    """A `k` slot: a Python int, of which the lowest 32 bits count (an unsigned long of Windows)."""
    return value % UNSIGNED_32 if isinstance(value, int) else bad_native(function)


def double(function: str, value: Any) -> float:
    """A `d` slot: whatever has `__float__` or `__index__`; a string has neither."""
    if not hasattr(value, "__float__") and not hasattr(value, "__index__"):
        bad_native(function)
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        bad_native(function)


def positional(function: str, args: tuple[Any, ...], *slots: Slot, optional: int = 0) -> tuple[Any, ...]:
    """Positional-only arguments, parsed from left to right as PyArg_ParseTuple does: a wrong number, then types."""
    if not len(slots) - optional <= len(args) <= len(slots):
        bad_native(function)
    return tuple([slot(function, value) for slot, value in zip(slots, args, strict=False)])


def no_positional(args: tuple[Any, ...]) -> None:
    if args:
        raise Failed((-2, "Unnamed arguments not allowed"))


def seconds(function: str, value: object) -> int:
    """A date argument: truncated to whole seconds in a signed 32-bit number, on the broker's clock."""
    if isinstance(value, datetime):
        try:
            value = value.timestamp()
        except (OverflowError, ValueError, OSError):
            # a naive datetime outside what the system's zone rules cover
            bad_native(function)
    if not isinstance(value, int | float) or not isfinite(value):
        raise Failed(INVALID_ARGUMENTS)
    return (int(value) + SIGNED_32) % UNSIGNED_32 - SIGNED_32


def text(kwargs: dict[str, Any], name: str, longest: int) -> str | None:
    value = kwargs.get(name)
    if name in kwargs and (not isinstance(value, str) or len(value) > longest):
        raise invalid(name)
    return value


def whole(kwargs: dict[str, Any], name: str, limit: int = UNSIGNED_64) -> int | None:
    value = kwargs.get(name)
    if name in kwargs and (not isinstance(value, int) or not 0 <= value < limit):
        raise invalid(name)
    return value


def trade_request(args: tuple[Any, ...], kwargs: dict[str, Any]) -> TradeRequest:
    """`f(request)` or `f(**request)`; every key is optional and a missing one is 0 or empty."""
    if args and kwargs:
        raise Failed((-2, "Unnamed arguments not allowed"))
    if len(args) > 1:
        raise Failed((-2, "Invalid number of arguments"))
    if args and not isinstance(args[0], dict):
        raise Failed((-2, "Invalid 1st unnamed argument"))
    given = args[0] if args else kwargs
    values = {name: _request_value(given, name, kind, limit) for name, kind, limit in REQUEST_FIELDS}
    return build(TradeRequest, **values)


def _request_value(given: dict[str, Any], name: str, kind: type, limit: int) -> object:
    if name not in given:
        return kind()
    value = given[name]
    # an int is no float here and a numpy integer is no int; numpy.float64 passes because it is a float
    fits = isinstance(value, kind)
    if fits and kind is int:
        fits = 0 <= value < limit
    if fits and kind is str:
        fits = len(value) <= limit
    if not fits:
        raise invalid(name)
    return float(value) if kind is float else value


def in_group(name: str, group: str) -> bool:
    """MT5's filter: comma-separated masks with `*`; `!` takes away what an earlier mask let in."""
    chosen = False
    for mask in (part.strip() for part in group.split(",")):
        takes_away = mask.startswith("!")
        if _like(name, mask.removeprefix("!")):
            chosen = not takes_away
    return chosen


def _like(name: str, mask: str) -> bool:
    return fnmatchcase(name, mask.replace("[", "[[]").replace("?", "[?]"))


def names_in(names: Iterable[str], group: str) -> list[str]:
    return [name for name in names if in_group(name, group)]
