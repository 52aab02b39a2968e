"""Commands from a person to the bus."""

from typing import Any

from gateway_world import ACCOUNT, World

from contracts.audit import AuditRecord
from contracts.codec import decode
from contracts.commands import Command, PauseTrading, PlaceOrder, ResumeTrading

ORDER = {"account": ACCOUNT, "symbol": "EURUSD", "side": "BUY", "volume": "0.10"}
PLACE: dict[str, Any] = {"kind": "place_order", "order": ORDER}


async def give(world: World, body: Any = PLACE, key: str = "key-00000001", role: str = "trader", **kwargs: Any) -> Any:
    headers = world.cookie(role) | {"idempotency-key": key}
    return await world.http.post("/api/v1/commands", json=body, headers=headers, **kwargs)


def commands(world: World) -> list[Command]:
    return [decode(data, Command) for data in world.bus.on("commands.>")]


async def test_a_command_reaches_the_bus_with_who_gave_it_after_its_audit_record(world: World) -> None:
    answer = await give(world)
    assert answer.status_code == 202
    (command,) = commands(world)
    assert command.id == answer.json()["id"]
    assert (command.tenant, command.given_by, command.given_ms) == ("default", "ann", world.clock.now_ms())
    assert isinstance(command.body, PlaceOrder)
    (record,) = (decode(data, AuditRecord) for data in world.bus.on("audit.default"))
    assert (record.kind, record.subject, record.detail["volume"]) == ("command_given", command.id, "0.10")
    assert record.correlation_id == command.correlation_id != ""
    subjects = [subject for subject, _ in world.bus.sent if subject.split(".")[0] in ("audit", "commands")]
    assert subjects == ["audit.default", "commands.default"]


async def test_the_same_key_twice_is_one_command_and_another_body_is_a_conflict(world: World) -> None:
    first, again = await give(world), await give(world)
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(commands(world)) == 1
    other = await give(world, {"kind": "pause"})
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")


async def test_after_a_failure_the_same_key_gives_the_same_command_with_its_first_time(world: World) -> None:
    world.bus.down = True
    assert (await give(world)).status_code == 503
    world.bus.down = False
    world.clock.advance(1_000)
    assert (await give(world)).status_code == 202
    assert commands(world)[0].given_ms == world.clock.now_ms() - 1_000


async def test_pausing_keeps_its_reason(world: World) -> None:
    assert (await give(world, {"kind": "pause", "reason": "news"})).status_code == 202
    assert commands(world)[0].body == PauseTrading("news")


async def test_what_is_no_command_does_not_reach_the_bus(world: World) -> None:
    for body, status in (
        (PLACE | {"order": ORDER | {"account": "9999999"}}, 404),
        (PLACE | {"order": ORDER | {"symbol": "NOPE"}}, 404),
        (PLACE | {"order": ORDER | {"volume": "NaN"}}, 422),
        (PLACE | {"order": ORDER | {"volume": "-1"}}, 422),
        (PLACE | {"order": ORDER | {"volume": "one"}}, 422),
        (PLACE | {"order": ORDER | {"side": "HOLD"}}, 422),
        (PLACE | {"order": ORDER | {"sl": 1}}, 422),
        (PLACE | {"tenant": "other"}, 422),
        ({"kind": "close_everything"}, 422),
    ):
        answer = await give(world, body)
        assert answer.status_code == status, answer.text
    for key in ("", "short", "with space", "x" * 65):
        assert (await give(world, key=key)).json()["code"] == "invalid_key"
    assert (await give(world, role="viewer")).status_code == 403
    assert commands(world) == []


async def test_a_field_that_stands_twice_is_refused(world: World) -> None:
    headers = world.bearer("trader") | {"idempotency-key": "key-00000001", "content-type": "application/json"}
    text = '{"kind": "pause", "reason": "a", "reason": "b"}'
    answer = await world.http.post("/api/v1/commands", content=text, headers=headers)
    assert (answer.status_code, "twice" in answer.json()["reason"]) == (422, True)


async def test_a_flood_of_commands_is_slowed_down(world: World) -> None:
    statuses = [(await give(world, {"kind": "pause"}, f"key-{n:08d}")).status_code for n in range(121)]
    assert statuses == [202] * 120 + [429]


async def test_A06_trading_is_not_resumed_while_the_audit_store_is_away_and_can_always_be_paused(world: World) -> None:
    resume = {"kind": "resume", "reason": "checked"}
    world.platform.audit_down = True
    assert (await give(world, resume, "key-resume-1")).status_code == 503
    assert commands(world) == []
    assert (await give(world, {"kind": "pause", "reason": "news"}, "key-pause-01")).status_code == 202
    world.platform.audit_down = False
    assert (await give(world, resume, "key-resume-1")).status_code == 202
    assert [record.kind for record in world.platform.appended] == ["command_given"]
    assert isinstance(commands(world)[-1].body, ResumeTrading)
