"""Ticks by asking: the terminal is read again after a pause. The source that always works."""

import asyncio

from metatrader_connector.domain.terminal import TickRead
from metatrader_connector.ports import Terminal


class PolledTicks:
    """Implements ports.TickSource with `copy_ticks_from`: no other call of MT5's Python package misses nothing."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    async def ticks(self, reads: tuple[TickRead, ...]) -> tuple[bytes | None, ...]:
        """Packed rows for each read, oldest first."""
        return await self._terminal.ticks(reads)

    async def news(self, at_most_s: float) -> None:
        """Nobody tells: wait the whole time."""
        await asyncio.sleep(at_most_s)
