"""The policy's check finds what is not listed, and rows that stand for nothing."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from api_gateway.domain import access
from contracts.subjects import RIGHTS, Rights
from kit import policy


@pytest.fixture
def check(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("policy_check")


def test_the_policy_lists_exactly_what_exists_and_its_page_is_up_to_date(check: ModuleType) -> None:
    assert check.main(["--check"]) == 0


def test_a_route_that_nobody_listed_is_found(check: ModuleType) -> None:
    routes = {*access.TABLE, ("GET", "/api/v1/forgotten")}
    assert [fault for fault in check.faults(routes) if "forgotten" in fault]


def test_a_listed_route_that_is_gone_is_found(check: ModuleType) -> None:
    routes = set(access.TABLE) - {("GET", "/api/v1/bars")}
    assert len(check.faults(routes)) == 1


def test_a_kind_of_command_that_nobody_listed_is_found(check: ModuleType) -> None:
    class SellEverything:
        """Planted."""

    found = check.faults(set(access.TABLE), kinds={*policy.COMMANDS, SellEverything})
    assert len(found) == 1
    assert "SellEverything" in found[0]


def test_a_question_that_nobody_listed_is_found(check: ModuleType) -> None:
    found = check.faults(set(access.TABLE), methods={*check.methods_of(), ("database-service", "users.all")})
    assert len(found) == 1
    assert "users.all" in found[0]


def test_a_service_that_may_more_on_the_bus_than_by_the_policy_is_found(check: ModuleType) -> None:
    bridge = RIGHTS["data-bridge"]
    wider = RIGHTS | {"data-bridge": Rights((*bridge.writes, "signals.>"), bridge.reads)}
    assert any("data-bridge may not write signals.>" in fault for fault in check.bus_faults(wider))
    strange = RIGHTS | {"data-bridge": Rights((*bridge.writes, "gossip.>"), bridge.reads)}
    assert any("gossip.>" in fault for fault in check.bus_faults(strange))


def test_a_page_of_an_edge_that_nobody_listed_is_found(check: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "backend/data-bridge/src").mkdir(parents=True)
    (tmp_path / "backend/data-bridge/src/routes.py").write_text('if path == b"/debug":\n    pass\n')
    assert check.edge_paths(tmp_path) == {"/debug"}


def test_every_verb_of_the_command_line_is_seen(check: ModuleType) -> None:
    assert {"up", "user add", "ticks import"} <= check.verbs()
