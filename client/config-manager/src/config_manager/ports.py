"""What the app asks of its store, in its own words."""

from typing import Protocol

from config_manager.domain.client_config import ClientConfig, Version


class Versions(Protocol):
    """All versions that are whole, oldest first."""

    def all(self) -> list[Version]:
        """Every readable version."""
        ...

    def current(self) -> Version | None:
        """The newest readable one."""
        ...

    def save(self, config: ClientConfig, why: str, now_ms: int) -> Version:
        """Keep a new version."""
        ...
