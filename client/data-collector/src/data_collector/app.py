"""The composition root of the collector."""

import msgspec

from client_security.adapters.neighbour import Neighbour
from client_security.lifespan import App
from contracts.errands import NEWS_KEYS_PAGE
from data_collector.adapters.fetch import Fetcher
from data_collector.adapters.item_store import ItemStore
from data_collector.adapters.local_file import LocalFile
from data_collector.adapters.plugins import Plugins, installed
from data_collector.domain.egress import hosts_of
from data_collector.ports import Fetch, Keys
from data_collector.routes import Collector
from data_collector.settings import Settings

FILE = "collected.db"


def _keys(settings: Settings) -> Keys:
    if not settings.config_port:
        return dict
    manager = Neighbour(settings.data_dir, "config-manager", settings.config_port, "data-collector")

    def keys() -> dict[str, str]:
        try:
            return msgspec.json.decode(manager.get(NEWS_KEYS_PAGE), type=dict[str, str])
        except msgspec.DecodeError as error:
            raise OSError(f"the config manager is of another version: {error}") from None

    return keys


async def create_app(app: App, settings: Settings, *, fetch: Fetch | None = None, kinds: Plugins | None = None) -> None:
    """Collect from the configured sources into the client's data directory. Tests hand in the web and the plug-ins."""
    store = ItemStore(settings.data_dir / "news" / FILE)
    app.closing.callback(store.close)
    sources = settings.parsed()
    web = fetch or Fetcher(hosts_of((source.address for source in sources if not source.local), settings.hosts))
    collector = Collector(
        sources,
        frozenset(settings.off),
        settings.enabled,
        kinds or installed(),
        {False: web, True: LocalFile(settings.data_dir)},
        store,
        app.clock,
        settings.every_s * 1000,
        _keys(settings),
    )
    collector.begin()
    app.accept = collector.accept
    app.health.register("sources", collector.probe)
    if collector.active():
        app.run_task(collector.run(), "collect")
    await app.start_edge()
