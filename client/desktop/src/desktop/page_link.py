"""A link that opens the status page of a running client once, for the tray and for `status --open`."""

import time
from pathlib import Path

import msgspec

from client_security.adapters.private_file import read_private
from client_security.domain.vault_format import VaultRefused
from desktop.status_page import FILE
from desktop.tickets import new_ticket
from kit.errors import KitError


class _Told(msgspec.Struct, frozen=True):
    port: int
    pid: int
    key: str


def page_link(data: Path) -> str:
    """KitError when no client with a page runs. The link is good for half a minute, and once."""
    try:
        told = msgspec.json.decode(read_private(data / FILE), type=_Told)
        key = bytes.fromhex(told.key)
    except FileNotFoundError:
        raise KitError("no status page: start the client with `aitrading-client run --page`") from None
    except (OSError, ValueError, VaultRefused) as error:
        raise KitError(f"the status page can't be opened: {error}") from None
    return f"http://127.0.0.1:{told.port}/open/{new_ticket(key, time.time_ns() // 1_000_000)}"
