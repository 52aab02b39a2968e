"""A chain of audit records shows every change."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from contracts.audit import AuditRecord
from contracts.proof import ChainedRecord
from kit.audit_chain import GENESIS, first_break, link

records = st.builds(
    AuditRecord, id=st.text(), tenant=st.just("t"), at_ms=st.integers(0, 2**53), service=st.text(), kind=st.text(),
    subject=st.text(), detail=st.dictionaries(st.text(), st.text(), max_size=3),
)  # fmt: skip


def chained(made: list[AuditRecord]) -> list[ChainedRecord]:
    chain, head = [], GENESIS
    for position, record in enumerate(made, 1):
        chain.append(ChainedRecord(position, record, head, link(head, record)))
        head = chain[-1].hash
    return chain


@given(st.lists(records, min_size=2, max_size=8), st.data())
def test_any_change_to_an_audit_chain_shows(made, data):
    chain = chained(made)
    assert first_break(chain) is None
    at = data.draw(st.integers(0, len(chain) - 1))
    record = chain[at].record
    changed = msgspec.structs.replace(chain[at], record=msgspec.structs.replace(record, kind=record.kind + "!"))
    assert first_break([*chain[:at], changed, *chain[at + 1 :]]) == at + 1
    if at < len(chain) - 1:
        assert first_break(chain[:at] + chain[at + 1 :]) == at + 1
        assert first_break([*chain[:at], chain[at + 1], chain[at], *chain[at + 2 :]]) == at + 1
