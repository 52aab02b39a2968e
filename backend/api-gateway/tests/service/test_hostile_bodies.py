"""Bodies that are meant to be misread, and errors that must tell nothing."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from gateway_world import ACCOUNT, World
from litestar import get
from prometheus_client import CollectorRegistry

from api_gateway.adapters.dist_pages import DistPages
from api_gateway.adapters.token_office import TokenOffice
from api_gateway.routes.application import application
from api_gateway.routes.door import Door
from api_gateway.routes.measures import Measures
from kit.errors import AnswerFault, BusUnavailable
from kit.keys import make_private_key
from kit.revocations import RevocationBook
from kit.testing import FakeClock

ORDER = '"account": "1000001", "symbol": "EURUSD", "side": "BUY"'


async def command(world: World, order: str) -> Any:
    headers = world.bearer("trader") | {"content-type": "application/json", "idempotency-key": "key-00000001"}
    body = '{"kind": "place_order", "order": {' + order + "}}"
    return await world.http.post("/api/v1/commands", content=body.encode("utf-8", "surrogatepass"), headers=headers)


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(f'{ORDER}, "volume": "0.1", "volume": "100"', id="W27 twice"),
        pytest.param(f'{ORDER}, "volume": "0.1", "\\u0076olume": "100"', id="W27 twice, escaped"),
        *[
            pytest.param(f'{ORDER}, "volume": {volume}', id=f"W28 {volume[:12]}")
            for volume in (
                "NaN",
                "Infinity",
                "1e999",
                "-0.0",
                "1e-400",
                "true",
                '"NaN"',
                '"-0.0"',
                '"1e-400"',
                "[1]",
                '""',
            )
        ],
        *[
            pytest.param(f'{ORDER}, "volume": {volume}', id=f"W29 {volume[:12]}")
            for volume in ("1e30", "1" * 40, '"1e30"', "0." + "1" * 40)
        ],
        pytest.param(f'{ORDER}, "volume": "0.1", "position": 9223372036854775808', id="W29 ticket"),
        pytest.param(f'{ORDER}, "volume": "0.1", "position": 1.5', id="W29 broken ticket"),
        *[
            pytest.param(f'"account": "{ACCOUNT}", "symbol": "{symbol}", "side": "BUY", "volume": "0.1"', id=f"W30 {n}")
            for n, symbol in enumerate(("\\ud800", "EUR\\u0000USD", "A" * 50_000, "\u0415URUSD", "\u202eDSURUE"))
        ],
    ],
)
async def test_W27_W28_W29_W30_an_order_with_two_meanings_is_refused(world: World, order: str) -> None:
    answer = await command(world, order)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid"
    assert not world.bus.on("commands.>")


async def test_an_order_that_is_written_plainly_is_taken(world: World) -> None:
    assert (await command(world, f'{ORDER}, "volume": "0.10"')).status_code == 202


async def test_W27_every_route_that_takes_a_body_reads_it_strictly(world: World) -> None:
    for path in ("/api/v1/session", "/api/v1/setup"):
        twice = b'{"name": "ann", "password": "x", "code": "c", "name": "bob"}'
        answer = await world.http.post(path, content=twice, headers={"content-type": "application/json"})
        assert (answer.status_code, "twice" in answer.json()["reason"]) == (422, True)


ERRORS: list[Exception] = [
    *[
        kind("SELECT hunter2")
        for kind in (
            RuntimeError, KeyError, ValueError, TypeError, AssertionError, RecursionError, MemoryError, TimeoutError,
            ZeroDivisionError, StopAsyncIteration, NotImplementedError, ConnectionResetError, LookupError,
            BusUnavailable,
        )
    ],
    OSError(5, "hunter2"),
    UnicodeDecodeError("utf-8", b"x", 0, 1, "hunter2"),
    AnswerFault("internal", "hunter2"),
]  # fmt: skip


class NoKeys:
    """Nobody has an API key."""

    async def caller(self, key: str, peer: str) -> None:
        return None


async def test_W31_no_accident_tells_anything_but_its_id(tmp_path: Path) -> None:
    waiting = list(ERRORS)
    reported: list[BaseException] = []

    @get("/api/v1/setup")
    async def accident() -> None:
        raise waiting.pop(0)

    api = application([accident], reported.append, "1.2.3", False)
    make_private_key(tmp_path / "token.key")
    office = TokenOffice(tmp_path / "token.key", FakeClock(), RevocationBook())
    measures = Measures(CollectorRegistry(), {})
    door = Door(
        api,
        DistPages(tmp_path),
        office,
        FakeClock(),
        measures,
        reported.append,
        frozenset(),
        False,  # type: ignore[arg-type]
        NoKeys(),
    )

    async def served(scope: Any, receive: Any, send: Any) -> None:
        await door(scope | {"state": {}}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://127.0.0.1") as http:  # type: ignore[arg-type]
        for error in ERRORS:
            answer = await http.get("/api/v1/setup")
            assert answer.status_code in (500, 503), repr(error)
            assert set(answer.json()) == {"code", "reason", "error_id"}
            told = (answer.json()["reason"] + str(answer.headers)).lower()
            for word in ("hunter2", "traceback", "exception", ".py", "litestar", "uvicorn", "select", "1.2.3"):
                assert word not in told
            assert (len(answer.json()["error_id"]) == 32) is (answer.status_code == 500)
    expected = [type(error) for error in ERRORS if not isinstance(error, BusUnavailable)]
    assert [type(error) for error in reported] == expected, (
        "an absent bus is expected, everything else goes to the error book"
    )
