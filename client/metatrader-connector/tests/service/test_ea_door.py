"""The EA's door on a real socket: who comes in, who does not, and ticks all the way to the reader."""

import asyncio
import base64
import os
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import ea_room as ea
import pytest

from data_collector.adapters import mql5_calendar
from kit.clock import SystemClock
from kit.testing import eventually
from metatrader_connector.adapters.ea_door import EaDoor
from metatrader_connector.adapters.ea_files import CALENDAR, HANDED_OVER, EaFiles, hand_over_token
from metatrader_connector.domain.cursor import Cursor, rows_of, unread
from metatrader_connector.domain.ea_facts import EaFacts, Kept
from metatrader_connector.domain.feed_watch import FeedWatch
from metatrader_connector.domain.terminal import TickRead
from metatrader_connector.ea_desk import EaDesk
from metatrader_connector.ea_ticks import MergedTicks

FEW_S = 5.0


@dataclass
class Line:
    """The client's end, spoken by hand."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    status: int

    def send(self, frame: bytes, opcode: int = 2) -> None:
        mask = os.urandom(4)
        length = len(frame)
        head = bytes([0x80 | opcode]) + (
            bytes([0x80 | length]) if length < 126 else bytes([0xFE]) + length.to_bytes(2, "big")
        )
        self.writer.write(head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(frame)))

    async def receive(self) -> tuple[int, bytes]:
        first, second = await asyncio.wait_for(self.reader.readexactly(2), FEW_S)
        return first & 15, await asyncio.wait_for(self.reader.readexactly(second & 127), FEW_S)

    async def closed(self) -> str:
        """Why it was closed."""
        while True:
            opcode, body = await self.receive()
            if opcode == 8:
                return body[2:].decode()


@dataclass
class House:
    door: EaDoor
    desk: EaDesk
    ticks: MergedTicks
    terminal: ea.MemoryTerminal
    files: EaFiles
    folder: Path

    async def knock(self, token: str | None = None, path: str = "/ea", host: str = "", more: str = "") -> Line:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.door.port)
        key = base64.b64encode(os.urandom(16)).decode()
        token = self.door.token if token is None else token
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {host or f'127.0.0.1:{self.door.port}'}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {token}\r\n{more}\r\n".encode()
        )
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), FEW_S)
        return Line(reader, writer, int(head.split()[1]))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    clock = SystemClock()
    terminal = ea.MemoryTerminal({"EURUSD": ea.history([ea.START_MS] * 3 + [ea.START_MS + 5])})
    ticks, files = MergedTicks(terminal, clock), EaFiles(tmp_path)
    feed = FeedWatch("utc", 60_000)
    desk = EaDesk("1000001", ticks, EaFacts(files.facts()), clock, files, lambda: None, feed, lambda: "")
    door = EaDoor(desk, clock, 0)
    await door.start()
    folder = tmp_path / "Files"
    folder.mkdir()
    door.token = hand_over_token(folder, door.port)
    yield House(door, desk, ticks, terminal, files, folder)
    await door.stop()


async def test_the_token_lies_in_a_file_of_its_own_and_is_new_each_time(house: House) -> None:
    path = house.folder / HANDED_OVER
    assert path.read_text().split() == ["aitrading-ea", "1", str(house.door.port), house.door.token]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert hand_over_token(house.folder, 1) != house.door.token


def test_a_folder_that_is_not_there_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Open Data Folder"):
        hand_over_token(tmp_path / "none", 1)


async def test_whoever_has_the_token_comes_in(house: House) -> None:
    line = await house.knock()
    assert line.status == 101
    line.send(ea.hello())
    await eventually(lambda: house.desk.live is not None)
    assert await line.receive() == (2, ea.head(131, 1) + (1).to_bytes(8, "little"))


@pytest.mark.parametrize("token", ["", "0" * 64, "é", "0" * 5_000])
async def test_nobody_else_comes_in(house: House, token: str) -> None:
    assert (await house.knock(token)).status == 401
    assert house.door.refused == 1


async def test_nobody_comes_in_before_the_token_was_handed_over(house: House) -> None:
    house.door.token = ""
    assert (await house.knock("")).status == 401


async def test_a_web_page_does_not_come_in_even_with_the_token(house: House) -> None:
    assert (await house.knock(more="Origin: http://127.0.0.1\r\n")).status == 403


async def test_a_name_that_was_made_to_point_here_does_not_come_in(house: House) -> None:
    assert (await house.knock(host="evil.example")).status == 403


@pytest.mark.parametrize("path", ["/", "/ea/", "/ea?token=1", "/EA"])
async def test_there_is_one_door(house: House, path: str) -> None:
    assert (await house.knock(path=path)).status == 404


@pytest.mark.parametrize("path", ["/metrics", "/health/ready"])
async def test_what_the_connector_knows_about_itself_is_not_told_here(house: House, path: str) -> None:
    line = await house.knock(path=path)
    assert b"ticks" not in await line.reader.read(10_000)


async def test_only_a_few_may_wait_at_the_door(house: House) -> None:
    lines = [await house.knock() for _ in range(5)]
    assert [line.status for line in lines] == [101] * 4 + [503]


@pytest.mark.parametrize(("opcode", "body"), [(1, b"text"), (0, b"rest")])
async def test_text_and_pieces_end_the_talk(house: House, opcode: int, body: bytes) -> None:
    line = await house.knock()
    line.send(ea.hello())
    await eventually(lambda: house.desk.live is not None)
    line.send(body, opcode)
    await eventually(lambda: house.desk.live is None)


async def test_the_ea_is_told_why_it_is_sent_away(house: House) -> None:
    line = await house.knock()
    line.send(ea.hello(login=7))
    assert "logged in to 7" in await line.closed()


async def test_ticks_of_recorded_frames_reach_the_reader_once_and_in_order(house: House) -> None:
    line = await house.knock()
    line.send(ea.hello())
    await eventually(lambda: house.desk.live is not None)
    house.terminal.visible["EURUSD"] = 2
    cursor, taken = Cursor("EURUSD", ea.START_S), []

    async def read() -> None:
        nonlocal cursor
        (packed,) = await house.ticks.ticks((TickRead("EURUSD", cursor.read_from_s, cursor.taken + 5_000),))
        if packed:
            found = unread(cursor, rows_of(packed))
            cursor = found.cursor
            taken.extend(row.tobytes() for row in rows_of(packed)[found.start :])

    await read()
    rows = [row.tobytes() for row in house.terminal.rows["EURUSD"]]
    line.send(ea.ticks(2, "EURUSD", ea.START_S, 0, rows[:3]))
    line.send(ea.ticks(2, "EURUSD", ea.START_S, 0, rows[:3]))
    line.send(ea.ticks(3, "EURUSD", ea.START_S, 2, rows[2:]))
    await eventually(lambda: house.ticks.pushed == 2)
    house.terminal.visible["EURUSD"] = 4
    await read()
    await read()
    assert taken == rows


async def test_when_the_ea_goes_the_terminal_is_asked(house: House) -> None:
    line = await house.knock()
    line.send(ea.hello())
    await eventually(lambda: house.desk.live is not None)
    line.writer.close()
    await eventually(lambda: house.desk.live is None)
    before = house.terminal.asked
    await house.ticks.ticks((TickRead("EURUSD", ea.START_S, 10),))
    assert house.terminal.asked == before + 1


async def test_the_collector_reads_the_calendar_that_was_handed_over(house: House) -> None:
    event = ((840_030_016, 1, 3, 0, 1, 0, 1), "USD", "Core CPI m/m", "https://www.bls.gov")
    value = (1_000, 840_030_016, ea.START_S + 10_800, 200_000, -(2**63), -(2**63), 300_000)
    line = await house.knock()
    line.send(ea.hello())
    line.send(ea.alive(2, server_s=ea.START_S + 10_800))
    line.send(ea.calendar_events(3, [event]))
    line.send(ea.calendar_values(4, 9, [value]))
    await eventually(lambda: house.desk.facts.calendar() is not None)
    await house.desk.look()
    (item,) = mql5_calendar.parse("mt5", (house.files.home / CALENDAR).read_bytes())
    assert (item.at_ms, item.title, item.actual, item.forecast, item.previous) == (
        ea.START_MS,
        "Core CPI m/m",
        "0.2%",
        "0.3%",
        "",
    )


def test_what_was_kept_comes_back_and_a_torn_file_is_no_harm(tmp_path: Path) -> None:
    files = EaFiles(tmp_path)
    assert files.facts() == Kept()
    files.keep_facts(Kept(utc_offset_s=7_200))
    assert files.facts().utc_offset_s == 7_200
    (tmp_path / "ea.json").write_text('{"utc_')
    assert files.facts() == Kept()
