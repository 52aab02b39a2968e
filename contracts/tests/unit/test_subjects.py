"""Facts about subjects, streams and rights."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import ports, subjects
from contracts.errors import ContractError


@given(st.text(min_size=1))
def test_any_name_becomes_one_token_and_comes_back(name: str) -> None:
    token = subjects.token(name)
    assert not set(token) & set(". *>\t\n")
    assert subjects.name_of(token) == name


def test_a_token_that_is_no_text_is_refused() -> None:
    with pytest.raises(ContractError):
        subjects.name_of("=FF")


def test_a_symbol_with_a_suffix_stays_one_token() -> None:
    assert subjects.ticks("default", "1", "EURUSD.pro") == "ticks.default.1.EURUSD=2Epro"


def test_a_line_break_behind_a_name_is_no_part_of_it() -> None:
    for pattern, name in ((subjects.TENANT, "default"), (subjects.ACCOUNT, "1000001"), (subjects.SYMBOL, "EURUSD")):
        assert pattern.match(name)
        assert not pattern.match(name + "\n")


def test_every_port_is_used_once() -> None:
    assert len(set(ports.PORTS.values())) == len(ports.PORTS)


def test_only_the_bridge_writes_ticks_and_only_the_engine_writes_signals() -> None:
    writers = {s: [name for name, r in subjects.RIGHTS.items() if s in r.writes] for s in ("ticks.>", "signals.>")}
    assert writers == {"ticks.>": ["data-bridge"], "signals.>": ["trading-engine"]}
