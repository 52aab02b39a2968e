"""The connector's settings, read from AITRADING_METATRADER_CONNECTOR_<FIELD> or AITRADING_<FIELD>."""

from pathlib import Path

from client_security.settings import ClientSettings
from contracts.ports import EA_PORT
from metatrader_connector.domain.broker_clock import ZONES
from metatrader_connector.domain.feed_watch import sessions_of
from metatrader_connector.terminal_process import MODULES

AUTO = "auto"


class Settings(ClientSettings, frozen=True, kw_only=True):
    """One connector speaks to one terminal and trades one account."""

    port: int = 9001
    """See contracts.ports."""
    terminal: str = "MetaTrader5"
    """`MetaTrader5` (Windows) or `mt5sim` (anywhere, simulated)."""
    terminal_path: str
    """Full path of terminal64.exe, or of the simulator's JSON file: without it the package picks any terminal."""
    terminal_clock: str = "ny+7"
    """The broker's clock: `ny+7` (most brokers: New York plus seven hours), `eet`, `utc`, `utc+3` and so on, or `auto`:
    detected from when its weeks ended and from live quotes."""
    open_timeout_ms: int = 60_000
    """How long MT5 may take to log in."""
    call_timeout_s: float = 10.0
    """A read that takes longer means that the terminal hangs: its process is started again."""
    send_timeout_s: float = 30.0
    """The same for an order; it becomes UNKNOWN and is searched for."""
    symbols: tuple[str, ...] = ()
    """What to stream, as the broker spells it; empty: all of Market Watch."""
    sessions: tuple[str, ...] = ()
    """When markets are open, by the broker's clock: `XAUUSD=Mon-Fri 01:00-23:57`, `BTCUSD=24/7`. Others: Monday to
    Friday, which is only used to tell silence from a weekend."""
    ea_files: Path | None = None
    """MT5's folder MQL5/Files. Given, the connector listens for the EA and leaves its token there; else nothing
    listens and ticks are asked for. See mql5/README.md."""
    ea_port: int = EA_PORT
    """Where it listens, on 127.0.0.1 only."""
    stale_after_s: int = 60
    """A symbol without a price for so long, while its market is open, is told of; when all are, trading stops."""
    most_symbols: int = 64
    """At most so many."""
    poll_ms: float = 10.0
    """Pause between two looks for new ticks when there were none; with new ones there is no pause."""
    first_read_s: int = 300
    """How many seconds of history the very first start reads; -1: all the terminal has. Later starts continue."""
    backfill_max_s: int = 604_800
    """After an absence at most so many seconds are read from history, the rest is a recorded gap; 0: all of it."""
    spool_max_mb: int = 2_048
    """Disk the spool may take while the server is away; then the oldest ticks go, and the gap is recorded and shown."""
    spool_max_age_s: int = 604_800
    """How long a tick may wait for the server; 0: for ever."""
    not_sent_after_s: float = 10.0
    """How long an unanswered order gets to appear at the broker before it may be called absent."""
    search_every_s: float = 1.0
    """How often unanswered orders are searched for."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.terminal not in MODULES:
            raise ValueError(f"terminal is {self.terminal!r}: use {' or '.join(MODULES)}")
        if self.terminal_clock not in (AUTO, *ZONES):
            raise ValueError(f"terminal_clock is {self.terminal_clock!r}: use {AUTO}, {', '.join(ZONES)}")
        sessions_of(self.sessions)
        if self.stale_after_s < 5:
            raise ValueError("stale_after_s must be at least 5")
        if not self.terminal_path:
            raise ValueError("terminal_path is empty: write the full path of the terminal")
        if not 1 <= self.poll_ms <= 1_000:
            raise ValueError("poll_ms must be 1 to 1000")
