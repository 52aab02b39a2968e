"""Autobahn|Testsuite against both WebSocket stacks: cases 1 to 7, and compression, which must stay refused."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import echoes
import pytest
from mutants.planting import Hole, judge

Counted = Callable[[int, int], None]
Reports = dict[str, dict[str, Any]]

BASIC = 246
"""Cases 1 to 7 of version 0.8.2."""
LIMITED = 90
"""Of them, those in which sizes and rates differ most."""
DEFLATE = 216
"""Cases 12 and 13."""
LIMIT_S = 110.0
GOOD = {"OK", "NON-STRICT", "INFORMATIONAL"}
CLOSED_INSIDE = {"7.1.5"}
"""A close between two fragments of a message is answered with 1002 instead of 1000 by `websockets`: closed it is."""
CLOSED_TWICE = {"7.1.2"}
"""Two closes that arrive at once are answered with 1002 instead of 1000 by picows, which reads ahead: closed it is."""
TOO_LONG = {"1.1.6", "1.1.7", "1.1.8", "1.2.6", "1.2.7", "1.2.8"}
"""Messages of 65,535 bytes and more: a browser may say 4,096, so 1009 is the right answer."""


async def fuzz(program: str, folder: Path, port: int, cases: list[str], limit_s: float) -> Reports:
    """case -> what Autobahn says of it"""
    server = {"agent": "ours", "url": f"ws://127.0.0.1:{port}"}
    spec = {"outdir": str(folder / "out"), "servers": [server], "cases": cases, "exclude-cases": []}
    (folder / "spec.json").write_text(json.dumps(spec | {"exclude-agent-cases": {}}))
    with (folder / "said").open("wb") as said:
        client = await asyncio.create_subprocess_exec(
            program, "-m", "fuzzingclient", "-s", str(folder / "spec.json"), cwd=folder, stdout=said, stderr=said
        )
    try:
        await asyncio.wait_for(client.wait(), limit_s)
    finally:
        if client.returncode is None:
            client.kill()
            await client.wait()
    index = folder / "out" / "index.json"
    assert index.exists(), (folder / "said").read_text()[-1_000:]
    reports: Reports = json.loads(index.read_text())["ours"]
    return reports


def bad(reports: Reports) -> dict[str, tuple[str, str, int]]:
    """case -> what was wrong"""
    return {
        case: (found["behavior"], found["behaviorClose"], found["remoteCloseCode"])
        for case, found in reports.items()
        if found["behavior"] not in GOOD
    }


def unclean(reports: Reports) -> set[str]:
    return {case for case, found in reports.items() if found["behaviorClose"] not in GOOD}


async def basic(
    tool: Callable[[str], str], folder: Path, door: AbstractAsyncContextManager[int], parts: str = "1234567"
) -> Reports:
    program = tool("autobahn")
    async with door as port:
        return await fuzz(program, folder, port, [f"{part}.*" for part in parts], LIMIT_S)


async def test_the_gateways_stack_keeps_to_the_protocol(
    tool: Callable[[str], str], tmp_path: Path, counted: Counted
) -> None:
    reports = await basic(tool, tmp_path, echoes.gateway(wide=True))
    assert bad(reports).keys() <= CLOSED_INSIDE, bad(reports)
    assert unclean(reports) <= CLOSED_INSIDE
    counted(len(reports), BASIC)


async def test_with_its_limits_the_gateway_refuses_what_is_too_long_and_nothing_else(
    tool: Callable[[str], str], tmp_path: Path, counted: Counted
) -> None:
    reports = await basic(tool, tmp_path, echoes.gateway(wide=False), "12457")
    wrong = bad(reports)
    assert wrong.keys() - CLOSED_INSIDE == TOO_LONG, wrong
    assert {wrong[case][2] for case in TOO_LONG} == {1009}
    counted(len(reports), LIMITED)


async def test_the_bridges_stack_keeps_to_the_protocol(
    tool: Callable[[str], str], tmp_path: Path, counted: Counted
) -> None:
    reports = await basic(tool, tmp_path, echoes.bridge())
    assert bad(reports).keys() <= CLOSED_TWICE, bad(reports)
    counted(len(reports), BASIC)


@pytest.mark.long
@pytest.mark.parametrize("door", ["gateway", "bridge"])
async def test_compression_is_agreed_to_by_neither(
    tool: Callable[[str], str], tmp_path: Path, door: str, counted: Counted
) -> None:
    program = tool("autobahn")
    async with echoes.gateway(wide=True) if door == "gateway" else echoes.bridge() as port:
        reports = await fuzz(program, tmp_path, port, ["12.*", "13.*"], 590.0)
    assert {found["behavior"] for found in reports.values()} == {"UNIMPLEMENTED"}
    counted(len(reports), DEFLATE)


_HERE = "tests/attack/test_autobahn.py"
_LENIENT = '''def send_receive_event_to_app(self) -> None:
        """Whatever arrives is text."""
        text = b"".join(self.frames).decode(errors="replace")
        self.frames = []
        self.queue.put_nowait({"type": "websocket.receive", "text": text})
        self.read_paused = True
        self.transport.pause_reading()

    def handle_connect('''
HOLES = (
    Hole(
        "whether text is text",
        "backend/api-gateway/src/api_gateway/adapters/websocket_connection.py",
        (("def handle_connect(", _LENIENT),),
        (f"{_HERE}::test_the_gateways_stack_keeps_to_the_protocol",),
    ),
    Hole(
        "that pings are answered",
        "kit/src/kit/edge.py",
        (("PING_WHEN_IDLE,\n            True,", "PING_WHEN_IDLE,\n            False,"),),
        (f"{_HERE}::test_the_bridges_stack_keeps_to_the_protocol",),
    ),
)


@pytest.mark.long
@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: hole.name.replace(" ", "_"))
def test_a_hole_in_a_stack_is_noticed(hole: Hole, tool: Callable[[str], str], tmp_path: Path, counted: Counted) -> None:
    tool("autobahn")  # without it the test that is to notice would be skipped, and say so: so does this one
    verdict = judge(hole, tmp_path / "hole")
    if not verdict.caught:
        pytest.fail(f"nobody noticed that {hole.name} is no longer checked:\n{verdict.story}", pytrace=False)
    counted(1, 1)
