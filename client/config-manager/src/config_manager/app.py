"""The composition root of the config manager."""

from client_security.lifespan import App
from config_manager.adapters.version_files import VersionFiles
from config_manager.routes import Pages
from config_manager.settings import Settings

CONFIG_DIR = "config"


async def create_app(app: App, settings: Settings) -> None:
    """Show and watch the versions in the client's data directory."""
    pages = Pages(VersionFiles(settings.data_dir / CONFIG_DIR))
    app.accept = pages.accept
    app.health.register("versions", pages.probe)
    await app.start_edge()
