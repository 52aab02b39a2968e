"""The order of start and stop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central_hub.domain.programs import (
    NATS,
    POSTGRES,
    PROGRAMS,
    OrderFault,
    Program,
    check,
    stop_groups,
    waves,
    without,
)


def test_engines_start_first_and_whoever_needs_the_store_last() -> None:
    groups = waves(PROGRAMS)
    assert set(groups[0]) == {NATS, POSTGRES}
    assert groups[1] == ("database-service",)
    assert set(groups[2]) == {"api-gateway", "trading-engine", "data-bridge"}


def test_stopping_is_the_reverse_of_starting() -> None:
    assert stop_groups(PROGRAMS) == waves(PROGRAMS)[::-1]


def test_the_table_of_the_platform_is_in_order() -> None:
    check(PROGRAMS)


def test_a_circle_is_told_with_the_names_in_it() -> None:
    with pytest.raises(OrderFault, match="circle: a, b"):
        check([Program("a", ("b",)), Program("b", ("a",)), Program("c")])


def test_a_need_that_nobody_starts_is_told() -> None:
    with pytest.raises(OrderFault, match="a needs ghost"):
        check([Program("a", ("ghost",))])


def test_a_name_that_stands_twice_is_told() -> None:
    with pytest.raises(OrderFault, match="listed twice: a"):
        check([Program("a"), Program("a")])


def test_an_engine_that_runs_elsewhere_is_no_longer_waited_for() -> None:
    table = without(PROGRAMS, {POSTGRES})
    assert POSTGRES not in {p.name for p in table}
    assert next(p for p in table if p.name == "database-service").needs == (NATS,)
    check(table)


def test_only_programs_with_a_module_are_services() -> None:
    assert {p.name for p in PROGRAMS if p.is_engine} == {NATS, POSTGRES}


@given(st.lists(st.sets(st.integers(0, 9)), max_size=10))
def test_nobody_starts_before_what_it_needs(needs: list[set[int]]) -> None:
    # each program may need any of the earlier ones: such a table always has an order
    table = [Program(f"p{i}", tuple(f"p{n}" for n in sorted(n) if n < i)) for i, n in enumerate(needs)]
    started: set[str] = set()
    by_name = {program.name: program for program in table}
    for group in waves(table):
        for name in group:
            assert started.issuperset(by_name[name].needs)
        started.update(group)
    assert started == set(by_name)
