"""What the gateway hears on the bus, decoded once and handed to whoever keeps the live picture."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from api_gateway.ports import Listener, Store
from contracts.accounts import AccountState
from contracts.audit import Heartbeat
from contracts.codec import decode
from contracts.errors import ContractError
from contracts.executions import Execution
from contracts.orders import Order
from contracts.ticks import TickBatch, column_fault
from kit import log
from kit.backoff import Backoff
from kit.bus import Bus, Message
from kit.errors import KitError

M = TypeVar("M")

_log = log.get("feed")


class BusFeed:
    """Call `start`; afterwards every message reaches the listener. Messages that are none are counted and logged."""

    def __init__(self, bus: Bus, listener: Listener, counters: dict[str, int]) -> None:
        self._bus = bus
        self._listener = listener
        self._counters = counters

    async def start(self) -> None:
        """Subscribe; newer messages replace older ones here, so nothing of the past is asked for."""
        await self._bus.subscribe("ticks.>", self._on_ticks)
        await self._bus.subscribe("account.>", self._on(AccountState, self._listener.hear_account))
        await self._bus.subscribe("orders.>", self._on(Order, self._listener.hear_order))
        await self._bus.subscribe("executions.>", self._on(Execution, self._listener.hear_execution))
        await self._bus.subscribe("health.>", self._on(Heartbeat, self._listener.hear_heartbeat))

    async def load_accounts(self, store: Store) -> None:
        """Read the newest states once, however long the store takes to appear; live ones that are newer stay."""
        for delay in Backoff(0.2, 5.0).delays():
            try:
                states = await store.accounts("*")
            except KitError as error:
                _log.info("accounts_not_read_yet", error=str(error))
                await asyncio.sleep(delay)
                continue
            for state in states:
                self._listener.recall_account(state)
            return

    def _on(self, kind: type[M], hear: Callable[[M], None]) -> Callable[[Message], Awaitable[None]]:
        async def on_message(message: Message) -> None:
            try:
                decoded = decode(message.data, kind)
            except ContractError as error:
                self._refuse(message.subject, str(error))
                return
            hear(decoded)

        return on_message

    async def _on_ticks(self, message: Message) -> None:
        try:
            batch = decode(message.data, TickBatch)
        except ContractError as error:
            self._refuse(message.subject, str(error))
            return
        if fault := column_fault(batch):
            self._refuse(message.subject, fault)
            return
        self._listener.hear_ticks(batch)

    def _refuse(self, subject: str, why: str) -> None:
        self._counters["messages_refused"] = self._counters.get("messages_refused", 0) + 1
        _log.warning("message_refused", subject=subject, error=why)
