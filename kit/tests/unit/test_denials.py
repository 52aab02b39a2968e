"""Denials are counted together, and a flood neither loses nor hides one."""

from pathlib import Path

import pytest

from contracts import rpc
from contracts.audit import AuditRecord
from contracts.codec import decode
from kit.denials import FLUSH_AFTER_MS, OTHERS, DenialBook
from kit.errors import AnswerFault
from kit.lifespan import opened
from kit.settings import ServiceSettings
from kit.testing import FakeBus, FakeClock


def test_the_same_denial_many_times_is_one_record_with_its_count() -> None:
    book = DenialBook()
    for at_ms in range(5_000):
        book.add("authz_fail", "default", "ann", "orders.place", "role", at_ms)
    assert book.due(FLUSH_AFTER_MS - 1) == []
    (denial,) = book.due(FLUSH_AFTER_MS)
    assert (denial.count, denial.first_ms, denial.last_ms) == (5_000, 0, 4_999)
    assert denial.detail()["count"] == "5000"
    assert book.due(10**9) == []


def test_A08_a_flood_of_different_denials_is_counted_and_none_is_dropped() -> None:
    book = DenialBook(max_open=100)
    for n in range(20_000):
        book.add("authn_token_invalid", "", f"10.0.{n // 250}.{n % 250}", f"/x{n}", "malformed", n)
    book.add("authn_token_reuse", "default", "ann", "session", "spent", 20_000)
    assert len(book.open) <= 102
    told = book.due(10**9)
    assert sum(d.count for d in told if d.event == "authn_token_invalid") == 20_000
    (reuse,) = [d for d in told if d.event == "authn_token_reuse"]
    assert (reuse.tenant, reuse.count) == ("default", 1)
    assert any(d.who == OTHERS for d in told)


def test_what_could_not_be_written_comes_again_with_what_came_meanwhile() -> None:
    book = DenialBook()
    book.add("authz_fail", "default", "ann", "x", "role", 1)
    (denial,) = book.due(0, all_of_them=True)
    book.add("authz_fail", "default", "ann", "x", "role", 9)
    book.restore(denial)
    (again,) = book.due(0, all_of_them=True)
    assert (again.count, again.first_ms, again.last_ms) == (2, 1, 9)


async def test_a_question_that_was_denied_is_in_the_audit_trail_of_whoever_answers(tmp_path: Path) -> None:
    bus, clock = FakeBus(), FakeClock()
    config = ServiceSettings(port=0, data_dir=tmp_path)

    async def orders(_: rpc.OrdersQuestion) -> rpc.Orders:
        return rpc.Orders(())

    async with opened("database-service", config, bus=bus, clock=clock) as service:
        await service.bus.answer(rpc.ORDERS, orders)
        bridge = bus.join("data-bridge", clock.now_ms)
        for _ in range(3):
            with pytest.raises(AnswerFault, match="forbidden"):
                await bridge.ask(rpc.ORDERS, rpc.OrdersQuestion("default"))
        clock.advance(FLUSH_AFTER_MS)
        bus.down = True
        await service.write_denials()
        bus.down = False
        await service.write_denials()
        (record,) = [decode(data, AuditRecord) for data in bus.on("audit.>")]
        assert (record.kind, record.subject, record.detail["count"]) == ("authz_fail", "data-bridge", "3")
        assert record.detail["what"] == "database-service orders.list"
