"""The collector's settings."""

from client_security.settings import ClientSettings
from data_collector.domain.sources import Source, sources_of


class Settings(ClientSettings, frozen=True, kw_only=True):
    """Off by default: without sources nothing is fetched."""

    port: int = 9003
    """See contracts.ports."""
    enabled: bool = True
    """The switch for all: off, nothing is fetched, and what was collected stays."""
    sources: tuple[str, ...] = ()
    """`NAME:KIND=ADDRESS`, separated by commas; kinds are plug-ins: rss, ff-json, ff-xml, ics, mql5. Respect each
    site's terms."""
    off: tuple[str, ...] = ()
    """Names of sources that are not asked for now."""
    hosts: tuple[str, ...] = ()
    """More hosts that a source may lead to by a redirect; nothing else than these and the sources' own is asked."""
    config_port: int = 0
    """Where the config manager of this PC tells the sources' keys, to this app alone; 0: no source has one."""
    every_s: int = 3_600
    """Pause between two visits of a source, an hour at least."""

    def __post_init__(self) -> None:
        super().__post_init__()
        names = {source.name for source in self.parsed()}
        if unknown := sorted(set(self.off) - names):
            raise ValueError(f"off: there is no source called {unknown[0]!r}; there are {', '.join(sorted(names))}")
        if self.every_s < 3_600:
            raise ValueError("every_s: at least 3600; sources lock out those who ask more often")

    def parsed(self) -> tuple[Source, ...]:
        """The sources; ValueError with a sentence when one is none."""
        return sources_of(self.sources)
