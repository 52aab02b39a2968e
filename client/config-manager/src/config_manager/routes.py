"""GET /config, /config/history and /secrets: for this PC only. Nothing here can be changed over HTTP."""

import asyncio
from dataclasses import dataclass

import msgspec
import picows

from config_manager.domain.client_config import SETTINGS, ClientConfig
from config_manager.domain.versions import Version
from config_manager.offers import Offers
from config_manager.ports import Opened, Versions
from contracts.errands import NEWS_KEYS_PAGE
from kit.edge import Peer, answer
from kit.errors import KitError
from kit.tls import Identity

LOOK_EVERY_S = 2.0
NEWS_KEY = "news."
"""How the secret of a news source begins; its name follows."""
COLLECTOR = Identity.service("data-collector")
"""The only app that is told keys of news sources."""


class SettingView(msgspec.Struct, frozen=True):
    """A setting on the status page."""

    name: str
    value: object
    unit: str
    origin: str
    """`yours`, `server` or `default`."""
    kept: bool
    """Your own value wins whatever the server offers."""
    says: str


class ConfigView(msgspec.Struct, frozen=True):
    """GET /config."""

    number: int
    at_ms: int
    why: str
    config: ClientConfig
    settings: tuple[SettingView, ...]
    secrets: tuple[str, ...]
    """Their names; the values are shown to nobody."""
    revision: int
    """Of the server's offer that was taken; 0: none."""
    refused: str
    """Why the server's newest offer was left; empty when it was not."""
    damaged: tuple[str, ...]
    """Files that could not be read and were set aside."""


class HistoryView(msgspec.Struct, frozen=True):
    """A line of GET /config/history."""

    number: int
    at_ms: int
    why: str


def view_of(version: Version, damaged: tuple[str, ...] = (), refused: str = "") -> ConfigView:
    """Everything a person may see of a version."""
    choice, config = version.choice, version.config
    settings = tuple(
        SettingView(name, getattr(config, name), s.unit, choice.origin(name), name in choice.kept, s.says)
        for name, s in SETTINGS.items()
    )
    return ConfigView(
        version.number, version.at_ms, version.why, config, settings, tuple(sorted(choice.secrets)), choice.revision,
        refused, damaged,
    )  # fmt: skip


@dataclass(slots=True)
class Pages:
    """The read-only view, and the watch over what the server offers."""

    versions: Versions
    offers: Offers
    opened: Opened

    async def run(self) -> None:
        """Look for offers until cancelled."""
        while True:
            await asyncio.to_thread(self.offers.look)
            await asyncio.sleep(LOOK_EVERY_S)

    def news_keys(self) -> dict[str, str]:
        """Name of a source -> its key, of the secrets that are called `news.NAME`. What does not open is left out."""
        current = self.versions.current()
        sealed = current.choice.secrets if current is not None else {}
        ours = {name: box for name, box in sealed.items() if name.startswith(NEWS_KEY)}
        keys = {name.removeprefix(NEWS_KEY): self.opened(name, box) for name, box in ours.items()}
        return {name: key for name, key in keys.items() if key is not None}

    def accept(self, request: picows.WSUpgradeRequest, peer: Peer) -> "picows.WSUpgradeResponseWithListener | None":
        """Answer the paths; anything else is not found."""
        path = request.path.split(b"?", 1)[0]
        if path == NEWS_KEYS_PAGE.encode() and request.method == b"GET":
            if peer.identity != COLLECTOR:
                return answer(403, b'{"code":"collector_only"}', "application/json")
            try:
                return answer(200, msgspec.json.encode(self.news_keys()), "application/json")
            except KitError as error:  # the vault stays shut: the collector waits and asks again
                return answer(503, msgspec.json.encode({"code": "vault", "reason": str(error)}), "application/json")
        if path not in (b"/config", b"/config/history"):
            return None
        if request.method != b"GET":
            return answer(405, b'{"code":"read_only"}', "application/json")
        if path == b"/config":
            current = self.versions.current()
            shown = view_of(current, self.versions.damaged(), self.offers.refused) if current else None
            return answer(200, msgspec.json.encode(shown), "application/json")
        history = [HistoryView(each.number, each.at_ms, each.why) for each in self.versions.all()]
        return answer(200, msgspec.json.encode(history), "application/json")

    async def probe(self) -> str:
        """For the health page: read the newest version from disk, and say what was damaged."""
        current = await asyncio.to_thread(self.versions.current)
        damaged = await asyncio.to_thread(self.versions.damaged)
        torn = f"; damaged and set aside: {', '.join(damaged)}" if damaged else ""
        if current is None:
            raise RuntimeError(f"no settings were saved yet; start the client with `aitrading-client run`{torn}")
        left = f"; the server's newest offer was left: {self.offers.refused}" if self.offers.refused else ""
        return f"version {current.number}: {current.why}{left}{torn}"
