"""Commands, heartbeats and views of services."""

from decimal import Decimal

import msgspec
import pytest

from api_gateway.domain.commands import (
    KEPT_MS,
    KEY,
    KEY_REUSED,
    MAX_KEPT,
    Given,
    KeyMemory,
    body_of,
    command_id,
)
from api_gateway.domain.heartbeats import MAX_INSTANCES, HeartbeatBook
from api_gateway.domain.refusals import Refusal
from api_gateway.domain.views import service_view
from contracts.accounts import Side
from contracts.audit import DependencyHealth, Health, Heartbeat
from contracts.commands import PauseTrading, PlaceOrder, ResumeTrading
from contracts.rpc import ServiceRow
from contracts.views import CommandRequest, OrderRequest


def an_order(volume: str = "0.1", position: int = 0) -> OrderRequest:
    return OrderRequest("1", "EURUSD", Side.BUY, Decimal(volume), position)


def test_the_id_is_the_same_for_the_same_user_and_key_and_for_nothing_else() -> None:
    first = command_id("default", "ann", "key-0001")
    assert first == command_id("default", "ann", "key-0001")
    assert len(first) == 32
    assert int(first, 16) > 0
    others = {command_id(*parts) for parts in (("defaul", "tann", "key-0001"), ("default", "bob", "key-0001"))}
    assert first not in others


def test_each_kind_becomes_its_command() -> None:
    order = an_order()
    assert body_of(CommandRequest("place_order", order)) == PlaceOrder("1", "EURUSD", Side.BUY, Decimal("0.1"))
    assert body_of(CommandRequest("pause", None, "news")) == PauseTrading("news")
    assert body_of(CommandRequest("resume")) == ResumeTrading("")


@pytest.mark.parametrize(
    "request_",
    [
        CommandRequest("place_order"),
        CommandRequest("pause", an_order()),
        CommandRequest("close_everything"),
        CommandRequest("pause", None, "x" * 201),
        *(CommandRequest("place_order", an_order(v)) for v in ("0", "-1", "NaN", "Infinity", "1000000.01")),
        CommandRequest("place_order", an_order(position=-1)),
        CommandRequest("place_order", an_order(position=2**63)),
    ],
)
def test_what_is_no_command_is_refused_with_a_sentence(request_: CommandRequest) -> None:
    refusal = body_of(request_)
    assert isinstance(refusal, Refusal)
    assert refusal.status == 422
    assert refusal.reason.endswith(".")


def test_keys_are_8_to_64_safe_characters() -> None:
    assert all(KEY.fullmatch(key) for key in ("abcdefgh", "A-b_9" * 12))
    assert not any(KEY.fullmatch(key) for key in ("", "short", "x" * 65, "abcdefg\n", "abcdefg h"))


def test_a_key_means_one_body_for_ten_minutes() -> None:
    memory = KeyMemory()
    first = memory.note("id", PauseTrading("a"), 0)
    assert isinstance(first, Given)
    assert memory.note("id", PauseTrading("a"), 5) is first
    assert memory.note("id", PauseTrading("b"), 5) is KEY_REUSED
    assert memory.note("id", ResumeTrading("a"), 5) is KEY_REUSED
    assert isinstance(memory.note("id", PauseTrading("b"), KEPT_MS), Given)


def test_the_memory_of_keys_is_bounded() -> None:
    memory = KeyMemory()
    for number in range(MAX_KEPT + 5):
        memory.note(str(number), PauseTrading(""), 0)
    assert len(memory.given) == MAX_KEPT


def beat(service: str, at_ms: int, instance: str = "1") -> Heartbeat:
    return Heartbeat(service, instance, at_ms, 1, "0.1.0", True, 8001, ())


def test_a_service_without_fresh_heartbeats_is_lost() -> None:
    book = HeartbeatBook()
    book.hear(beat("b", 0))
    book.hear(beat("a", 5_000))
    assert [(row.service, row.state) for row in book.rows(6_001)] == [("a", "running"), ("b", "lost")]


def test_the_book_of_heartbeats_is_bounded() -> None:
    book = HeartbeatBook()
    for number in range(MAX_INSTANCES + 3):
        book.hear(beat("s", 0, str(number)))
    assert len(book.last) == MAX_INSTANCES
    assert ("s", "0") not in book.last


def test_a_service_that_was_never_heard_has_no_age() -> None:
    view = service_view(ServiceRow("data-bridge", "starting", 5, 1, None), 100)
    assert (view.heartbeat_age_ms, view.port, view.ready, view.pid) == (-1, 8001, False, 5)
    assert service_view(ServiceRow("x", "running", 5, 1, beat("x", 40)), 100).heartbeat_age_ms == 60
    assert service_view(ServiceRow("x", "running", 5, 1, beat("x", 140)), 100).heartbeat_age_ms == 0


@pytest.mark.parametrize(
    ("state", "health", "ready"),
    [("running", Health.OK, True), ("running", Health.FAILED, False), ("backing_off", Health.OK, False)],
)
def test_an_engine_is_as_ready_as_the_hubs_probe_says(state: str, health: Health, ready: bool) -> None:
    probe = DependencyHealth("nats", health, "JetStream is on", 90)
    view = service_view(ServiceRow("nats", state, 5, 1, None, probe, 4222), 100)
    assert (view.kind, view.ready, view.port, view.dependencies) == ("engine", ready, 4222, (probe,))
    assert (view.heartbeat_age_ms, view.pid, view.restarts) == (-1, 5, 1)


def test_whoever_sends_heartbeats_is_a_service() -> None:
    assert service_view(ServiceRow("x", "running", 5, 1, beat("x", 40)), 100).kind == "service"
    unheard = service_view(ServiceRow("x", "starting", 5, 1, None, port=9), 100)
    assert (unheard.kind, unheard.port) == ("service", 9)


def told(paused: int, at_ms: int = 0, service: str = "trading-engine", instance: str = "1") -> Heartbeat:
    return msgspec.structs.replace(beat(service, at_ms, instance), counters={"paused:default": paused})


def test_whether_trading_is_paused_is_what_the_engine_said_in_the_last_seconds() -> None:
    book = HeartbeatBook()
    assert book.paused("default", 0) is None
    book.hear(told(0))
    assert book.paused("default", 6_000) is False
    assert book.paused("other", 6_000) is None
    book.hear(told(1, 1_000))
    assert book.paused("default", 7_000) is True
    assert book.paused("default", 7_001) is None


def test_nobody_but_an_engine_says_whether_trading_is_paused_and_one_that_paused_wins() -> None:
    book = HeartbeatBook()
    book.hear(told(0, service="data-bridge"))
    assert book.paused("default", 0) is None
    book.hear(told(1, instance="1"))
    book.hear(told(0, instance="2"))
    assert book.paused("default", 0) is True
