"""What the app asks of its store, in its own words."""

from collections.abc import Callable
from typing import Protocol

from config_manager.domain.versions import Choice, Version

Opened = Callable[[str, str], str | None]
"""(name, sealed) -> the secret; None when it was not sealed on this PC. VaultRefused when the vault stays shut."""


class Versions(Protocol):
    """All versions that are whole, oldest first."""

    def all(self) -> list[Version]:
        """Every readable version."""
        ...

    def current(self) -> Version | None:
        """The newest readable one."""
        ...

    def damaged(self) -> tuple[str, ...]:
        """Names of files that could not be read and were set aside."""
        ...

    def change(self, change: Callable[[Choice], tuple[Choice, str] | None], now_ms: int) -> Version | None:
        """Keep a new version made of the current one; None when nothing changed."""
        ...
