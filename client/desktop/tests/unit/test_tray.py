"""The tray: the icon says how it is, quitting stops the client in order, and both icons keep one contract."""

import ctypes
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

import pytest

from contracts.audit import DependencyHealth, Health
from desktop.health import Answer
from desktop.tray import MOST_TIP, Mood, Tray, seen
from desktop.windows_tray import NotifyIconData, put
from kit.testing import eventually


def answer(app: str, ready: bool, name: str = "terminal", detail: str = "account 1") -> Answer:
    health = Health.OK if ready else Health.FAILED
    return Answer(app, ready, (DependencyHealth(name, health, detail, 1),))


class FakeIcon:
    """As the notification area: shows before `run` are kept, `close` ends `run` from any thread, notices are told."""

    def __init__(self) -> None:
        self.shown: list[tuple[Mood, str]] = []
        self.told: list[str] = []
        self.menu: Sequence[tuple[str, Callable[[], None]]] = ()
        self._closed = threading.Event()

    def show(self, mood: Mood, tip: str) -> None:
        self.shown.append((mood, tip))

    def tell(self, title: str, text: str) -> None:
        self.told.append(text)

    def run(self, menu: Sequence[tuple[str, Callable[[], None]]]) -> None:
        self.menu = menu
        assert self._closed.wait(30)

    def close(self) -> None:
        self._closed.set()


def icons() -> list[object]:
    if sys.platform == "win32":
        from desktop.windows_tray import WindowsIcon

        return [FakeIcon, WindowsIcon]
    skipped = pytest.mark.skip(reason="the real notification area needs Windows: NOTHING of it has been tested here")
    return [FakeIcon, pytest.param(None, marks=skipped, id="WindowsIcon")]


@pytest.mark.parametrize("kind", icons())
def test_an_icon_can_be_shown_before_it_runs_from_another_thread_and_is_closed_from_there(kind) -> None:
    icon = kind()
    icon.show(Mood.STOPPED, "x" * 500)
    ended = threading.Event()

    def work() -> None:
        icon.run([("One", lambda: None)])
        ended.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    for _ in range(100):  # a window that is not there yet can't be closed
        icon.show(Mood.READY, "é😀")
        icon.tell("title", "text")
        icon.close()
        if ended.wait(0.1):
            break
    assert ended.is_set()


def test_the_icon_tells_ready_trouble_and_stopped_apart() -> None:
    assert seen([]) == (Mood.STOPPED, "The client is not running")
    good = answer("metatrader-connector", True)
    assert seen([good]) == (Mood.READY, "Connected: account 1")
    mood, tip = seen([good, answer("security", False, "vault", "y" * 300)])
    assert (mood, tip[:16], len(tip)) == (Mood.TROUBLE, "security: vault:", MOST_TIP)


class Room:
    def __init__(self, tmp_path, program: str = "import sys; sys.stdin.read()") -> None:
        self.icon = FakeIcon()
        self.answers = [answer("metatrader-connector", True)]
        self.child: subprocess.Popen[bytes] | None = None
        self.limits: list[str] = []
        self.program = program
        self.opened: list[str] = []
        self.tray = Tray(tmp_path, self.icon, self.start, lambda: self.answers, self.halt, self.browse)

    def start(self) -> "subprocess.Popen[bytes]":
        self.child = subprocess.Popen([sys.executable, "-c", self.program], stdin=subprocess.PIPE)
        return self.child

    def halt(self, verb: str) -> str:
        self.limits.append(verb)
        return f"did {verb}"

    def browse(self, url: str) -> bool:
        self.opened.append(url)
        return True

    def press(self, label: str) -> None:
        next(act for name, act in self.icon.menu if name.startswith(label))()


async def test_quitting_stops_the_client_in_order(tmp_path) -> None:
    room = Room(tmp_path)
    thread = threading.Thread(target=room.tray.run, daemon=True)
    thread.start()
    await eventually(lambda: (Mood.READY, "Connected: account 1") in room.icon.shown)
    room.press("Stop all orders")
    room.press("Let orders")
    room.press("Show status")
    room.press("Quit")
    await eventually(lambda: not thread.is_alive(), within_s=20)
    assert room.child is not None
    assert room.child.returncode == 0, "it was killed instead of asked"
    assert room.limits == ["halt", "resume"]
    assert room.icon.told[:2] == ["did halt", "did resume"]
    assert "no status page" in room.icon.told[2]


def test_a_change_for_the_worse_is_told_once(tmp_path) -> None:
    room = Room(tmp_path)
    room.tray._child = room.start()
    room.tray.look()
    room.answers = [answer("metatrader-connector", False, "terminal", "AutoTrading button is off in MT5")]
    room.tray.look()
    room.tray.look()
    assert len(room.icon.told) == 1
    assert "AutoTrading" in room.icon.told[0]
    room.tray._stop()
    room.tray.look()
    assert room.icon.shown[-1][0] is Mood.STOPPED


def test_the_structure_is_the_one_of_shellapi_h() -> None:
    assert ctypes.sizeof(ctypes.c_void_p) != 8 or ctypes.sizeof(NotifyIconData) == 976
    assert (NotifyIconData.szTip.offset, NotifyIconData.szInfo.offset, NotifyIconData.guidItem.offset) == (40, 304, 952)


def test_a_text_is_cut_between_characters_and_always_closed() -> None:
    data = NotifyIconData()
    put(data.szTip, "a" * 126 + "😀")
    assert bytes(data.szTip).decode("utf-16-le").rstrip("\0") == "a" * 126
    put(data.szTip, "b")
    assert bytes(data.szTip).decode("utf-16-le").rstrip("\0") == "b"
