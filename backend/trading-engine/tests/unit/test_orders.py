"""Which moves an order may make, and what executions mean."""

from decimal import Decimal
from itertools import product

import pytest
from engine_world import T0, execution, order

from contracts.executions import ExecutionState as X
from contracts.orders import OrderState as S
from trading_engine.domain.orders import IllegalMove, apply, meaning, move

TABLE = """
                 INI DEN SUB ACC TRI PUP PCA PAR FIL CAN EXP REJ UNK
INITIALIZED       .   x   x   .   .   .   .   .   .   .   .   .   .
DENIED            .   .   .   .   .   .   .   .   .   .   .   .   .
SUBMITTED         .   .   .   x   x   x   x   x   x   x   x   x   x
ACCEPTED          .   .   .   .   x   x   x   x   x   x   x   x   x
TRIGGERED         .   .   .   .   .   x   x   x   x   x   x   x   x
PENDING_UPDATE    .   .   .   x   x   .   x   x   x   x   x   x   x
PENDING_CANCEL    .   .   .   x   x   .   .   x   x   x   x   x   x
PARTIALLY_FILLED  .   .   .   .   .   x   x   x   x   x   x   .   x
FILLED            .   .   .   .   .   .   .   .   .   .   .   .   .
CANCELED          .   .   .   .   .   .   .   x   x   .   .   .   .
EXPIRED           .   .   .   .   .   .   .   x   x   .   .   .   .
REJECTED          .   .   .   .   .   .   .   x   x   .   .   .   .
UNKNOWN           .   .   .   x   x   .   .   x   x   x   x   x   .
"""
ROWS = {line.split()[0]: line.split()[1:] for line in TABLE.strip().splitlines()[1:]}


@pytest.mark.parametrize(("before", "after"), list(product(S, S)))
def test_an_order_moves_only_where_the_table_has_a_cross(before: S, after: S) -> None:
    if ROWS[before][list(S).index(after)] == "x":
        assert move(order(before), after, T0 + 9, "why").state is after
    else:
        with pytest.raises(IllegalMove, match=str(after)):
            move(order(before), after, T0 + 9)


def test_the_table_has_a_row_for_every_state() -> None:
    assert list(ROWS) == [str(s) for s in S]


@pytest.mark.parametrize(
    ("state", "code", "expected", "reason"),
    [
        (X.FILLED, "done", S.FILLED, ""),
        (X.PARTIALLY_FILLED, "done", S.PARTIALLY_FILLED, "because"),
        (X.REFUSED, "volume_step", S.REJECTED, "volume_step: because"),
        (X.REFUSED, "expired", S.REJECTED, "expired: because"),
        (X.REFUSED, "replayed", S.UNKNOWN, "replayed: because"),
        (X.REJECTED, "retcode_10030", S.REJECTED, "retcode_10030: because"),
        (X.NOT_SENT, "absent", S.REJECTED, "not sent: absent: because"),
        (X.NOT_SENT, "expired", S.EXPIRED, "not sent: expired: because"),
        (X.UNKNOWN, "no_answer", S.UNKNOWN, "no_answer: because"),
    ],
)
def test_every_execution_has_a_meaning(state: X, code: str, expected: S, reason: str) -> None:
    assert meaning(execution(order(), state, code=code, reason="because")) == (expected, reason)


def test_a_code_without_a_sentence_is_the_reason() -> None:
    assert meaning(execution(order(), X.REJECTED, code="retcode_10006", reason=""))[1] == "retcode_10006"


def test_a_fill_brings_volume_price_ticket_and_deal() -> None:
    filled = apply(order(), execution(order()), T0 + 50)
    assert filled is not None
    assert (filled.state, filled.filled_volume, filled.price) == (S.FILLED, Decimal("0.1"), 1.1002)
    assert (filled.ticket, filled.deal, filled.updated_ms) == (11, 12, T0 + 50)


def test_a_rejection_leaves_volume_and_ticket_alone() -> None:
    rejected = apply(order(), execution(order(), X.REJECTED), T0)
    assert rejected is not None
    assert (rejected.filled_volume, rejected.price, rejected.ticket) == (Decimal(0), 0.0, 0)


def test_the_same_execution_again_changes_nothing() -> None:
    filled = apply(order(), execution(order()), T0)
    assert filled is not None
    assert apply(filled, execution(order()), T0 + 5) is None


def test_a_report_that_knows_the_deal_completes_an_order_found_by_its_position() -> None:
    found = move(order(S.UNKNOWN), S.FILLED, T0, filled_volume=Decimal("0.1"), ticket=13)
    completed = apply(found, execution(order()), T0 + 5)
    assert completed is not None
    assert (completed.deal, completed.ticket) == (12, 11)


def test_an_old_report_never_shrinks_a_fill() -> None:
    filled = move(order(), S.PARTIALLY_FILLED, T0, filled_volume=Decimal("0.08"))
    late = execution(order(), X.PARTIALLY_FILLED, filled_volume=Decimal("0.05"))
    assert apply(filled, late, T0 + 5) is None


def test_unknown_twice_is_unknown_once() -> None:
    assert apply(order(S.UNKNOWN), execution(order(), X.UNKNOWN), T0) is None


@pytest.mark.parametrize("before", [S.CANCELED, S.EXPIRED, S.REJECTED])
def test_a_late_fill_may_follow(before: S) -> None:
    late = apply(order(before), execution(order()), T0)
    assert late is not None
    assert late.state is S.FILLED


def test_every_move_is_later_than_the_one_before_even_when_the_clock_steps_back() -> None:
    assert move(order(updated_ms=T0), S.FILLED, T0 - 1_000).updated_ms == T0 + 1
