"""Hostile text in every field of every question to PostgreSQL stays text; what the edges refuse is let through here."""

import importlib
import inspect
import pkgutil
import time
import typing
from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any

import asyncpg
import msgspec
import pytest

import database_service.adapters as adapters
from database_service.adapters.postgres import Postgres

pytestmark = [pytest.mark.integration, pytest.mark.attack]

HOSTILE = (
    "'", "\"", "\\", "''", "%27", "' or '1'='1", "' or 1=1 --", "x'; drop table users; --", "') or ('1'='1",
    "'; select pg_sleep(3); --", "' || pg_sleep(3) || '", "1); delete from orders; --", "$1", "$$", "{}", "%s", ":name",
    "' union select null, null --", "\\'; drop table orders; --", "ʼ or 1=1", "＇ or 1=1", "/*", "*/ or 1=1 --",
    "; commit; --", "E'\\x27'", "\n'; drop table audit; --", "a" * 5_000 + "'", "\u202e' --", "null", "*",
)  # fmt: skip
FILLED: dict[Any, Any] = {int: 1, float: 1.0, bool: False, bytes: b"'", Decimal: Decimal(1), NoneType: None}
SLOW_S = 2.0


def made(kind: Any, text: str) -> Any:
    """A value of any type of a contract, with `text` wherever text may stand."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return made(arguments[0], text)
    if kind is str:
        return text
    if kind in FILLED:
        return FILLED[kind]
    if origin is tuple:
        return (made(arguments[0], text),)
    if origin is dict:
        return {made(arguments[0], text): made(arguments[1], text)}
    if origin in (typing.Union, UnionType):
        return made(arguments[0], text)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    hints = typing.get_type_hints(kind, include_extras=True)
    return kind(**{name: made(hints[name], text) for name in kind.__struct_fields__})


def questions() -> Iterator[tuple[str, Callable[..., Any], Any]]:
    """(name, function, type of its question) for each function of an adapter that takes a connection and a message."""
    for module in pkgutil.iter_modules(adapters.__path__):
        if not module.name.startswith("postgres_"):
            continue
        found = importlib.import_module(f"{adapters.__name__}.{module.name}")
        for name, function in inspect.getmembers(found, inspect.iscoroutinefunction):
            if function.__module__ != found.__name__:
                continue
            hints = typing.get_type_hints(function, include_extras=True)
            names = list(inspect.signature(function).parameters)
            if len(names) == 2 and names[0] == "connection":
                kind = hints[names[1]]
                listed = typing.get_origin(kind) in (list, tuple)
                inner = typing.get_args(kind)[0] if listed else kind
                if inner is str or (isinstance(inner, type) and issubclass(inner, msgspec.Struct)):
                    wrap = (lambda f: lambda c, q: f(c, [q]))(function) if listed else function
                    yield f"{module.name}.{name}", wrap, inner


class Undone(Exception):
    """Nothing of what a hostile question did is kept."""


async def test_hostile_text_stays_text_in_every_question(
    database: str, record_property: Callable[[str, object], None]
) -> None:
    postgres = await Postgres.open(database, pool_min=1, pool_max=2, timeout_s=10, wait_s=10)
    await postgres.migrate(1)
    broken: list[tuple[str, str, str]] = []
    tried, reached, seen = 0, 0, set()
    for name, ask, kind in questions():
        seen.add(name)
        for text in HOSTILE:
            question, fault = made(kind, text), ""

            async def work(connection: Any, ask: Any = ask, question: Any = question) -> None:
                nonlocal fault, reached
                try:
                    await ask(connection, question)
                    reached += 1
                # text that became part of a statement is class 42; broken rules of a table are the usual answers
                except asyncpg.PostgresError as error:
                    reached += 1
                    fault = f"{error.sqlstate} {error}" if (error.sqlstate or "").startswith("42") else ""
                except (ValueError, TypeError, KeyError, AttributeError):
                    pass
                except Exception as error:
                    fault = "" if type(error).__module__.startswith("database_service") else repr(error)
                raise Undone

            started = time.monotonic()
            with pytest.raises(Undone):
                await postgres.run(work, tenants=("*",))
            if time.monotonic() - started > SLOW_S:
                fault = "it slept"
            if fault:
                broken.append((name, text[:40], fault[:200]))
            tried += 1
    await postgres.close()
    assert broken == []
    record_property("cases", tried)
    assert len(seen) >= 20, seen
    assert tried >= 600
    assert reached > 0.8 * tried, "questions that never reach the store prove nothing about it"
