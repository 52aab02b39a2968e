"""Settings of the hub."""

from kit.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """What the hub's own service part reads; `aitrading up` fills it."""

    port: int = 8010
    """See contracts.ports."""
