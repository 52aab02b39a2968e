"""Facts about the bus on a real NATS server."""

import asyncio
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts import rpc, subjects
from contracts.codec import decode, encode
from contracts.revocations import Revocation, RevocationKind
from kit.bus import Delivery, Message
from kit.clock import SystemClock
from kit.errors import AnswerFault, BusUnavailable
from kit.keys import key_id
from kit.nats_bus import NatsBus
from kit.revocations import RevocationBook, follow, revoke
from kit.service_tokens import on_behalf_of
from kit.testing import eventually, guard_of
from kit.testing.engines import NatsServer, nats_server
from kit.tokens import mint

pytestmark = pytest.mark.integration


@pytest.fixture
def nats(tmp_path: Path):  # type: ignore[no-untyped-def]
    with nats_server(tmp_path) as server:
        yield server


async def pair(nats: NatsServer) -> tuple[NatsBus, NatsBus]:
    return (
        await nats.connect("data-bridge"),
        await nats.connect("database-service"),
    )


TICKS = subjects.ticks("default", "1", "EURUSD")


async def test_what_was_stored_arrives_in_order_and_once(nats: NatsServer) -> None:
    writer, reader = await pair(nats)
    got: list[bytes] = []

    async def work(deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            got.append(delivery.data)
            await delivery.ack()

    await reader.consume("TICKS", "reader", "ticks.>", work)
    for number in range(50):
        await writer.store(TICKS, b"%d" % number, f"id{number}")
        await writer.store(TICKS, b"%d" % number, f"id{number}")
    await eventually(lambda: len(got) >= 50)
    assert got == [b"%d" % number for number in range(50)]
    await writer.close()
    await reader.close()


async def test_work_that_failed_is_brought_again(nats: NatsServer) -> None:
    writer, reader = await pair(nats)
    attempts: list[int] = []

    async def work(deliveries: list[Delivery]) -> None:
        attempts.append(deliveries[0].attempt)
        if deliveries[0].attempt == 1:
            raise OSError("the store is away")
        await deliveries[0].ack()

    await reader.consume("TICKS", "reader", "ticks.>", work)
    await writer.store(TICKS, b"x")
    await eventually(lambda: attempts == [1, 2])
    await writer.close()
    await reader.close()


async def test_a_consumer_goes_on_where_its_predecessor_stopped(nats: NatsServer) -> None:
    writer, first = await pair(nats)
    got: list[bytes] = []

    async def work(deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            got.append(delivery.data)
            await delivery.ack()

    await first.consume("TICKS", "reader", "ticks.>", work)
    await writer.store(TICKS, b"1")
    await eventually(lambda: got == [b"1"])
    await first.close()
    await writer.store(TICKS, b"2")
    second = await nats.connect("database-service")
    await second.consume("TICKS", "reader", "ticks.>", work)
    await eventually(lambda: got == [b"1", b"2"])
    await second.close()
    await writer.close()


async def test_the_bus_survives_a_restart_of_the_server(nats: NatsServer) -> None:
    writer, reader = await pair(nats)
    got: list[bytes] = []

    async def work(deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            got.append(delivery.data)
            await delivery.ack()

    await reader.consume("TICKS", "reader", "ticks.>", work)
    await writer.store(TICKS, b"1")
    nats.kill()
    with pytest.raises((BusUnavailable, OSError)):
        await asyncio.wait_for(writer.store(TICKS, b"lost"), 1)
    nats.start()

    async def stored() -> bool:
        try:
            await writer.store(TICKS, b"2", "two")
        except BusUnavailable:
            return False
        return True

    await eventually(stored, 20)
    await eventually(lambda: b"2" in got, 20)
    await writer.close()
    await reader.close()


async def test_an_end_of_the_connection_brings_no_warning_of_the_library(
    nats: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    bus = await nats.connect("data-bridge")
    nats.stop()
    await eventually(lambda: not bus._nc.is_connected)
    await bus.close()
    assert [r.message for r in caplog.records if "eof_received" in r.message] == []


async def test_questions_are_answered_refused_or_time_out(nats: NatsServer) -> None:
    asker, answerer = await pair(nats)

    async def find(question: rpc.UserQuestion) -> rpc.UserFound:
        if question.name == "eve":
            raise AnswerFault("not_found", "nobody is called eve")
        if question.name == "bug":
            raise ZeroDivisionError
        return rpc.UserFound(None)

    late = asyncio.create_task(asker.ask(rpc.USER_FIND, rpc.UserQuestion("ann")))
    await answerer.answer(rpc.USER_FIND, find)
    assert (await late).user is None
    with pytest.raises(AnswerFault, match="nobody is called eve"):
        await asker.ask(rpc.USER_FIND, rpc.UserQuestion("eve"))
    with pytest.raises(AnswerFault, match="its log says why"):
        await asker.ask(rpc.USER_FIND, rpc.UserQuestion("bug"))
    with pytest.raises(BusUnavailable):
        await asker.ask(rpc.USER_COUNT, rpc.Nothing(), timeout_s=0.3)
    await asker.close()
    await answerer.close()


async def test_plain_messages_reach_who_listens_now(nats: NatsServer) -> None:
    writer, reader = await pair(nats)
    got: list[Message] = []

    async def hear(message: Message) -> None:
        got.append(message)

    ending = await reader.subscribe("orders.>", hear)
    await writer.publish("orders.default", b"1")
    await eventually(lambda: [m.data for m in got] == [b"1"])
    await ending.stop()
    await writer.close()
    await reader.close()


async def test_a_server_that_is_not_there_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BusUnavailable, match="no NATS server with JetStream answers"):
        await NatsServer(tmp_path).connect("data-bridge", give_up_after_s=0.2)


async def test_the_probe_names_the_servers_version_plainly(nats: NatsServer) -> None:
    bus = await nats.connect("data-bridge")
    assert re.fullmatch(r"NATS \d+\.\d+\.\d+", await bus.probe())
    await bus.close()


async def test_revocations_from_before_are_known_when_following_begins(nats: NatsServer) -> None:
    bus = await nats.connect("operator")
    for number in range(50):
        await revoke(bus, Revocation("default", RevocationKind.USER, f"u{number}", 1_000, "test", "test"))
    book = RevocationBook()
    following = await follow(bus, book)
    assert len(book.entries) == 50
    await revoke(bus, Revocation("default", RevocationKind.SESSION, "s", 1_000, "test", "test"))
    await eventually(lambda: book.refuses(session="s", issued_ms=0))
    await following.stop()
    await bus.close()


async def test_W02_over_the_real_bus_a_question_without_proof_or_about_another_tenant_is_forbidden(
    nats: NatsServer,
) -> None:
    key = Ed25519PrivateKey.generate()
    clock = SystemClock()
    people = {key_id(key): key.public_key()}
    store = await nats.connect("database-service", guard=guard_of("database-service", clock.now_ms, people))
    gateway = await nats.connect("api-gateway", guard=guard_of("api-gateway", clock.now_ms))
    heard: list[rpc.OrdersQuestion] = []

    async def orders(question: rpc.OrdersQuestion) -> rpc.Orders:
        heard.append(question)
        return rpc.Orders(())

    await store.answer(rpc.ORDERS, orders)
    person = mint(key, "access+jwt", "api-gateway", "ann", clock.now_ms() // 1000, 900, tenant="default", role="viewer")
    reset = on_behalf_of.set(person)
    assert await gateway.ask(rpc.ORDERS, rpc.OrdersQuestion("default")) == rpc.Orders(())
    with pytest.raises(AnswerFault, match="forbidden"):
        await gateway.ask(rpc.ORDERS, rpc.OrdersQuestion("other"))
    on_behalf_of.reset(reset)
    with pytest.raises(AnswerFault, match="forbidden"):
        await gateway.ask(rpc.ORDERS, rpc.OrdersQuestion("default"))
    naked = await gateway._nc.request("rpc.database-service.orders.list", encode(rpc.OrdersQuestion("default")))
    assert decode(naked.data, rpc.Fault).code == "forbidden"
    assert heard == [rpc.OrdersQuestion("default")]
    await gateway.close()
    await store.close()
