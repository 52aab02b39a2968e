"""The questions about people, tenants, limits and news that this service answers on the bus."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol, TypeVar

from contracts import limits, news, people, tenants
from contracts.rpc import Method
from database_service.domain.questions import struct_fault
from database_service.ports import People
from kit.errors import AnswerFault

Q = TypeVar("Q")
A = TypeVar("A")
EVERYONES = (limits.LimitsQuestion, tenants.TenantsQuestion, tenants.UsageQuestion)
"""Questions that may be about all tenants at once, where the policy lets the asker."""


class On(Protocol):
    """Registers the handler of a method."""

    def __call__(self, method: Method[Q, A], handler: Callable[[Q], Awaitable[A]]) -> Awaitable[None]: ...


def methods() -> Iterator[Method[Any, Any]]:
    """Every question of the four contracts."""
    for module in (people, tenants, limits, news):
        yield from (each for each in vars(module).values() if isinstance(each, Method))


async def start(store: People, on: On) -> None:
    """Answer all of them."""
    for method in methods():
        await on(method, _handler(method, store))


def _handler(method: Method[Any, Any], store: People) -> Callable[[Any], Awaitable[Any]]:
    async def handle(question: Any) -> Any:
        if fault := struct_fault(question, everyone=isinstance(question, EVERYONES)):
            raise AnswerFault("bad_request", fault)
        return await store.answer(method, question)

    return handle
