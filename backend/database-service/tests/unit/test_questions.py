"""Commits are checked before anything is written."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from contracts.accounts import Side
from contracts.audit import AuditRecord
from contracts.orders import Order, OrderState
from contracts.rpc import Commit
from contracts.signals import SignedSignal
from database_service.domain.questions import commit_fault

ORDER = Order("o1", "default", "1", "manual", "XAUUSD", Side.BUY, Decimal("0.1"), OrderState.SUBMITTED, "", 1, 1)
SIGNAL = SignedSignal("default", "1", "s1", 5, "k", b"p", b"s")
RECORD = AuditRecord("a1", "default", 1, "engine", "order_sent", "o1", {})


def test_a_good_commit_has_no_fault():
    assert commit_fault(Commit((ORDER,), (SIGNAL,), (RECORD,))) is None
    assert commit_fault(Commit()) is None


@pytest.mark.parametrize(
    ("commit", "why"),
    [
        (Commit(orders=(ORDER, replace(ORDER, tenant="A"))), "tenant 'A'"),
        (Commit(orders=(replace(ORDER, account=""),)), "account ''"),
        (Commit(orders=(replace(ORDER, symbol="ЕURUSD"),)), "symbol"),
        (Commit(orders=(replace(ORDER, id=""),)), "order id is empty"),
        (Commit(orders=(replace(ORDER, reason="a\0"),)), "reason holds a NUL"),
        (Commit(orders=(replace(ORDER, volume=Decimal("Infinity")),)), "volume is not a number"),
        (Commit(orders=(replace(ORDER, filled_volume=Decimal("NaN")),)), "volume is not a number"),
        (Commit(signals=(SIGNAL, replace(SIGNAL, signal_id=""))), "signal id is empty"),
        (Commit(signals=(replace(SIGNAL, tenant="../x"),)), "tenant"),
        (Commit(audit=(RECORD, replace(RECORD, at_ms=-1))), "at_ms"),
    ],
)
def test_a_fault_is_said_in_words(commit, why):
    fault = commit_fault(commit)
    assert fault is not None
    assert why in fault
