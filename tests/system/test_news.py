"""A calendar of the trader's PC reaches the real store, and the server's settings reach the PC."""

import subprocess
from pathlib import Path

import msgspec
import pytest

from contracts.news import CALENDAR, CalendarEvent, CalendarQuestion
from kit.testing import eventually
from stage import BIN, TENANT, Stage

pytestmark = pytest.mark.system

EXPORT = {
    "format": "mql5-calendar-1",
    "utc_offset_s": 7_200,
    "events": [{"id": 5, "name": "CPI y/y", "currency": "USD", "importance": 3, "unit": 1, "digits": 1}],
    "values": [{"id": 9, "event_id": 5, "time": 1_767_225_600, "forecast_value": 2_700_000}],
}


def config(stage: Stage, *words: str) -> str:
    command = [str(BIN / "aitrading-client"), "config", *words, "--data", str(stage.client_data)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


async def test_an_event_of_the_terminals_calendar_is_stored_and_the_servers_settings_are_taken(stage: Stage) -> None:
    stage.start_platform()
    stage.run_cli("terminal", "configure", "spool_max_mb=512", "max_volume=100")
    calendar: Path = stage.client_data / "calendar" / "mql5.json"
    calendar.parent.mkdir(parents=True)
    calendar.write_bytes(msgspec.json.encode(EXPORT))
    config(stage, "change", "news_sources=ea:mql5=file:calendar/mql5.json")
    stage.start_client()
    async with stage.bus() as bus:

        async def stored() -> tuple[CalendarEvent, ...]:
            return (await bus.ask(CALENDAR, CalendarQuestion(TENANT))).events

        (event,) = await eventually(stored, within_s=60, every_s=0.5)
    assert (event.title, event.forecast, event.source, event.at_ms) == ("CPI y/y", "2.7%", "ea", 1_767_218_400_000)
    await eventually(lambda: "512 MB" in config(stage, "show"), within_s=60, every_s=0.5)
    shown = config(stage, "show")
    assert "revision 1 of the server, without max_volume, unknown to this client" in shown
