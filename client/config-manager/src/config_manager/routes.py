"""GET /config and /config/history: the settings as JSON, for this PC only. Nothing here can be changed over HTTP."""

import asyncio
from dataclasses import dataclass

import msgspec
import picows

from config_manager.ports import Versions
from kit.edge import Peer, answer


@dataclass(slots=True)
class Pages:
    """The read-only view."""

    versions: Versions

    def accept(self, request: picows.WSUpgradeRequest, _peer: Peer) -> "picows.WSUpgradeResponseWithListener | None":
        """Answer the two paths; anything else is not found."""
        path = request.path.split(b"?", 1)[0]
        if path not in (b"/config", b"/config/history"):
            return None
        if request.method != b"GET":
            return answer(405, b'{"code":"read_only"}', "application/json")
        if path == b"/config":
            current = self.versions.current()
            return answer(200, msgspec.json.encode(current), "application/json")
        return answer(200, msgspec.json.encode(self.versions.all()), "application/json")

    async def probe(self) -> str:
        """For the health page: read the newest version from disk."""
        current = await asyncio.to_thread(self.versions.current)
        if current is None:
            raise RuntimeError("no settings were saved yet; start the client with `aitrading-client run`")
        return f"version {current.number}: {current.why}"
