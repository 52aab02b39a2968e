"""What the bridge counts: plain integers, because a metrics library per frame would cost more than the frame."""

from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Counts:
    """Totals since the service started, over all terminals."""

    frames: int = 0
    bytes: int = 0
    ticks: int = 0
    """Ticks accepted and on their way to the bus; a tick sent again after a rewind counts again."""
    executions: int = 0
    duplicates: int = 0
    """Ticks that were known already and were cut off."""
    holes: int = 0
    waiting: int = 0
    """Ticks left aside because the stream was asked to go back; they come again."""
    rewinds: int = 0
    published: int = 0
    """Messages that a stream of the bus has acknowledged."""
    publish_failures: int = 0
    terminals: int = 0
    """Terminals connected and welcomed now."""
    in_flight_messages: int = 0
    in_flight_bytes: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    """ reason -> connections and frames kept out """

    def refuse(self, code: str) -> None:
        """Count one refusal."""
        self.refused[code] = self.refused.get(code, 0) + 1
