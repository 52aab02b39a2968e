"""The edges: messages become events, the engine decides, the carrier carries out."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from contracts.accounts import AccountState, PriceSource
from contracts.codec import decode
from contracts.commands import Command, LimitsChanged, PlaceOrder
from contracts.errors import ContractError
from contracts.executions import Execution
from contracts.ticks import TickBatch, column_fault
from kit import log
from kit.backoff import Backoff
from kit.bus import Bus, Delivery, Subscription
from kit.clock import Clock
from kit.policy import State
from kit.seals import CommandJudge
from trading_engine.domain import events
from trading_engine.domain.engine import Engine
from trading_engine.domain.recovery import telling
from trading_engine.ports import Aside, Carries, NotAccepted, Store, Unavailable

TURN_TICKS = 2_000
"""So many ticks are worked on before executions and account states get their turn again: one or two milliseconds."""
TICK_BATCHES_IN_FLIGHT = 512
ANSWER_WAIT_S = 10.0
"""After a crash, executions and commands that were not answered come back after this long."""
SETTLE_S = 0.25
"""At a start: how long what has waited may take to arrive before ticks are taken."""
ASK_BACK_AFTER_MS = 15_000
"""An order without an end for this long is asked about; most have one within a tenth of a second."""
ASK_BACK_EVERY_S = 30.0
MOST_ASKED_BACK = 1_000
LIMITS_EVERY_S = 30.0
LIMITS_AGAIN_S = 0.1
TICK_ACK_WAIT_S = 5.0
"""Short: after a crash the unanswered ticks come back while their prices are still worth something."""

T = TypeVar("T")
_log = log.get("routes")


@dataclass(slots=True)
class Routes:
    """Subscribe with `open` after the engine was restored."""

    engine: Engine
    carrier: Carries
    clock: Clock
    aside: Aside
    judge: CommandJudge
    worked: Callable[[], None] = lambda: None
    """Called after account pictures and commands: tenants may have become known, paused or resumed."""
    limits_wanted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the store has other limits than were read."""
    malformed: int = 0
    lag_ms: int = 0
    """Age of the newest tick when it was worked on."""

    async def open(self, bus: Bus, began_ms: int) -> list[Subscription]:
        """Start to listen. Ticks last: answers, pictures and pauses that have waited come before new decisions."""
        first = [
            await bus.consume(
                "EXECUTIONS", "engine-executions", "executions.>", self.on_executions, ack_wait_s=ANSWER_WAIT_S
            ),
            # a name of its own for each start: the newest picture of every account is brought again
            await bus.consume(
                "ACCOUNTS", f"engine-accounts-{began_ms}", "account.>", self.on_accounts, forget_after_s=60
            ),
            await bus.consume("COMMANDS", "engine-commands", "commands.>", self.on_commands, ack_wait_s=ANSWER_WAIT_S),
        ]
        await asyncio.sleep(SETTLE_S)
        return [
            *first,
            await bus.consume(
                "TICKS",
                "engine-ticks",
                "ticks.>",
                self.on_ticks,
                in_flight=TICK_BATCHES_IN_FLIGHT,
                ack_wait_s=TICK_ACK_WAIT_S,
                only_new=True,  # yesterday's ticks decide nothing
            ),
        ]

    async def on_ticks(self, deliveries: list[Delivery]) -> None:
        """Batches of ticks. An order on its way, or a turn used up, lets others run."""
        worked = 0
        for delivery in deliveries:
            batch = await self._read(delivery, TickBatch, column_fault)
            if batch is None:
                continue
            now_ms = self.clock.now_ms()
            effects = self.engine.process(events.TicksArrived(now_ms, batch))
            self.lag_ms = max(now_ms - self.engine.counts.newest_received_ms, 0)
            worked += batch.count
            if effects:
                self.carrier.submit(effects, delivery)
            else:
                await delivery.ack()
            if effects or worked >= TURN_TICKS:
                worked = 0
                await asyncio.sleep(0)

    async def on_executions(self, deliveries: list[Delivery]) -> None:
        """Answers of terminals."""
        await self._each(deliveries, Execution, lambda now_ms, m: events.ExecutionReported(now_ms, m))

    async def on_accounts(self, deliveries: list[Delivery]) -> None:
        """Pictures of accounts."""
        await self._each(deliveries, AccountState, lambda now_ms, m: events.AccountReported(now_ms, m))
        self.worked()

    async def on_commands(self, deliveries: list[Delivery]) -> None:
        """What people ask for."""
        for delivery in deliveries:
            subject = delivery.subject
            command = await self._read(delivery, Command, lambda c, s=subject: self._command_fault(c, s))  # type: ignore[misc]
            if command is not None:
                if isinstance(command.body, LimitsChanged):
                    self.limits_wanted.set()
                self._submit(delivery, events.CommandGiven(self.clock.now_ms(), command))
        self.worked()

    def _command_fault(self, command: Command, subject: str) -> str | None:
        states: set[State] = set()
        if isinstance(command.body, PlaceOrder):
            account = self.engine.accounts.get((command.tenant, command.body.account))
            if account is not None and account.source is PriceSource.LIVE:
                states.add(State.ACCOUNT_LIVE)
        return self.judge.fault(command, subject, frozenset(states))

    async def _each(self, deliveries: list[Delivery], kind: type[T], event: Callable[[int, T], events.Event]) -> None:
        for delivery in deliveries:
            message = await self._read(delivery, kind)
            if message is not None:
                self._submit(delivery, event(self.clock.now_ms(), message))

    def _submit(self, delivery: Delivery, event: events.Event) -> None:
        # through the queue even without effects: a message brought twice must not be answered before the effects of
        # its first coming are durable
        self.carrier.submit(self.engine.process(event), delivery)

    async def _read(
        self, delivery: Delivery, kind: type[T], fault: Callable[[T], str | None] | None = None
    ) -> T | None:
        try:
            message = decode(delivery.data, kind)
            reason = fault(message) if fault else None
        except ContractError as error:
            reason = str(error)
        if reason is None:
            return message
        self.malformed += 1
        self.aside.keep(delivery.subject, delivery.data, reason)
        _log.error("message_kept_aside", subject=delivery.subject, reason=reason)
        await delivery.drop()
        return None

    async def read_back(self, store: Store) -> None:
        """Ask the store for answers that never came: the bus may have dropped an execution that the store has."""
        waiting = self.engine.book.open_before(self.clock.now_ms() - ASK_BACK_AFTER_MS, MOST_ASKED_BACK)
        if waiting:
            for execution in telling(await store.executions(tuple(waiting))):
                event = events.ExecutionReported(self.clock.now_ms(), execution)
                self.carrier.submit(self.engine.process(event))

    async def keep_reading_back(self, store: Store, every: Callable[[], Awaitable[None]]) -> None:
        """The same again and again; `every` waits for the next time."""
        while True:
            await every()
            try:
                await self.read_back(store)
            except (Unavailable, NotAccepted) as error:
                _log.warning("not_read_back", error=str(error))

    async def read_limits(self, store: Store) -> None:
        """Let the engine know what people have set."""
        self.engine.process(events.LimitsRead(self.clock.now_ms(), await store.limits()))

    async def keep_limits(self, store: Store) -> None:
        """Read them whenever they have changed, and now and then in case nobody could say so."""
        delays = Backoff(LIMITS_AGAIN_S, LIMITS_EVERY_S).delays()
        wait_s = LIMITS_EVERY_S
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self.limits_wanted.wait()
            self.limits_wanted.clear()
            try:
                await self.read_limits(store)
            except (Unavailable, NotAccepted) as error:
                _log.warning("limits_not_read", error=str(error))
                wait_s = next(delays)
            else:
                delays = Backoff(LIMITS_AGAIN_S, LIMITS_EVERY_S).delays()
                wait_s = LIMITS_EVERY_S

    async def keep_time(self, every: Callable[[], Awaitable[None]], count: Callable[[], None]) -> None:
        """Let the engine notice that time passes; `every` waits for the next moment, `count` refreshes counters."""
        while True:
            await every()
            self.carrier.submit(self.engine.process(events.TimePassed(self.clock.now_ms())))
            count()
