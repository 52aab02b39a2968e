"""What each role may do at the gateway, written down a second time: a change of the table has to be meant twice."""

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "backend/api-gateway/tests"))

from gateway_world import World, running  # noqa: E402 the gateway's own small platform

EVERYBODY = frozenset({"viewer", "trader", "admin"})
MAY = {
    ("GET", "/api/v1/session"): EVERYBODY,
    ("GET", "/api/v1/symbols"): EVERYBODY,
    ("GET", "/api/v1/accounts"): EVERYBODY,
    ("GET", "/api/v1/positions"): EVERYBODY,
    ("GET", "/api/v1/orders"): EVERYBODY,
    ("GET", "/api/v1/executions"): EVERYBODY,
    ("GET", "/api/v1/services"): frozenset({"admin"}),
    ("GET", "/api/v1/audit"): frozenset({"admin"}),
    ("POST", "/api/v1/commands"): frozenset({"trader", "admin"}),
}
ORDER = b'{"kind":"pause","reason":"attack"}'


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path) as made:
        yield made


async def test_each_role_gets_in_where_it_may_and_nowhere_else(
    world: World, counted: Callable[[int, int], None]
) -> None:
    tried = 0
    for (method, path), allowed in MAY.items():
        for role in ("", "nobody", "root", "ADMIN", *sorted(EVERYBODY)):
            headers = {"content-type": "application/json", "idempotency-key": f"attack-{role or 'none'}-1"}
            if role:
                headers |= world.bearer(role)
            answer = await world.http.request(method, path, headers=headers, content=ORDER if method == "POST" else b"")
            inside = answer.status_code not in (401, 403)
            assert inside == (role in allowed), (method, path, role, answer.status_code, answer.text)
            tried += 1
    counted(tried, 63)
