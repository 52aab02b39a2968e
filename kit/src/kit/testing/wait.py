"""Wait for a fact instead of sleeping."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(fact: Callable[[], "T | Awaitable[T]"], within_s: float = 5.0, every_s: float = 0.01) -> T:
    """The first truthy value of `fact()`, which may be a coroutine function; AssertionError when none comes in time."""
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        value = fact()
        found: T = await value if inspect.isawaitable(value) else value
        if found:
            return found
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"not true within {within_s} s: {inspect.getsource(fact).strip()}")
        await asyncio.sleep(every_s)
