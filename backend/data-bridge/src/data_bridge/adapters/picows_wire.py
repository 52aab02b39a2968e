"""One terminal's socket on picows."""

from dataclasses import dataclass, field

import picows

_BINARY = picows.WSMsgType.BINARY
_CODES = {"restarting": picows.WSCloseCode.SERVICE_RESTART, "terminal_left": picows.WSCloseCode.OK}


@dataclass(slots=True)
class PicowsWire:
    """Reasons not to read add up: it is read only when nobody holds it."""

    transport: picows.WSTransport
    reading: bool = True
    holds: set[str] = field(default_factory=set)

    def send(self, frame: bytes) -> None:
        """Send one binary frame."""
        if not self.transport.is_disconnected and not self.transport.is_close_frame_sent:
            self.transport.send(_BINARY, frame)

    def hold(self, why: str) -> None:
        """Do not read while `why` lasts: the terminal's TCP waits, and memory stays bounded."""
        self.holds.add(why)
        if self.reading and not self.transport.is_disconnected:
            self.reading = False
            self.transport.underlying_transport.pause_reading()

    def release(self, why: str) -> None:
        """`why` is over."""
        self.holds.discard(why)
        if not self.reading and not self.holds and not self.transport.is_disconnected:
            self.reading = True
            self.transport.underlying_transport.resume_reading()

    def close(self, code: str, reason: str) -> None:
        """Close after what was sent."""
        if not self.transport.is_disconnected:
            if not self.transport.is_close_frame_sent:
                text = f"{code}: {reason}".encode()[:120]
                self.transport.send_close(_CODES.get(code, picows.WSCloseCode.POLICY_VIOLATION), text)
            self.transport.disconnect()
