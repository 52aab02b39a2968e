"""The EA's source: it can't trade, holds no secret, and speaks the protocol that the connector speaks."""

import re
from pathlib import Path

import pytest

from metatrader_connector.adapters import ea_door, ea_files
from metatrader_connector.domain import ea_frames

ROOT = Path(__file__).resolve().parents[2] / "mql5"
FILES = sorted([*ROOT.rglob("*.mq5"), *ROOT.rglob("*.mqh")])
SOURCES = {file.name: file.read_text("ascii") for file in FILES}
FORBIDDEN = (
    r"OrderSend", r"OrderCheck", r"OrderClose", r"CTrade", r"TRADE_ACTION_", r"PositionClose", r"WebRequest",
    r"#import", r"ShellExecute", r"SendFTP", r"SendMail", r"SendNotification", r"FILE_WRITE", r"FileDelete",
    r"FILE_COMMON", r"ExpertRemove", r"ChartApplyTemplate", r"TerminalClose", r"GlobalVariableSet", r"#resource",
    r"Trade\\", r"Trade/",
)  # fmt: skip


def without_comments(source: str) -> str:
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", source, flags=re.DOTALL)


def defined(name: str) -> str:
    return re.search(rf"#define\s+{name}\s+(\S+)", SOURCES["Protocol.mqh"]).group(1)


def test_there_is_a_source() -> None:
    assert "AITradingFeed.mq5" in SOURCES
    assert len(SOURCES) >= 6


@pytest.mark.parametrize("name", list(SOURCES))
@pytest.mark.parametrize("word", FORBIDDEN)
def test_the_ea_has_nothing_to_trade_write_or_load_a_library_with(name: str, word: str) -> None:
    assert not re.search(word, SOURCES[name])


def test_a_forbidden_word_would_be_found() -> None:
    assert any(re.search(word, "CTrade trade; #import") for word in FORBIDDEN)


@pytest.mark.parametrize("name", list(SOURCES))
def test_inputs_hold_no_text_so_no_secret_can_be_saved_in_a_profile(name: str) -> None:
    inputs = re.findall(r"^\s*s?input\s+(?:group\s+)?(\w+)", SOURCES[name], re.MULTILINE)
    assert set(inputs) <= {"int", "bool"}
    assert bool(inputs) == name.endswith(".mq5")


@pytest.mark.parametrize("name", list(SOURCES))
def test_what_is_included_lies_beside_it(name: str) -> None:
    assert "#include <" not in SOURCES[name]
    assert set(re.findall(r'#include "([^"]+)"', SOURCES[name])) <= set(SOURCES)


@pytest.mark.parametrize("name", list(SOURCES))
def test_brackets_are_closed_outside_of_texts(name: str) -> None:
    code = re.sub(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'', "", without_comments(SOURCES[name]))
    for left, right in ("{}", "()", "[]"):
        assert code.count(left) == code.count(right), left


def test_it_connects_to_this_pc_only() -> None:
    connects = [line for source in SOURCES.values() for line in re.findall(r"SocketConnect\(([^)]*)\)", source)]
    assert connects == ["m_socket, HOST, (uint"]
    assert defined("HOST") == f'"{ea_door.HOST}"'
    assert defined("PATH") == f'"{ea_door.PATH}"'


KINDS = (
    "HELLO", "TICKS", "ALIVE", "SESSIONS", "MARGIN_RATES", "CALENDAR_EVENTS", "CALENDAR_VALUES", "TRANSACTION",
    "RESUME", "FORGET", "ACK",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_both_sides_number_messages_alike_and_the_page_says_so(kind: str) -> None:
    number = getattr(ea_frames, kind)
    assert int(defined(f"KIND_{kind}")) == number
    assert f"| {number} |" in (ROOT / "README.md").read_text("utf-8")


def test_both_sides_know_the_same_limits_and_the_same_file() -> None:
    assert int(defined("PROTOCOL_VERSION")) == ea_frames.VERSION
    assert int(defined("HEAD_BYTES")) == ea_frames.HEAD_BYTES
    assert int(defined("MOST_ROWS")) == ea_frames.MOST_ROWS
    assert defined("TOKEN_FILE") == f'"{ea_files.HANDED_OVER}"'
    assert f'"{ea_files.FIRST_LINE}"' in SOURCES["Protocol.mqh"]
