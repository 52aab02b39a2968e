"""What is known on disk of a running platform, so that another hub can take it over."""

import msgspec


class ProcessRecord(msgspec.Struct, frozen=True):
    """A process of this machine. `started` tells it from a later one with the same pid."""

    pid: int
    started: str
    """Opaque; equal for the same process, different for any other."""
    marker: str
    """Something that stands in its command line."""
    started_ms: int = 0
    """When it was started, UTC."""
    restarts: int = 0


class RunState(msgspec.Struct, frozen=True):
    """`run/state.json`: replaced as a whole after every change."""

    ports: dict[str, int] = {}
    """ program -> port it was given """
    programs: dict[str, ProcessRecord] = {}
    """ program -> its process """
    hub: ProcessRecord | None = None
