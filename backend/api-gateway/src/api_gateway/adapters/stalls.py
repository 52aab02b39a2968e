"""A peer that takes nothing is cut: shared by the protocols of HTTP and of WebSockets."""

import asyncio
from asyncio import TimerHandle
from typing import cast

STALL_S = 8.0
"""What was written has to leave our own memory within this time."""


class CutsStalls(asyncio.Protocol):
    """Mix it in before the protocol. Nothing waits in our memory unnoticed: with a limit of one byte the transport
    says at once when the kernel takes no more, and from then on the peer has `stall_s` to take all of it."""

    stall_s = STALL_S
    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    _stall: TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Watch from the first byte."""
        # not 0: over TLS asyncio would then take an empty buffer for a full one
        cast(asyncio.Transport, transport).set_write_buffer_limits(high=1, low=0)
        super().connection_made(transport)

    def pause_writing(self) -> None:
        """The peer does not keep up; it may not stand still for ever."""
        super().pause_writing()
        if self._stall is None:
            self._stall = self.loop.call_later(self.stall_s, self.transport.abort)

    def resume_writing(self) -> None:
        """It goes on."""
        self._unstall()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is due any more."""
        self._unstall()
        super().connection_lost(exc)

    def _unstall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
