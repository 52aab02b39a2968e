"""The life of a client app: as `kit.lifespan`, without a bus and without what a bus costs in memory."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, ProcessCollector

from client_security.adapters.local_ca import ensured
from client_security.settings import ClientSettings
from kit import log, settings
from kit.clock import Clock, SystemClock
from kit.edge import Accept, Edge
from kit.errors import KitError, SettingsError
from kit.hardening import harden, mitigations
from kit.health import HealthBook
from kit.tls import Reloading, server_context

S = TypeVar("S", bound=ClientSettings)

STOP_ON_EOF = "AITRADING_STOP_ON_EOF"
"""Set to 1 by the desktop: when it ends, however it ends, standard input closes and the app stops in order."""

VAULT_KEY_FIRST = "AITRADING_VAULT_KEY_FIRST"
"""Set to 1 by the desktop: the first line on standard input is the vault key, as hex: a pipe has two ends only."""

_STDIN = 0
_log = log.get("lifespan")


@dataclass(slots=True)
class App:
    """What a composition root builds upon: clock, health, metrics, and the tasks that run."""

    name: str
    settings: ClientSettings
    clock: Clock
    health: HealthBook
    metrics: CollectorRegistry
    closing: AsyncExitStack
    vault_key: bytes = field(default=b"", repr=False)
    """The vault key, where the desktop has opened the vault; empty: the app asks the vault's keeper itself."""
    accept: Accept | None = None
    """Set it before `start_edge` to answer more than health and metrics."""
    failed: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    edge: Edge | None = None
    _tasks: set["asyncio.Task[Any]"] = field(default_factory=set)

    def run_task(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        """Run `work` as long as the app lives. If it ends with an error the app dies loudly."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)

    def _task_ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and not self.failed.done() and (error := task.exception()) is not None:
            self.failed.set_exception(error)

    async def cancel_tasks(self) -> None:
        """Stop everything `run_task` started."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def start_edge(self) -> None:
        """Begin to probe and to answer on the port. Call it last: whoever sees the port open may use the app."""
        files = ensured(self.settings.data_dir, self.name)
        tls = server_context(files, client_certificates=True)
        host, port = self.settings.host, self.settings.port
        self.edge = Edge(self.name, host, port, self.health, self.metrics, self.accept, tls=tls)
        self.run_task(Reloading(files, [tls]).run(), "certificates")
        await self.edge.start()
        self.closing.push_async_callback(self.edge.stop)
        self.run_task(self.health.watch(), "health")


CreateApp = Callable[[App, Any], Coroutine[Any, Any, Any]]


@asynccontextmanager
async def opened(
    name: str, config: ClientSettings, clock: Clock | None = None, vault_key: bytes = b""
) -> "AsyncIterator[App]":
    """An app with an empty health book; `create_app` adds the rest. Yields an App."""
    clock = clock or SystemClock()
    async with AsyncExitStack() as closing:
        metrics = CollectorRegistry()
        if sys.platform == "linux":
            ProcessCollector(registry=metrics)
        app = App(name, config, clock, HealthBook(clock), metrics, closing, vault_key)
        app.health.register("process", _protections)
        closing.push_async_callback(app.cancel_tasks)
        yield app


async def _protections() -> str:
    """What the operating system does for this process; never a reason not to be ready, it is here to be seen."""
    return ", ".join(map(str, mitigations()))


def _stop_at_eof(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    # not by way of sys.stdin: its lock, held by a daemon thread, would abort an app that ends by itself
    with contextlib.suppress(OSError):
        while os.read(_STDIN, 4_096):
            pass
    with contextlib.suppress(RuntimeError):  # the loop has ended by itself
        loop.call_soon_threadsafe(stop.set)


def _first_line() -> str:
    line = b""
    while (byte := os.read(_STDIN, 1)) not in (b"", b"\n"):
        line += byte
    return line.decode("ascii", "replace").strip()


async def _live(name: str, config: ClientSettings, create_app: CreateApp, vault_key: bytes) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows has no loop signal handlers
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    if os.environ.get(STOP_ON_EOF) == "1":
        threading.Thread(target=_stop_at_eof, args=(loop, stop), daemon=True).start()
    async with opened(name, config, vault_key=vault_key) as app:
        try:
            await create_app(app, config)
            gc.freeze()  # what lives as long as the app is not walked again: such a walk holds up an order by 20 ms
            stopping = asyncio.create_task(stop.wait())
            waiting: set[asyncio.Future[Any]] = {stopping, app.failed}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if app.failed.done():
                app.failed.result()
        except Exception as error:
            _log.error("died", error=repr(error), exc_info=not isinstance(error, KitError))
            raise
        _log.info("stopping")
    return 0


def run(name: str, kind: type[S], create_app: CreateApp) -> int:
    """Run an app until SIGTERM or SIGINT. Returns the exit code: 0 stopped when asked; 1 died; 2 settings are wrong;
    3 (an error with an `exit_code`) starting again can't help."""
    harden()
    try:
        config = settings.load(kind, os.environ, name)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    log.configure(name, config.instance, config.log_level)
    vault_key = b""
    if os.environ.get(VAULT_KEY_FIRST) == "1":
        with contextlib.suppress(ValueError):  # an empty line: every app asks the keeper itself
            vault_key = bytes.fromhex(_first_line())
    factory = None
    if sys.platform != "win32":
        with contextlib.suppress(ImportError):
            import uvloop

            factory = uvloop.new_event_loop
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(_live(name, config, create_app, vault_key))
    except (KitError, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return int(getattr(error, "exit_code", 1))
    except Exception:  # noqa: BLE001 already logged; the exit code tells the desktop
        return 1
