"""Find the MT5 terminals of this PC, and say in plain words why one of them can't be used."""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

PROGRAM = "terminal64.exe"
MOST = 20
"""Nobody chooses from a longer list."""

ADVICE: tuple[tuple[str, str], ...] = (
    (
        "MT5 says -10003.*x64 not found",
        "There is no MT5 there. Install it from your broker's page, or give the full path of terminal64.exe",
    ),
    (
        "MT5 says -10003.*(No such file|cannot read it as JSON)",
        "The simulator's file is not there or is no JSON: give the path of its file",
    ),
    (
        r"MT5 says -10003.*CreateFile failed \[5\]",
        "MT5 was started as administrator: close it and start it as you start other programs",
    ),
    (
        "MT5 says -10003.*(Process create failed|No MQL5 folder|No origin.txt)",
        "This MT5 can't be started: open it once by hand, then try again",
    ),
    (
        "MT5 says -10003",
        "MT5 did not open its door to programs: close all its windows, open it by hand, wait until prices "
        "move, then try again",
    ),
    (
        "MT5 says -10005",
        "MT5 is open and not logged in: in MT5 choose File, Login to Trade Account, with Save password, then try again",
    ),
    ("MT5 says -6:", "The broker refused the login: log in by hand in MT5 and look at what it says there"),
    (
        "MT5 says -7:",
        "The broker asks for a one-time password or a certificate: log in by hand in MT5 and keep it open",
    ),
    (
        "MT5 says -5:",
        "MT5 and this program are of different versions: let MT5 update itself (Help, Check Desktop "
        "Updates), then this program",
    ),
    ("answered instead of", "Another MT5 answered: close the others, or choose the one that is open"),
    ("MT5 says -1000[0124]", "MT5 was closed or has hung: open it again, then try again"),
    ("did not answer", "MT5 hangs: close it, in the Task Manager if need be, and open it again"),
    (
        "ended during open",
        "The program that speaks with MT5 could not be started: MetaTrader5 needs Windows; elsewhere choose mt5sim",
    ),
    ("a client runs with", "The client is running: stop it first, then try again"),
)
""" what a look at the terminal said -> what a person can do about it; the first that fits """


def advice(trouble: str) -> str:
    """What to do, then what was said; empty for no trouble."""
    if not trouble:
        return ""
    words = next((says for pattern, says in ADVICE if re.search(pattern, trouble, re.DOTALL)), "")
    return f"{words} ({trouble})" if words else trouble


def found_terminals(world: Mapping[str, str], folder_of: "type[Path]" = Path) -> list[Path]:
    """Every terminal64.exe that MT5's own notes, or the usual folders, lead to; each once, the noted ones first."""
    seen: dict[str, Path] = {}
    for folder in _folders(world, folder_of):
        program = folder / PROGRAM
        try:
            if program.is_file():
                seen.setdefault(str(program).casefold(), program)
        except OSError:  # a drive that was taken out
            continue
    return list(seen.values())[:MOST]


def _folders(world: Mapping[str, str], folder_of: "type[Path]") -> Iterator[Path]:
    if roaming := world.get("APPDATA"):
        noted = folder_of(roaming) / "MetaQuotes" / "Terminal"
        for origin in sorted(noted.glob("*/origin.txt")):
            if text := origin_of(origin):
                yield folder_of(text)
    for name in ("ProgramW6432", "PROGRAMFILES", "ProgramFiles(x86)", "LOCALAPPDATA"):
        if root := world.get(name):
            try:
                yield from sorted(one for one in folder_of(root).iterdir() if "metatrader" in one.name.casefold())
            except OSError:
                continue


def origin_of(path: Path) -> str:
    """The folder that an origin.txt names: UTF-16 with a mark as MT5 writes it, or UTF-8; empty when unreadable."""
    try:
        data = path.read_bytes()[:8_192]
    except OSError:
        return ""
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        return ""
    return text.split("\0")[0].strip().rstrip("\\/")


def usual_module() -> str:
    """The real terminal exists on Windows only."""
    return "MetaTrader5" if sys.platform == "win32" else "mt5sim"
