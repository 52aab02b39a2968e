"""Knobs in a file, so that a test can work those of another process while it runs."""

import json
from pathlib import Path

from mt5sim.config import ConfigError
from mt5sim.config_json import parse_faults
from mt5sim.knobs import Faults

Stamp = tuple[int, int, int]


class FaultsFile:
    """Call `poll` before every call of the API. The file is the whole truth: a knob it does not name is off."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: Stamp | None = None

    def poll(self, faults: Faults) -> None:
        """Raises ConfigError on a broken file: a test whose fault is not injected must not pass. Replace it whole."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        faults.reset()
        if stamp is None:
            return
        try:
            values = parse_faults(json.loads(self._path.read_text("utf-8")))
        except (OSError, ValueError) as error:
            raise ConfigError(f"faults_file {self._path}: {error}") from error
        faults.put(values)

    def _stamp(self) -> Stamp | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino)
