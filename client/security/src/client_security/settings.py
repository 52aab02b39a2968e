"""Settings: what every client app reads, and what the security app adds."""

from pathlib import Path

import msgspec


class ClientSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What every app on the trader's PC reads. There is no bus here: the client speaks to the server on one socket."""

    host: str = "127.0.0.1"
    """The health pages are for this PC alone; anything but loopback is refused."""
    port: int
    """Port of the health page."""
    data_dir: Path
    """Where the client keeps its files."""
    log_level: str = "info"
    """debug, info, warning or error."""
    instance: str = "1"
    """Tells two clients on one PC apart."""

    def __post_init__(self) -> None:
        if self.host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError(f"host is {self.host!r}: the client listens on loopback only; use 127.0.0.1")


class Settings(ClientSettings, frozen=True, kw_only=True):
    """The security app's own."""

    port: int = 9004
    """See contracts.ports."""
    collector_port: int = 9003
    """Where the data collector of this PC is asked for what waits for the server."""
    look_every_s: float = 15.0
    """How often it is asked."""
    verify_every_s: float = 60.0
    """How often the whole audit log is checked; each check reads the file once."""
