"""The collector's settings."""

from client_security.settings import ClientSettings

KINDS = ("rss", "ff-json", "ff-xml")


class Settings(ClientSettings, frozen=True, kw_only=True):
    """Off by default: without sources nothing is fetched."""

    port: int = 9003
    """See contracts.ports."""
    sources: tuple[str, ...] = ()
    """`rss=https://…`, `ff-json=https://…`, `ff-xml=https://…`, separated by commas. Respect each site's terms."""
    hosts: tuple[str, ...] = ()
    """More hosts that a source may lead to by a redirect; nothing else than these and the sources' own is asked."""
    every_s: int = 3_600
    """Pause between two visits of a source, an hour at least."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for source in self.sources:
            kind, _, url = source.partition("=")
            if kind not in KINDS or not url.startswith(("http://", "https://")):
                raise ValueError(f"source {source!r}: write rss=https://…, ff-json=https://… or ff-xml=https://…")
        if self.every_s < 3_600:
            raise ValueError("every_s: at least 3600; sources lock out those who ask more often")
