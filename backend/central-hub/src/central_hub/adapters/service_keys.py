"""The keys with which services sign for themselves on the bus: one pair each, made at the first start."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from central_hub.ports import HubError
from kit import private_file

FOLDER = "service-keys"
PUBLIC = "public.json"


def make_service_keys(secrets: Path, services: Iterable[str]) -> None:
    """Make the keys that are missing below `secrets`, and the file with the public parts of all of them.

    A service that newly came gets its key at the next start. HubError when a file can't be used.
    """
    from kit.keys import make_private_key, public_text  # it costs a tenth of a second

    folder = secrets / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        keys = {name: [public_text(make_private_key(folder / f"{name}.key"))] for name in sorted(services)}
        private_file.replace(folder / PUBLIC, msgspec.json.format(msgspec.json.encode(keys), indent=1))
    except (OSError, ValueError) as error:
        raise HubError(f"The service keys in {folder} can't be used ({error}): restore them from a backup.") from None
