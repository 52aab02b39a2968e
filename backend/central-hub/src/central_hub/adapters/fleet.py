"""Keep the programs running: start them, ask them, start them again, stop them in reverse order."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from central_hub.adapters import logs, processes
from central_hub.adapters.datadir import DataDir
from central_hub.domain.diagnosis import cause
from central_hub.domain.portplan import HUB
from central_hub.domain.programs import Program, stop_groups, waves
from central_hub.domain.registry import Managed
from central_hub.domain.restarts import Restarts
from central_hub.domain.runstate import ProcessRecord, RunState
from central_hub.domain.watch import Probe, Watch
from central_hub.ports import HubError, Launcher, Process
from contracts.audit import DependencyHealth, Health

PROBE_STARTING_S = 0.1
PROBE_RUNNING_S = 2.0
ROTATE_EVERY_S = 10.0

Say = Callable[[str], None]
NowMs = Callable[[], int]


@dataclass(slots=True)
class Keeper:
    """One program and what is known about it."""

    launcher: Launcher
    state: str = "starting"
    process: Process | None = None
    restarts: Restarts = field(default_factory=Restarts)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while its last probe said ready."""
    prepared: bool = False
    log_from: int = 0
    """Where in its log file the present life begins."""
    probed: DependencyHealth | None = None
    """What the last probe found; None before the first."""

    @property
    def program(self) -> Program:
        return self.launcher.program

    def note(self, probe: Probe, now_ms: int) -> None:
        """Keep what a probe found."""
        health = Health.OK if probe.ready else Health.FAILED
        self.probed = DependencyHealth(self.program.name, health, probe.detail, now_ms)

    def own_probe(self) -> DependencyHealth | None:
        """For the list of services: engines send no heartbeats, so the hub's probe is all there is to tell."""
        if not self.program.is_engine:
            return None
        return self.probed or DependencyHealth(self.program.name, Health.FAILED, "not asked yet", 0)


class OsFleet:
    """Build it with one launcher per program, then `start`; `stop` ends everything, `leave` only the watching.

    With `eager`, services are started at once and wait for what they need by themselves; engines always are.
    """

    def __init__(
        self,
        launchers: Sequence[Launcher],
        data: DataDir,
        *,
        now_ms: NowMs,
        say: Say,
        eager: bool = True,
        ports: dict[str, int] | None = None,
    ) -> None:
        waves([launcher.program for launcher in launchers])
        self._data = data
        self._now_ms = now_ms
        self._say = say
        self._eager = eager
        self._ports = dict(ports or {})
        self._hub: ProcessRecord | None = None
        self._tasks: list[asyncio.Task[Any]] = []
        self.keepers = {launcher.program.name: Keeper(launcher) for launcher in launchers}
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Fails with a HubError when the first start is impossible."""

    def managed(self) -> tuple[Managed, ...]:
        """Every program with its state, and the hub itself."""
        hub = self._hub
        own = (Managed(HUB, "running", hub.pid, 0, False, hub.started_ms),) if hub else ()
        return own + tuple(
            Managed(
                name,
                keeper.state,
                keeper.process.record.pid if keeper.process else 0,
                keeper.restarts.count,
                not keeper.program.is_engine,
                keeper.process.record.started_ms if keeper.process else 0,
                keeper.own_probe(),
                keeper.launcher.port,
            )
            for name, keeper in self.keepers.items()
        )

    def start(self, hub: ProcessRecord) -> None:
        """Take over what lives, start the rest, and watch from now on."""
        self._hub = hub
        recorded = self._data.read_state().programs
        for name, keeper in self.keepers.items():
            record = recorded.get(name)
            if record is not None and processes.is_same(record):
                keeper.process = processes.OsProcess(record)
                keeper.restarts.count = record.restarts
                keeper.prepared = True
                self._say(f"{name}: runs already (process {record.pid}), taken over")
        self._record()
        self._tasks = [
            asyncio.create_task(self._keep(keeper), name=f"keep {name}") for name, keeper in self.keepers.items()
        ]
        self._tasks.append(asyncio.create_task(self._rotate_logs(), name="logs"))
        for task in self._tasks:
            task.add_done_callback(self._task_ended)

    def _task_ended(self, task: "asyncio.Task[Any]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None and not self.failed.done():
            self.failed.set_exception(error)

    async def all_ready(self) -> None:
        """Return when every program is ready; HubError when the first start is impossible."""
        for keeper in self.keepers.values():
            ready = asyncio.create_task(keeper.ready.wait())
            waiting: set[asyncio.Future[Any]] = {ready, self.failed}
            try:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finally:
                ready.cancel()
            if self.failed.done():
                self.failed.result()

    async def _keep(self, keeper: Keeper) -> None:
        while True:
            if keeper.process is None:
                await self._launch(keeper)
            if keeper.process is None:
                reason = "it could not be started"
            else:
                reason = await self._watch(keeper, keeper.process)
            keeper.process = None
            keeper.ready.clear()
            keeper.note(Probe(False, False, reason), self._now_ms())
            wait_ms = keeper.restarts.fell(self._now_ms())
            keeper.state = "backing_off"
            self._record()
            self._say(f"{keeper.program.name}: {reason}; starting it again in {wait_ms / 1000:g} s")
            await asyncio.sleep(wait_ms / 1000)

    async def _launch(self, keeper: Keeper) -> None:
        keeper.state = "starting"
        name = keeper.program.name
        first = keeper.restarts.count == 0
        try:
            if not keeper.prepared:
                await self._prepare(keeper)
            if not self._eager:
                for need in keeper.program.needs:
                    await self.keepers[need].ready.wait()
            keeper.log_from = logs.size(self._data.log_of(name))
            keeper.process = processes.spawn(keeper.launcher.command(), self._data.log_of(name), keeper.restarts.count)
            self._record()
        except HubError as error:
            if first:
                raise
            self._say(f"{name}: {error}")

    async def _prepare(self, keeper: Keeper) -> None:
        try:
            await keeper.launcher.prepare()
        except OSError as error:
            why = cause(str(error))
            raise HubError(f"{keeper.program.name} could not be prepared in {self._data.root}: {why}.") from None
        keeper.prepared = True

    async def _watch(self, keeper: Keeper, process: Process) -> str:
        """Ask until it ends or must be ended; returns why, as the rest of a sentence about the program."""
        watch = Watch(self._now_ms(), may_be_unready=keeper.program.is_engine)
        ended = asyncio.create_task(process.wait())
        try:
            while True:
                probe = await keeper.launcher.probe()
                if ended.done():
                    return self._explain(keeper, ended.result(), watch)
                keeper.note(probe, self._now_ms())
                self._note(keeper, watch, probe.ready)
                needs_ready = all(self.keepers[need].ready.is_set() for need in keeper.program.needs)
                if reason := watch.observe(probe, needs_ready, self._now_ms()):
                    gently = await process.stop(keeper.launcher.command().stop_signal, keeper.program.stop_limit_s)
                    return reason + ("" if gently else " and had to be killed")
                pause = PROBE_RUNNING_S if probe.ready else PROBE_STARTING_S
                await asyncio.wait({ended}, timeout=pause)
        finally:
            ended.cancel()

    def _note(self, keeper: Keeper, watch: Watch, ready: bool) -> None:
        if not ready:
            keeper.restarts.unready()
            keeper.ready.clear()
            # once it has worked it "runs", though not ready: its own health page says what it misses
            keeper.state = "running" if watch.was_ready else "starting"
            return
        keeper.restarts.ready(self._now_ms())
        keeper.state = "running"
        if not keeper.ready.is_set():
            keeper.ready.set()
            if not watch.was_ready:
                where = f" on port {keeper.launcher.port}" if keeper.launcher.port else ""
                took = (self._now_ms() - watch.started_ms) / 1000
                self._say(f"{keeper.program.name}: ready{where} ({took:.1f} s)")

    def _explain(self, keeper: Keeper, code: int | None, watch: Watch) -> str:
        name = keeper.program.name
        file = self._data.log_of(name)
        why = cause(logs.tail(file, keeper.log_from))
        how = "was killed" if code is not None and code < 0 else "ended"
        if keeper.program.is_engine and not watch.was_ready and keeper.restarts.count == 0:
            raise HubError(f"{name} could not start: {why}. Its log is {file}.")
        return f"it {how} ({why}); its log is {file}"

    async def _rotate_logs(self) -> None:
        while True:
            await asyncio.sleep(ROTATE_EVERY_S)
            for name in self.keepers:
                await asyncio.to_thread(logs.rotate, self._data.log_of(name))

    def _record(self) -> None:
        programs = {
            name: replace_restarts(keeper.process.record, keeper.restarts.count)
            for name, keeper in self.keepers.items()
            if keeper.process is not None
        }
        try:
            self._data.write_state(RunState(self._ports, programs, self._hub))
        except HubError as error:
            # a full disk must not stop what runs; the next change tries again
            self._say(str(error))

    async def leave(self) -> None:
        """Stop watching; everything goes on running."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def stop(self) -> None:
        """End everything: first those nobody needs, engines last."""
        await self.leave()
        for group in stop_groups(keeper.program for keeper in self.keepers.values()):
            await asyncio.gather(*(self._stop_one(self.keepers[name]) for name in group))
        self._data.forget_state()

    async def _stop_one(self, keeper: Keeper) -> None:
        keeper.ready.clear()
        if keeper.process is not None:
            number = keeper.launcher.command().stop_signal
            if not await keeper.process.stop(number, keeper.program.stop_limit_s):
                limit = keeper.program.stop_limit_s
                self._say(f"{keeper.program.name}: did not stop within {limit:g} s and was killed")
            keeper.process = None
        keeper.state = "stopped"


def replace_restarts(record: ProcessRecord, count: int) -> ProcessRecord:
    """The record with the present count."""
    return ProcessRecord(record.pid, record.started, record.marker, record.started_ms, count)
