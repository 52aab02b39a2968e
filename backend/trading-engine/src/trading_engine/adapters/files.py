"""The engine's own two files: who is paused, and messages that made no sense."""

import base64
from pathlib import Path

import msgspec

from kit import private_file

ASIDE_LIMIT_BYTES = 16 * 1024 * 1024


class PauseFile:
    """`pauses.json`: tenant -> reason. Written beside, flushed to disk, then put in place."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> dict[str, str]:
        """What is kept; nothing when there is no file. An unreadable file raises: better no start than no pause."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        try:
            return msgspec.json.decode(data, type=dict[str, str])
        except msgspec.DecodeError as error:
            raise ValueError(
                f"{self._path} says who is paused and cannot be read ({error}). Correct it, "
                f"or delete it if nobody is paused."
            ) from None

    def save(self, paused: dict[str, str]) -> None:
        """Replace it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        private_file.replace(self._path, msgspec.json.encode(paused))


class AsideFile:
    """`kept-aside.jsonl`, one message a line, until it is full: the first ones tell what went wrong."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, subject: str, data: bytes, reason: str) -> None:
        """Append one."""
        if self._path.exists() and self._path.stat().st_size > ASIDE_LIMIT_BYTES:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        line = {"subject": subject, "reason": reason, "data": base64.b64encode(data).decode()}
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")
