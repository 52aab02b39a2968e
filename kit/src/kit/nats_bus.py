"""The bus on NATS with JetStream, over TLS with certificates on both sides."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import nats
import nats.errors
import nats.js.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StorageType, StreamConfig

from contracts import subjects
from contracts.codec import decode, encode
from contracts.errors import ContractError
from contracts.rpc import Fault, Method
from kit import log
from kit.backoff import Backoff
from kit.bus import ASK_TIMEOUT_S, Delivery, Message, OnDeliveries, OnMessage
from kit.errors import AnswerFault, BusUnavailable
from kit.nats_client import KeyedClient
from kit.service_tokens import FORBIDDEN, Guard, QuestionDenied
from kit.tls import TlsFiles, client_context, host_of

Q = TypeVar("Q")
A = TypeVar("A")

STORE_TIMEOUT_S = 5.0
CORRELATION = "Correlation-Id"
FAULT = "Fault"
PENDING_BYTES = 256 * 1024 * 1024
MAX_ANSWERS = 64
"""Questions worked on at the same time, per method; more wait in the subscription's queue."""

_log = log.get("bus")


def _headers(message_id: str = "") -> dict[str, str] | None:
    headers = {}
    if message_id:
        headers["Nats-Msg-Id"] = message_id
    if correlation := log.correlation.get():
        headers[CORRELATION] = correlation
    return headers or None


@dataclass(slots=True)
class _NatsDelivery:
    """A JetStream message with its answers."""

    msg: Msg
    subject: str
    data: bytes
    correlation_id: str
    attempt: int

    async def ack(self) -> None:
        await self.msg.ack()

    async def retry(self, delay_s: float) -> None:
        await self.msg.nak(delay=delay_s)

    async def drop(self) -> None:
        await self.msg.term()


@dataclass(slots=True)
class _Ending:
    """Ends a subscription and the task that works for it."""

    stop_subscription: Callable[[], Awaitable[None]]
    task: "asyncio.Task[None] | None" = None
    kept: int = 0

    async def stop(self) -> None:
        with contextlib.suppress(nats.errors.Error):
            await self.stop_subscription()
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)


def _refuse_hopeless(url: str, seed: Path) -> None:
    if not url.startswith("tls://"):
        raise BusUnavailable(f"{url!r} is not an address of the bus: it begins with tls://, nothing else is spoken")
    if not seed.exists():
        raise BusUnavailable(f"{seed} is not there: the hub makes it; start it with `aitrading up`")


class NatsBus:
    """Build with `connect`. Survives restarts of the server: streams and consumers are made again on reconnect."""

    def __init__(self, service: str, guard: Guard) -> None:
        self.guard = guard
        self._service = service
        self._nc = KeyedClient()
        self._js: JetStreamContext = self._nc.jetstream()
        self._consumers: dict[str, tuple[str, ConsumerConfig]] = {}
        """ durable name -> its stream and configuration, to make it again """
        self._restoring: asyncio.Task[None] | None = None
        self._restore_backoff = Backoff(0.1, 2.0)

    @classmethod
    async def connect(
        cls,
        url: str,
        service: str,
        seed: Path,
        tls: TlsFiles | ssl.SSLContext,
        *,
        guard: Guard,
        give_up_after_s: float = 60.0,
    ) -> "NatsBus":
        """Connect, waiting for the server up to `give_up_after_s`; raises BusUnavailable after that. `seed`: file with
        the service's key on the bus. Who renews certificates hands in a context of `client_context` and keeps it."""
        context = tls if isinstance(tls, ssl.SSLContext) else client_context(tls)
        _refuse_hopeless(url, seed)
        bus = cls(service, guard)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + give_up_after_s
        for delay in Backoff(0.05, 1.0).delays():
            try:
                # the library itself tries for ever once reconnects are allowed
                await asyncio.wait_for(bus._connect(url, seed, context), max(0.1, deadline - loop.time()))
                await bus._ensure_streams()
                return bus
            except (OSError, nats.errors.Error, TimeoutError) as error:
                with contextlib.suppress(Exception):
                    await bus._nc.close()
                if loop.time() + delay > deadline:
                    raise BusUnavailable(f"no NATS server with JetStream answers at {url}: {error!r}") from None
                bus = cls(service, guard)
                await asyncio.sleep(delay)
        raise AssertionError("backoff without attempts never ends")

    async def _connect(self, url: str, seed: Path, context: ssl.SSLContext) -> None:
        await self._nc.connect(
            url,
            name=self._service,
            nkeys_seed=str(seed),
            tls=context,
            tls_hostname=host_of("nats"),
            tls_handshake_first=True,
            inbox_prefix=f"_INBOX.{self._service}".encode(),
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.2,  # type: ignore[arg-type]  # seconds; the library sleeps on it
            connect_timeout=2,
            ping_interval=5,
            max_outstanding_pings=2,
            pending_size=32 * 1024 * 1024,
            error_cb=self._on_error,
            reconnected_cb=self._on_reconnected,
            disconnected_cb=self._on_disconnected,
        )
        self._js = self._nc.jetstream(timeout=STORE_TIMEOUT_S)

    async def _on_error(self, error: Exception) -> None:
        if self._nc.is_connected:  # while connecting, `connect` reports for itself
            _log.warning("bus_error", error=repr(error))

    async def _on_disconnected(self) -> None:
        _log.warning("bus_disconnected")

    async def _on_reconnected(self) -> None:
        _log.info("bus_reconnected")
        if self._restoring is not None:
            # what it asked the server before will never be answered, and what it made there may be gone
            self._restoring.cancel()
        self._restoring = asyncio.create_task(self._restore())

    async def _restore(self) -> None:
        # the server may have come back without its memory streams, or with an empty directory
        for delay in self._restore_backoff.delays():  # until it succeeds or the bus is closed: without it all is deaf
            try:
                await self._ensure_streams()
                for name in list(self._consumers):  # others make and end consumers meanwhile
                    if (known := self._consumers.get(name)) is not None:
                        await self._js.add_consumer(*known)
                return
            except Exception as error:  # noqa: BLE001 whatever it was, deaf is worse
                _log.warning("streams_not_restored", error=repr(error))
                await asyncio.sleep(delay)

    async def _ensure_streams(self) -> None:
        for stream in subjects.STREAMS:
            config = StreamConfig(
                name=stream.name,
                subjects=list(stream.subjects),
                max_age=stream.max_age_s,
                max_bytes=stream.max_bytes,
                max_msgs_per_subject=1 if stream.last_only else -1,
                storage=StorageType.MEMORY if stream.memory else StorageType.FILE,
                duplicate_window=min(120, stream.max_age_s or 120),
            )
            try:
                await self._js.add_stream(config)
            except nats.js.errors.BadRequestError:
                await self._js.update_stream(config)

    async def publish(self, subject: str, data: bytes) -> None:
        """Send to whoever listens now."""
        try:
            await self._nc.publish(subject, data, headers=_headers())
        except (nats.errors.Error, OSError) as error:
            raise BusUnavailable(f"{subject} was not published: {error!r}") from None

    async def store(self, subject: str, data: bytes, message_id: str = "") -> None:
        """Send into the stream of the subject and wait for its acknowledgement."""
        try:
            headers = _headers(message_id)
            future = await self._js.publish_async(subject, data, headers=headers, wait_stall=STORE_TIMEOUT_S)
            await asyncio.wait_for(future, STORE_TIMEOUT_S)
        except (nats.errors.Error, TimeoutError, OSError) as error:
            raise BusUnavailable(f"{subject} was not acknowledged by its stream: {error!r}") from None

    async def subscribe(self, subject: str, on_message: OnMessage, *, pending: int = 65_536) -> _Ending:
        """Hear what is published from now on."""

        async def receive(msg: Msg) -> None:
            try:
                await on_message(Message(msg.subject, msg.data, (msg.headers or {}).get(CORRELATION, "")))
            except Exception as error:  # noqa: BLE001 one bad message must not end the subscription
                _log.error("message_failed", subject=msg.subject, error=repr(error), exc_info=True)

        sub = await self._nc.subscribe(
            subject, cb=receive, pending_msgs_limit=pending, pending_bytes_limit=PENDING_BYTES
        )
        await self._nc.flush()
        return _Ending(sub.unsubscribe)

    async def consume(
        self,
        stream: str,
        name: str,
        subject: str,
        on_deliveries: OnDeliveries,
        *,
        in_flight: int = 256,
        ack_wait_s: float = 30.0,
        only_new: bool = False,
        forget_after_s: float = 0.0,
    ) -> _Ending:
        """Work through a stream under a durable name. A push consumer: it brings messages without being asked, and
        `in_flight` bounds what waits here."""
        deliver = f"deliver.{self._service}.{name}"
        config = ConsumerConfig(
            durable_name=name,
            filter_subject=subject,
            deliver_subject=deliver,
            deliver_policy=DeliverPolicy.NEW if only_new else DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ack_wait_s,
            max_ack_pending=in_flight,
            inactive_threshold=forget_after_s or None,
        )
        arrived: asyncio.Queue[Msg] = asyncio.Queue()  # bounded by max_ack_pending: the server stops bringing
        sub = await self._nc.subscribe(
            deliver, cb=arrived.put, pending_msgs_limit=in_flight * 4, pending_bytes_limit=PENDING_BYTES
        )
        try:
            made = await self._js.add_consumer(stream, config)
        except (nats.errors.Error, TimeoutError) as error:
            await sub.unsubscribe()
            raise BusUnavailable(f"consumer {name} of {stream} was not made: {error!r}") from None
        self._consumers[name] = (stream, config)
        task = asyncio.create_task(self._work(name, arrived, on_deliveries), name=f"consume {name}")

        async def stop() -> None:
            self._consumers.pop(name, None)
            await sub.unsubscribe()

        # some may have been brought between the making and the counting
        kept = (made.num_pending or 0) + (made.num_ack_pending or 0)
        return _Ending(stop, task, kept)

    async def _work(self, name: str, arrived: "asyncio.Queue[Msg]", on_deliveries: OnDeliveries) -> None:
        while True:
            msgs = [await arrived.get()]
            while not arrived.empty():
                msgs.append(arrived.get_nowait())
            deliveries: list[Delivery] = [
                _NatsDelivery(
                    m, m.subject, m.data, (m.headers or {}).get(CORRELATION, ""), m.metadata.num_delivered or 1
                )
                for m in msgs
            ]
            try:
                await on_deliveries(deliveries)
            except Exception as error:  # noqa: BLE001 what was not acknowledged is brought again
                _log.error("deliveries_failed", consumer=name, count=len(msgs), error=repr(error), exc_info=True)
                await asyncio.sleep(0.1)
                for delivery in deliveries:
                    with contextlib.suppress(Exception):  # already answered ones refuse a second answer
                        await delivery.retry(0.5)

    async def ask(self, method: Method[Q, A], question: Q, timeout_s: float = ASK_TIMEOUT_S) -> A:
        """Ask a service and decode its answer."""
        subject = subjects.rpc(method.service, method.name)
        try:
            async with asyncio.timeout(timeout_s):
                reply = await self._request(subject, encode(question), timeout_s, self.guard.headers(method))
        except (nats.errors.Error, TimeoutError, OSError) as error:
            raise BusUnavailable(f"{method.service} did not answer {method.name}: {error!r}") from None
        if reply.headers and FAULT in reply.headers:
            fault = decode(reply.data, Fault)
            raise AnswerFault(fault.code, fault.reason)
        return decode(reply.data, method.answer)

    async def _request(self, subject: str, data: bytes, timeout_s: float, proofs: dict[str, str]) -> Msg:
        headers = proofs | (_headers() or {})
        for delay in Backoff(0.02, 0.5).delays():
            try:
                return await self._nc.request(subject, data, timeout=timeout_s, headers=headers)
            except nats.errors.NoRespondersError:
                # nobody received it, so asking again can't do anything twice
                await asyncio.sleep(delay)
        raise AssertionError("backoff without attempts never ends")

    async def answer(self, method: Method[Q, A], handler: Callable[[Q], Awaitable[A]]) -> _Ending:
        """Answer a method; several instances of a service share the questions."""
        slots = asyncio.Semaphore(MAX_ANSWERS)
        running: set[asyncio.Task[None]] = set()

        async def work(msg: Msg) -> None:
            token = log.correlation.set((msg.headers or {}).get(CORRELATION, ""))
            try:
                await _reply(msg, method, handler, self.guard)
            finally:
                log.correlation.reset(token)
                slots.release()

        async def receive(msg: Msg) -> None:
            await slots.acquire()
            task = asyncio.create_task(work(msg))
            running.add(task)
            task.add_done_callback(running.discard)

        sub = await self._nc.subscribe(subjects.rpc(method.service, method.name), queue=method.service, cb=receive)
        await self._nc.flush()
        return _Ending(sub.unsubscribe)

    async def probe(self) -> str:
        """A round trip to the server."""
        if not self._nc.is_connected:
            raise BusUnavailable("not connected to NATS")
        await self._nc.flush(timeout=1)
        version = self._nc.connected_server_version
        return f"NATS {version.major}.{version.minor}.{version.patch}"

    async def close(self) -> None:
        """Flush and hang up; what can't be flushed within two seconds is left."""
        if self._restoring is not None:
            self._restoring.cancel()
        with contextlib.suppress(nats.errors.Error, TimeoutError, OSError):
            await self._nc.flush(timeout=2)
        with contextlib.suppress(nats.errors.Error, TimeoutError, OSError):
            await self._nc.close()


async def _reply(msg: Msg, method: Method[Any, Any], handler: Callable[[Any], Awaitable[Any]], guard: Guard) -> None:
    headers: dict[str, str] | None = None
    try:
        question = decode(msg.data, method.question)
        guard.check(method, question, msg.headers)
        data = encode(await handler(question))
    except QuestionDenied as denied:
        data, headers = encode(Fault(FORBIDDEN, denied.reason)), {FAULT: "1"}
    except ContractError as error:
        data, headers = encode(Fault("bad_request", str(error))), {FAULT: "1"}
    except AnswerFault as fault:
        data, headers = encode(Fault(fault.code, fault.reason)), {FAULT: "1"}
    except Exception as error:  # noqa: BLE001 the asker gets a fault, the log gets the reason
        _log.error("answer_failed", method=method.name, error=repr(error), exc_info=True)
        reason = f"{method.service} could not answer {method.name}; its log says why"
        data, headers = encode(Fault("internal", reason)), {FAULT: "1"}
    with contextlib.suppress(nats.errors.Error):
        if msg.reply:
            await msg._client.publish(msg.reply, data, headers=headers)
