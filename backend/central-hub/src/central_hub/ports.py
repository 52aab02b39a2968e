"""What the hub asks of the world around it, in its own words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from central_hub.domain.programs import Program
from central_hub.domain.registry import Managed
from central_hub.domain.runstate import ProcessRecord
from central_hub.domain.watch import Probe


class HubError(Exception):
    """Something a person must hear; the text is one plain sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Command:
    """How to start a program. `marker` will stand in its command line; `stop_signal` ends it gently."""

    argv: tuple[str, ...]
    marker: str
    stop_signal: int
    environ: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None


class Process(Protocol):
    """A living process, whether this hub started it or an earlier one did."""

    record: ProcessRecord

    async def wait(self) -> int | None:
        """Return when it has ended, with its exit code when that can be known."""
        ...

    def alive(self) -> bool:
        """It still runs."""
        ...

    async def stop(self, number: int, limit_s: float) -> bool:
        """Ask it to end with signal `number`, kill it after `limit_s`; False when it had to be killed."""
        ...


class Launcher(Protocol):
    """Knows one program: how it is prepared, started and asked how it is."""

    program: Program
    port: int

    async def prepare(self) -> None:
        """Make what it needs on disk. HubError when that is not possible."""
        ...

    def command(self) -> Command:
        """How it is started."""
        ...

    async def probe(self) -> Probe:
        """Ask it now; never raises."""
        ...


class Fleet(Protocol):
    """What the routes may ask about the programs that the hub started."""

    def managed(self) -> tuple[Managed, ...]:
        """Every program with its state, in starting order."""
        ...
