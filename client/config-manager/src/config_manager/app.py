"""The composition root of the config manager."""

from client_security.adapters.papers import Papers
from client_security.lifespan import App
from client_security.vaults import vault_in
from config_manager.adapters.secret_box import SecretBox
from config_manager.adapters.version_files import VersionFiles
from config_manager.offers import Offers
from config_manager.routes import Pages
from config_manager.settings import Settings

CONFIG_DIR = "config"


async def create_app(app: App, settings: Settings) -> None:
    """Show and watch the versions in the client's data directory, and take what the server offers."""
    versions = VersionFiles(settings.data_dir / CONFIG_DIR)
    papers = Papers(vault_in(settings.data_dir, key=app.vault_key))
    offers = Offers(settings.data_dir, papers, versions, app.clock.now_ms)
    pages = Pages(versions, offers, SecretBox(papers.vault).open)
    app.accept = pages.accept
    app.health.register("versions", pages.probe)
    app.run_task(pages.run(), "offers")
    await app.start_edge()
