"""A whole platform with its operator: a tenant is suspended and resumed, and two people raise a limit together."""

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from kit.testing import eventually
from stage import Stage, StageError

PASSWORD = "a-long-passphrase-of-2026\n"
PEOPLE = (("ann", "trader"), ("riva", "risk_manager"), ("ada", "admin"))

pytestmark = pytest.mark.system


def fetch(stage: Stage, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, str]:
    """(status, body, cookie)."""
    sent = {"Content-Type": "application/json"} | headers
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{stage.address}/api/v1/{path}", data, sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            cookie = (answer.headers["Set-Cookie"] or "").split(";")[0]
            return answer.status, json.loads(answer.read() or b"null"), cookie
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read()), ""


def sign_in(stage: Stage, name: str) -> dict[str, str]:
    status, session, cookie = fetch(stage, "POST", "session", {"name": name, "password": PASSWORD.strip()})
    assert status == 200, session
    return {"Authorization": f"Bearer {cookie.split('=', 1)[1]}"}


async def test_a_tenant_is_suspended_within_a_second_and_two_people_raise_a_limit(stage: Stage) -> None:
    stage.start_platform()
    for name, role in PEOPLE:
        stage.run_cli("user", "add", name, "--role", role, "--password-stdin", stdin=PASSWORD)
    stage.start_client()
    people = {name: sign_in(stage, name) for name, _ in PEOPLE}
    await eventually(lambda: fetch(stage, "GET", "accounts", **people["ann"])[1]["accounts"], within_s=60)
    wish = {
        "account": "1000001", "max_volume": "0.05", "max_orders_per_minute": None, "allowed_symbols": [], "based_on": 0,
        "because": "a test",
    }  # fmt: skip
    status, lowered, _ = fetch(stage, "POST", "limits", wish, **people["ann"])
    assert (status, lowered["state"]) == (201, "applied")

    def denied() -> bool:
        orders = fetch(stage, "GET", "orders?limit=20", **people["ann"])[1]["orders"]
        return any("above the limit of 0.05" in order["reason"] for order in orders)

    await eventually(denied, within_s=60)
    status, waiting, _ = fetch(stage, "POST", "limits", wish | {"max_volume": "1", "based_on": 1}, **people["riva"])
    assert (status, waiting["state"]) == (201, "waiting")
    approve = f"limits/{waiting['id']}/approve"
    assert fetch(stage, "POST", approve, **people["riva"])[1]["code"] == "own_proposal"
    assert fetch(stage, "POST", approve, **people["ann"])[0] == 403
    status, done, _ = fetch(stage, "POST", approve, **people["ada"])
    assert (status, done["state"], done["decided_by"]) == (200, "applied", "ada")

    assert "suspended" in stage.run_cli("tenant", "suspend", "default", "--because", "unpaid")
    await eventually(lambda: fetch(stage, "GET", "limits", **people["ada"])[0] == 401)
    refused = fetch(stage, "POST", "session", {"name": "ada", "password": PASSWORD.strip()})
    assert (refused[0], refused[1]["code"]) == (403, "tenant_suspended")
    wrong = fetch(stage, "POST", "session", {"name": "ada", "password": "not the password at all"})
    assert wrong[1]["code"] == "wrong_name_or_password"
    with pytest.raises(StageError, match="suspended"):
        stage.run_cli("user", "add", "bob", "--role", "viewer", "--password-stdin", stdin=PASSWORD)
    stage.run_cli("tenant", "resume", "default")
    await asyncio.sleep(0.5)
    people["ada"] = sign_in(stage, "ada")

    def trading() -> bool:
        return any(a["connected"] for a in fetch(stage, "GET", "accounts", **people["ada"])[1]["accounts"])

    await eventually(trading, within_s=60)
    stage.run_cli("tenant", "add", "acme", "--plan", "starter")
    listed = json.loads(stage.run_cli("tenant", "list", "--json"))
    assert [(each["tenant"], each["plan"]) for each in listed] == [("acme", "starter"), ("default", "unlimited")]

    def used() -> bool:
        found = fetch(stage, "GET", "usage?days=1", **people["ada"])[1]["days"]
        return bool(found) and all(found[0][name] > 0 for name in ("ticks", "requests", "terminals"))

    await eventually(used, within_s=30)
    assert stage.run_cli("usage", "--csv").startswith("tenant,day,ticks,orders,signals,requests,terminals\ndefault,")
