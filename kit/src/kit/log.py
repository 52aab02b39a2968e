"""Logs: one JSON object per line on standard error, with a correlation id, without secrets."""

import contextlib
import contextvars
import logging
import re
import sys
import uuid
from collections.abc import Iterator, MutableMapping
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

Event = MutableMapping[str, Any]


def redact(value: Any, key: str = "") -> Any:
    """The value with everything that looks like a secret replaced; long texts are cut."""
    if key and _SECRET_KEY.search(key):
        return HIDDEN
    if isinstance(value, str):
        text = _SECRET_TEXT.sub(HIDDEN, value)
        return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "…"
    if isinstance(value, dict):
        return {k: redact(v, str(k)) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [redact(v) for v in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    return value


def _redact(_logger: Any, _method: str, event: Event) -> Event:
    return {key: redact(value, key) for key, value in event.items()}


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
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service, instance=instance)
    logging.basicConfig(level=max(number, logging.WARNING), stream=sys.stderr, format="%(message)s")


def get(name: str) -> Any:
    """A logger; `name` is the module's noun."""
    return structlog.get_logger(part=name)


def new_correlation_id() -> str:
    """A fresh id for something that begins here."""
    return uuid.uuid4().hex
