"""Files about the EA: its token in MT5's folder, what it told for the next start, the calendar for the collector."""

import secrets
from dataclasses import dataclass
from pathlib import Path

import msgspec

from kit.private_file import replace
from metatrader_connector.domain.ea_facts import Calendar, Kept

FACTS = "ea.json"
CALENDAR = Path("calendar") / "mql5.json"
"""The collector's source for it: `mt5:mql5=file:calendar/mql5.json`."""
HANDED_OVER = "aitrading-ea.txt"
"""In MT5's folder MQL5/Files, which is all that an EA can read."""
FIRST_LINE = "aitrading-ea 1"


def hand_over_token(folder: Path, port: int) -> str:
    """A new token, in a file of mode 0600 together with the port. ValueError when MT5's folder is not there."""
    if not folder.is_dir():
        raise ValueError(
            f"ea_files is {str(folder)!r}, which is no folder: in MT5 choose File > Open Data Folder and "
            "give the path of MQL5\\Files in it"
        )
    token = secrets.token_hex(32)
    replace(folder / HANDED_OVER, f"{FIRST_LINE}\r\n{port}\r\n{token}\r\n".encode())
    return token


@dataclass(frozen=True, slots=True)
class EaFiles:
    """Implements ports.EaKeeper in the client's data directory."""

    home: Path

    def facts(self) -> Kept:
        """What the EA told before; nothing when there is no such file or it can't be read: the EA tells it again."""
        try:
            return msgspec.json.decode((self.home / FACTS).read_bytes(), type=Kept)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return Kept()

    def keep_facts(self, kept: Kept) -> None:
        """On disk when this returns."""
        replace(self.home / FACTS, msgspec.json.format(msgspec.json.encode(kept, order="sorted"), indent=1))

    def keep_calendar(self, calendar: Calendar) -> None:
        """Replaced as a whole: the collector sees the old document or the new one."""
        path = self.home / CALENDAR
        path.parent.mkdir(mode=0o700, exist_ok=True)
        replace(path, msgspec.json.encode(calendar))
