"""Logs: one JSON object per line on standard error, with a correlation id, without secrets."""

import contextlib
import contextvars
import json
import logging
import math
import re
import sys
import uuid
from collections.abc import Iterator, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any


@contextlib.contextmanager
def _absent(name: str) -> Iterator[None]:
    """Importing `name` fails inside of this block; whoever wants it later still gets it."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # how Python marks a module that can't be imported
    try:
        yield
    finally:
        del sys.modules[name]


with _absent("rich"):  # structlog would colour tracebacks with it: 4 MB in each of a dozen processes that write JSON
    import structlog

correlation: contextvars.ContextVar[str] = contextvars.ContextVar("correlation", default="")
"""The id that ties together all that one tick, signal or request caused. Empty outside of one."""

_SECRET_KEY = re.compile(r"passw|secret|token|authorization|cookie|private|api_?key|signature", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"(eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)"  # a compact JWS
    r"|((?<=://)[^/\s:@]+:[^/\s:@]+(?=@))"  # user:password of a URL
    r"|(-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----)"
)
HIDDEN = "[hidden]"
_MAX_TEXT = 4_000
_MAX_KEY = 100
_MAX_PARTS = 64
"""Of one list or one dictionary."""
_MAX_DEPTH = 6
MAX_LINE = 16_000
"""Characters of one line, whatever was logged."""
_CUT = "…"
_OURS = ("at", "level", "service", "instance", "part", "event", "correlation_id")
"""Fields that stay when others have to go."""

Event = MutableMapping[str, Any]


def _short(text: str, most: int = _MAX_TEXT) -> str:
    return text if len(text) <= most else text[:most] + _CUT


def redact(value: Any, key: str = "", depth: int = 0) -> Any:
    """The value with everything that looks like a secret replaced; what is long, wide or deep is cut."""
    if key and _SECRET_KEY.search(key):
        return HIDDEN
    if isinstance(value, str):
        # cut first, with room for a secret that begins before the edge: the search must not cost megabytes
        return _short(_SECRET_TEXT.sub(HIDDEN, value[: 2 * _MAX_TEXT])) + ("" if len(value) <= 2 * _MAX_TEXT else _CUT)
    if value is None or isinstance(value, bool | int):
        return value if not isinstance(value, int) or abs(value) < 2**64 else _short(repr(value), _MAX_KEY)
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if depth >= _MAX_DEPTH:
        return _CUT
    if isinstance(value, dict):
        parts = list(value.items())[:_MAX_PARTS]
        return {_short(str(k), _MAX_KEY): redact(v, str(k)[:_MAX_KEY], depth + 1) for k, v in parts}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(v, "", depth + 1) for v in list(value)[:_MAX_PARTS]]
    return redact(repr(value), "", depth + 1)


def _redact(_logger: Any, _method: str, event: Event) -> Event:
    ours = [key for key in event if key in _OURS]
    theirs = [key for key in event if key not in _OURS][:_MAX_PARTS]
    return {_short(str(key), _MAX_KEY): redact(event[key], str(key)) for key in (*ours, *theirs)}


def line(event: Mapping[str, Any]) -> str:
    """The event as one line of plain ASCII: line breaks, colours and marks that turn the reading order are escaped, so
    nobody's input can begin a line of its own. Over MAX_LINE the longest fields go."""
    text = json.dumps(event, default=repr)
    sizes = {key: len(json.dumps({key: value}, default=repr)) for key, value in event.items()}
    kept = dict(event)
    for key in sorted(sizes, key=lambda key: (key in _OURS, -sizes[key])):
        if len(text) <= MAX_LINE:
            break
        if key in _OURS:
            kept[key] = f"<cut, {sizes[key]} characters>"
        else:
            del kept[key]
            kept["fields_cut"] = kept.get("fields_cut", 0) + 1
        text = json.dumps(kept, default=repr)
    return text.replace("\x7f", "\\u007f")


def _render(_logger: Any, _method: str, event: Event) -> str:
    return line(event)


class _OneLine(logging.Formatter):
    """Other people's libraries log text; here it becomes the same kind of line."""

    def __init__(self, service: str, instance: str) -> None:
        super().__init__()
        self._known = {"service": service, "instance": instance}

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object on one line."""
        event: dict[str, Any] = {"event": record.getMessage(), "part": record.name, "level": record.levelname.lower()}
        event["at"] = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return line(_redact(None, "", self._known | event))


def _correlate(_logger: Any, _method: str, event: Event) -> Event:
    identity = correlation.get()
    if identity:
        event.setdefault("correlation_id", identity)
    return event


def configure(service: str, instance: str, level: str) -> None:
    """Send this process's logs to standard error as JSON lines. Call once, from `__main__`."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            _correlate,
            structlog.processors.format_exc_info,
            _redact,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service, instance=instance)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine(service, instance))
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler])


def get(name: str) -> Any:
    """A logger; `name` is the module's noun."""
    return structlog.get_logger(part=name)


def new_correlation_id() -> str:
    """A fresh id for something that begins here."""
    return uuid.uuid4().hex
