"""The config manager's own settings."""

from client_security.settings import ClientSettings


class Settings(ClientSettings, frozen=True, kw_only=True):
    """It keeps the others' settings; its own are few."""

    port: int = 9002
    """See contracts.ports."""
