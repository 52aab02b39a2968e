"""Publish a terminal's messages to the bus, many on their way at once, never more than a bound."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from data_bridge.domain.counts import Counts
from data_bridge.domain.effects import ExecutionOut, Outgoing, TicksOut
from kit import log
from kit.bus import Bus
from kit.errors import BusUnavailable

_log = log.get("outlet")
_encode = msgspec.msgpack.Encoder().encode


@dataclass(slots=True)
class Outlet:
    """Call `start` while `room`; the order of starting is the order in the stream. `ended` hears of each message
    whether the bus has it."""

    bus: Bus
    counts: Counts
    max_messages: int
    max_bytes: int
    ended: Callable[[Outgoing, bool], None]
    messages: int = 0
    size: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.idle.set()

    @property
    def room(self) -> bool:
        """One more message may start."""
        return self.messages < self.max_messages and self.size < self.max_bytes

    @property
    def half_empty(self) -> bool:
        """There is so much room that it is worth while to read again."""
        return self.messages * 2 <= self.max_messages and self.size * 2 <= self.max_bytes

    def start(self, message: Outgoing) -> None:
        """Put the message on its way."""
        data = _encode(message.batch if isinstance(message, TicksOut) else message.execution)
        self.messages += 1
        self.size += len(data)
        self.counts.in_flight_messages += 1
        self.counts.in_flight_bytes += len(data)
        self.idle.clear()
        task = asyncio.create_task(self._store(message, data))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _store(self, message: Outgoing, data: bytes) -> None:
        if isinstance(message, ExecutionOut) and message.execution.correlation_id:
            log.correlation.set(message.execution.correlation_id)
        arrived = False
        try:
            await self.bus.store(message.subject, data, message.message_id)
            arrived = True
        except BusUnavailable as error:
            # whether it arrived is not known; `ended` makes the stream begin again
            _log.warning("not_published", message_id=message.message_id, error=str(error))
        except Exception as error:  # noqa: BLE001 no message may vanish, whatever the bus library raises
            _log.error("not_published", message_id=message.message_id, error=repr(error), exc_info=True)
        finally:
            self.messages -= 1
            self.size -= len(data)
            self.counts.in_flight_messages -= 1
            self.counts.in_flight_bytes -= len(data)
            if self.messages == 0:
                self.idle.set()
            self.ended(message, arrived)
