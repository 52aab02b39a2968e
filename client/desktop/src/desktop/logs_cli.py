"""`aitrading-client logs`: the logs of the four apps in one stream, in words, with anything secret taken out."""

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from desktop.plan import APPS
from kit.errors import KitError
from kit.log import HIDDEN, redact

LOOK_EVERY_S = 0.3
MOST_LINE = 16_000
_SPAN = re.compile(r"^(\d{1,6})([smhd])$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SECRET = re.compile(r"((?:passw\w*|\w*secret|\w*token|api_?key|authorization)\W{1,4}(?:bearer )?)\S+", re.IGNORECASE)
"""In a line that is no JSON: the word that follows such a name."""
_OURS = ("at", "level", "service", "instance", "event", "correlation_id", "part")


def add_logs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add `logs`; what is returned still needs `--data`."""
    logs = verbs.add_parser("logs", help="what the apps wrote down; nothing secret is in it")
    logs.add_argument("--app", choices=tuple(APPS), help="of one app only")
    logs.add_argument("--since", help="a span such as 10m, 2h, 3d, or a moment such as 2026-11-23T08:00 (UTC)")
    logs.add_argument("--follow", "-f", action="store_true", help="go on as lines are written; Ctrl-C ends it")
    logs.add_argument("--json", action="store_true", help="the lines as they are, still without secrets")
    return logs


def since_ms(text: str | None, now_ms: int) -> int:
    """The moment a person names, UTC ms; KitError when it is none."""
    if text is None:
        return 0
    if found := _SPAN.match(text):
        return now_ms - int(timedelta(**{_UNITS[found[2]]: int(found[1])}).total_seconds() * 1000)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise KitError(f"{text} is no moment: write a span such as 10m, or 2026-11-23T08:00") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


class Line(msgspec.Struct, frozen=True):
    """One line of one app. `at_ms` 0: it has no time of its own."""

    app: str
    at_ms: int
    fields: dict[str, object]

    def words(self) -> str:
        """For a person, in local time."""
        moment = datetime.fromtimestamp(self.at_ms / 1000).astimezone() if self.at_ms else None
        shown = moment.strftime("%Y-%m-%d %H:%M:%S") if moment else " " * 19
        more = " ".join(f"{name}={value}" for name, value in self.fields.items() if name not in _OURS)
        return (
            f"{shown} {self.app:<21} {self.fields.get('level', ''):<8} {self.fields.get('event', '')} {more}".rstrip()
        )


def line_of(app: str, text: str) -> Line:
    """A line of a log, JSON or plain; secrets are hidden again, whoever wrote the file."""
    text = text[:MOST_LINE].rstrip("\r\n")
    try:
        fields = msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeEncodeError):
        fields = {"event": _SECRET.sub(rf"\1{HIDDEN}", text)}
    try:
        at = datetime.fromisoformat(str(fields.get("at", "")))
        at_ms = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        at_ms = 0
    hidden = redact(fields)
    # one line stays one line on a person's screen, and no colour or cursor command gets there
    clean = {name: _printable(value) if isinstance(value, str) else value for name, value in hidden.items()}
    return Line(app, at_ms, clean)


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


def read(data: Path, apps: list[str], after_ms: int) -> tuple[list[Line], dict[str, int]]:
    """(lines in the order of their time, where each file ended). A line without a time goes with the one before it."""
    found: list[tuple[int, int, Line]] = []
    ends: dict[str, int] = {}
    for app in apps:
        last = 0
        for path in (_path(data, app).with_suffix(".old"), _path(data, app)):
            if not path.exists():
                continue
            with path.open("rb") as file:
                for raw in file:
                    line = line_of(app, raw.decode(errors="replace"))
                    last = line.at_ms or last
                    if last >= after_ms:
                        found.append((last, len(found), line))
                if path.suffix == ".log":
                    ends[app] = file.tell()
    return [line for _, _, line in sorted(found, key=lambda each: each[:2])], ends


def follow(data: Path, apps: list[str], ends: dict[str, int], wait: Callable[[], bool]) -> Iterator[Line]:
    """Lines as they are written. A file that was begun anew is read from its beginning. `wait` False ends it."""
    while wait():
        for app in apps:
            path = _path(data, app)
            try:
                size = path.stat().st_size
            except OSError:
                continue
            if size < ends.get(app, 0):
                ends[app] = 0
            if size == ends.get(app, 0):
                continue
            with path.open("rb") as file:
                file.seek(ends.get(app, 0))
                for raw in file:
                    if not raw.endswith(b"\n"):  # the rest of it is still being written
                        break
                    ends[app] = ends.get(app, 0) + len(raw)
                    yield line_of(app, raw.decode(errors="replace"))


def _path(data: Path, app: str) -> Path:
    return data / "logs" / f"{app}.log"


def run_logs(options: argparse.Namespace) -> int:
    """0; 1 when there are no logs yet."""
    data: Path = options.data.expanduser().absolute()
    apps = [options.app] if options.app else list(APPS)
    lines, ends = read(data, apps, since_ms(options.since, time.time_ns() // 1_000_000))
    if not ends and not lines:
        print(
            f"there are no logs in {data / 'logs'} yet; start the client with `aitrading-client run`", file=sys.stderr
        )
        return 1

    def show(line: Line) -> None:
        fields = {"app": line.app, **line.fields}
        print(msgspec.json.encode(fields).decode() if options.json else line.words(), flush=True)

    for line in lines:
        show(line)
    if options.follow:

        def wait() -> bool:
            time.sleep(LOOK_EVERY_S)
            return True

        try:
            for line in follow(data, apps, ends, wait):
                show(line)
        except KeyboardInterrupt:
            return 0
    return 0
