"""Terminals are found by MT5's own notes, and a terminal's trouble becomes something a person can do."""

import json
from pathlib import Path

import pytest

from desktop.terminals import ADVICE, advice, found_terminals, origin_of

CODES = (-10000, -10001, -10002, -10003, -10004, -10005, -5, -6, -7)


def installed(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "terminal64.exe").write_bytes(b"MZ")
    return folder / "terminal64.exe"


def noted(roaming: Path, number: int, folder: Path, encoding: str = "utf-16") -> None:
    note = roaming / "MetaQuotes" / "Terminal" / f"{number:032X}"
    note.mkdir(parents=True)
    (note / "origin.txt").write_bytes(str(folder).encode(encoding))


def test_the_notes_of_mt5_lead_to_terminals_wherever_they_are_installed(tmp_path) -> None:
    first, second = installed(tmp_path / "D" / "Broker MT5"), installed(tmp_path / "E" / "ünïcode")
    noted(tmp_path / "roaming", 1, first.parent)
    noted(tmp_path / "roaming", 2, second.parent, "utf-8-sig")
    assert found_terminals({"APPDATA": str(tmp_path / "roaming")}) == [first, second]


def test_usual_folders_are_looked_into_and_nothing_is_named_twice(tmp_path) -> None:
    program = installed(tmp_path / "Program Files" / "MetaTrader 5")
    noted(tmp_path / "roaming", 1, program.parent)
    world = {"APPDATA": str(tmp_path / "roaming"), "PROGRAMFILES": str(tmp_path / "Program Files")}
    assert found_terminals({**world, "ProgramW6432": str(tmp_path / "Program Files")}) == [program]


def test_an_uninstalled_terminal_and_damaged_notes_are_left_out(tmp_path) -> None:
    noted(tmp_path / "roaming", 1, tmp_path / "gone")
    damaged = tmp_path / "roaming" / "MetaQuotes" / "Terminal" / "X"
    damaged.mkdir(parents=True)
    (damaged / "origin.txt").write_bytes(b"\xff\xfe\x00")
    assert origin_of(damaged / "origin.txt") == ""
    assert found_terminals({"APPDATA": str(tmp_path / "roaming"), "PROGRAMFILES": str(tmp_path / "nowhere")}) == []
    assert found_terminals({}) == []


@pytest.mark.parametrize("code", CODES)
def test_every_error_of_opening_a_terminal_has_advice(code) -> None:
    assert advice(f"MT5 says {code}: some text") != f"MT5 says {code}: some text"


def test_the_texts_of_the_package_are_told_apart() -> None:
    said = "MT5 says -10003: IPC initialize failed, "
    assert "Install it" in advice(said + "MetaTrader 5 x64 not found")
    assert "administrator" in advice(said + "CreateFile failed [5]")
    assert "open it once by hand" in advice(said + "No origin.txt in 'C:\\x'")
    assert "door to programs" in advice(said + "Pipe server didn't answer in 60 sec")
    assert advice("") == ""
    assert advice("something new") == "something new"
    assert json.dumps(ADVICE).count("then try again") >= 5
