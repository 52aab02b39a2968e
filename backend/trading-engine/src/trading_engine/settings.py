"""What the trading engine reads from its environment."""

from decimal import Decimal
from pathlib import Path

from contracts.ports import PORTS
from contracts.signals import MAX_LIFETIME_MS
from kit.settings import ServiceSettings
from trading_engine.domain.bindings import Binding, BindingFault, parse
from trading_engine.domain.desk import Terms
from trading_engine.domain.risk import Limits


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """All of the engine's settings."""

    port: int = PORTS["trading-engine"]
    """Health pages only: orders go over the bus."""
    strategies: str = ""
    """Which strategy trades what: `ma_cross:default/1000001:EURUSD:volume=0.1,fast=5`, joined by `;`, or JSON."""
    strategies_file: str = ""
    """The same in a file, read when `strategies` is empty; by default `strategies.json` in the data directory."""
    signal_key_path: str = ""
    """The key that signs every order; by default `secrets/signal.key` in the data directory."""
    signal_lifetime_ms: int = MAX_LIFETIME_MS
    """After this long a terminal refuses the signal: an old decision is a wrong one."""
    deviation_points: int = 20
    """How far the price may have moved when the terminal sends the order."""
    collar_points: int = 100
    """How far the price may be away, in either direction, when the terminal sends the order; 0: any distance."""
    allowed_symbols: tuple[str, ...] = ()
    """Only these are traded; empty: every symbol the account has."""
    max_volume: Decimal = Decimal(1)
    """Lots per order, at most; the trader's own limits are at the terminal."""
    max_price_age_ms: int = 5_000
    """A decision on an older price is refused."""
    max_account_age_ms: int = 60_000
    """Without a younger picture of the account nobody knows what is open: new orders are refused."""
    max_orders_per_minute: int = 30
    """Per account and strategy: a strategy gone wild is stopped here."""

    def __post_init__(self) -> None:
        faults = []
        if not 100 <= self.signal_lifetime_ms <= MAX_LIFETIME_MS:
            faults.append(f"signal_lifetime_ms must be 100 to {MAX_LIFETIME_MS}, not {self.signal_lifetime_ms}")
        if not self.max_volume.is_finite() or self.max_volume <= 0:
            faults.append(f"max_volume must be above 0, not {self.max_volume}")
        for name in (
            "deviation_points",
            "collar_points",
            "max_price_age_ms",
            "max_account_age_ms",
            "max_orders_per_minute",
        ):
            if getattr(self, name) < 0:
                faults.append(f"{name} must not be negative")
        try:
            self.bindings()
        except (BindingFault, OSError) as fault:
            faults.append(f"strategies: {fault}")
        if faults:
            raise ValueError("\n  ".join(faults))

    def bindings(self) -> tuple[Binding, ...]:
        """The strategies, from the text or else from the file; none when there is neither."""
        if self.strategies.strip():
            return parse(self.strategies)
        path = Path(self.strategies_file).expanduser() if self.strategies_file else self.data_dir / "strategies.json"
        if not self.strategies_file and not path.exists():
            return ()
        return parse(path.read_text(encoding="utf-8"))

    def limits(self) -> Limits:
        """The risk limits."""
        return Limits(
            self.allowed_symbols,
            self.max_volume,
            self.max_price_age_ms,
            self.max_account_age_ms,
            self.max_orders_per_minute,
        )

    def terms(self) -> Terms:
        """What every signal carries."""
        return Terms(
            self.signal_lifetime_ms,
            self.deviation_points,
            self.collar_points,
            # the decision's own quote may be this old, and the signal may travel this long
            self.max_price_age_ms + self.signal_lifetime_ms,
            self.max_volume,
        )

    def key_path(self) -> Path:
        """Where the signing key is."""
        if self.signal_key_path:
            return Path(self.signal_key_path).expanduser()
        return self.data_dir / "secrets" / "signal.key"

    def own_dir(self) -> Path:
        """Where the engine keeps its own files."""
        return self.data_dir / "trading-engine"
