"""The composition root of the collector."""

from client_security.lifespan import App
from data_collector.adapters.fetch import Fetcher
from data_collector.adapters.item_store import ItemStore
from data_collector.adapters.parsers import PARSERS
from data_collector.domain.egress import hosts_of
from data_collector.routes import Collector
from data_collector.settings import Settings

FILE = "news.db"


async def create_app(app: App, settings: Settings) -> None:
    """Collect from the configured sources into the client's data directory."""
    store = ItemStore(settings.data_dir / "news" / FILE)
    app.closing.callback(store.close)
    sources = tuple((kind, url) for kind, _, url in (source.partition("=") for source in settings.sources))
    fetch = Fetcher(hosts_of((url for _, url in sources), settings.hosts))
    collector = Collector(sources, PARSERS, fetch, store, app.clock, settings.every_s * 1000)
    app.accept = collector.accept
    app.health.register("sources", collector.probe)
    if collector.sources:
        app.run_task(collector.run(), "collect")
    await app.start_edge()
