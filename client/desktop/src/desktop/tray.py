"""The icon beside the clock: what it shows, what its menu does. The operating system's part is handed in."""

import subprocess
import threading
import webbrowser
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol

from desktop.health import Answer
from desktop.page_link import page_link
from desktop.supervisor import trouble_of
from kit.errors import KitError

LOOK_EVERY_S = 3.0
MOST_TIP = 127
"""Characters Windows shows over an icon."""
STOP_S = 25.0
NOT_RUNNING = "The client is not running"


class Mood(Enum):
    """Which icon is shown."""

    READY = "ready"
    TROUBLE = "trouble"
    STOPPED = "stopped"


class Icon(Protocol):
    """One icon in the notification area."""

    def show(self, mood: Mood, tip: str) -> None:
        """Change it; from any thread."""
        ...

    def tell(self, title: str, text: str) -> None:
        """A notice that goes away by itself; from any thread."""
        ...

    def run(self, menu: Sequence[tuple[str, Callable[[], None]]]) -> None:
        """Show it with this menu, until `close`."""
        ...

    def close(self) -> None:
        """End `run`; from any thread."""
        ...


def seen(answers: Sequence[Answer]) -> tuple[Mood, str]:
    """The icon and its words for what the apps say; no answers: the client is not running."""
    if not answers:
        return Mood.STOPPED, NOT_RUNNING
    wrong = next((answer for answer in answers if not answer.ready), None)
    if wrong is None:
        account = next((d.detail for answer in answers for d in answer.dependencies if d.name == "terminal"), "")
        return Mood.READY, f"Connected: {account}"[:MOST_TIP]
    return Mood.TROUBLE, f"{wrong.service}: {trouble_of(wrong)}"[:MOST_TIP]


Start = Callable[[], "subprocess.Popen[bytes]"]
"""Starts `aitrading-client run`; it stops in order when its standard input is closed."""
Ask = Callable[[], Sequence[Answer]]
Do = Callable[[str], str]
"""Runs `limits halt` or `limits resume`; what it said."""


@dataclass(slots=True)
class Tray:
    """`run()` starts the client, keeps the icon true, and stops the client when the person quits."""

    data: Path
    icon: Icon
    start: Start
    ask: Ask
    limits: Do
    browse: Callable[[str], bool] = webbrowser.open
    _child: "subprocess.Popen[bytes] | None" = None
    _over: threading.Event = field(default_factory=threading.Event)
    _last: Mood | None = None

    def run(self) -> int:
        """0 when the person quits; the client's own code when it ended for good by itself."""
        self._child = self.start()
        looking = threading.Thread(target=self._look, name="tray-look", daemon=True)
        looking.start()
        try:
            self.icon.run(
                [
                    ("Show status", self.open_page),
                    ("Stop all orders", lambda: self.icon.tell("Orders", self.limits("halt"))),
                    ("Let orders go out again", lambda: self.icon.tell("Orders", self.limits("resume"))),
                    ("Quit: stop the client", self.icon.close),
                ]
            )
        finally:
            self._over.set()
            code = self._stop()
            looking.join(timeout=STOP_S)
        return code

    def open_page(self) -> None:
        """In the person's browser."""
        try:
            self.browse(page_link(self.data))
        except KitError as error:
            self.icon.tell("Status", str(error))

    def look(self) -> None:
        """Once: make the icon true, and tell the person when it changes for the worse."""
        child = self._child
        running = child is not None and child.poll() is None
        mood, tip = seen(self.ask() if running else ())
        self.icon.show(mood, tip)
        if self._last not in (None, mood) and mood is not Mood.READY:
            self.icon.tell("Trading client", tip)
        self._last = mood

    def _look(self) -> None:
        while not self._over.is_set():
            self.look()
            self._over.wait(LOOK_EVERY_S)

    def _stop(self) -> int:
        child = self._child
        if child is None:
            return 0
        if child.poll() is not None:
            return child.returncode
        if child.stdin is not None:
            child.stdin.close()  # the client takes this as the wish to stop in order
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        return 0
