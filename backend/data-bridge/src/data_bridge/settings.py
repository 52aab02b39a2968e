"""What the bridge reads from the environment."""

from pathlib import Path

from contracts.ports import PORTS
from kit.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """Settings of data-bridge."""

    port: int = PORTS["data-bridge"]
    """Terminals connect here; health and metrics are on the same port."""
    token_public_key: Path
    """File with the hub's public key (hex): it proves terminal tokens."""
    max_in_flight_messages: int = 64
    """Messages of one terminal on their way to the bus; at the bound its socket is no longer read."""
    max_in_flight_bytes: int = 32 * 1024 * 1024
    """The same bound in bytes: the memory a terminal may take while the bus is slow."""
    welcome_within_s: float = 8.0
    """How long a terminal waits for the store to say what it has before it is sent away to try again; shorter than
    the connector's own patience, so that it hears why."""
    operator_tenant: str = "default"
    """Its audit trail gets the refusals that can't be laid to a tenant: whoever has no valid token has no tenant."""
    oldest_client_version: str = "0.1.0"
    """Clients older than this stream ticks and get no orders; raise it when an update must not be put off."""
    kept_aside: int = 64
    """Refused frames kept as files for inspection; the oldest is replaced. 0 keeps none."""

    @property
    def key_list(self) -> Path:
        """The signed list of signal keys; there is none before the first rotation."""
        return self.data_dir / "secrets" / "signal-keys.json"

    @property
    def refused_dir(self) -> Path:
        """Where refused frames are kept aside."""
        return self.data_dir / "data-bridge" / "refused"
