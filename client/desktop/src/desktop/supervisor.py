"""Start the four apps, watch them, start again what died, stop all when asked."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from client_security.adapters.local_ca import RENEW_EVERY_S, make_local_certificates
from desktop.health import Answer, ask
from desktop.plan import APPS, CONNECTOR, VAULT_USERS, Chosen, environment
from kit.backoff import Backoff

if TYPE_CHECKING:
    from desktop.status_page import StatusPage

HOPELESS = frozenset({2, 3})
"""Exit codes after which starting again can't help: wrong settings, or the server said so."""
STABLE_S = 30.0
STOP_S = 10.0
MAX_LOG_BYTES = 20 * 1024 * 1024
ASK_EVERY_S = 0.25


@dataclass(slots=True)
class Supervisor:
    """`run()` returns the client's exit code."""

    data: Path
    ports: dict[str, int]
    config: Chosen
    say: Callable[[str], None]
    vault_key: bytes = field(repr=False)
    """Goes to those apps that need it as the first line on their standard input: a pipe, seen by its two ends only."""
    page: "StatusPage | None" = None
    """The local page, where a person wants it."""
    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _code: int = 0
    _asked: bool = False
    _loop: asyncio.AbstractEventLoop | None = None

    async def run(self) -> int:
        """Until SIGINT or SIGTERM (0), or until the connector can't go on (its code)."""
        loop = self._loop = asyncio.get_running_loop()
        if self._asked:
            self._stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                loop.add_signal_handler(number, self._stop.set)
            except NotImplementedError:  # Windows has no loop signal handlers
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self._stop.set))
        (self.data / "logs").mkdir(parents=True, exist_ok=True, mode=0o700)
        await asyncio.to_thread(make_local_certificates, self.data)
        watching = [asyncio.create_task(self._keep(app)) for app in APPS]
        watching.append(asyncio.create_task(self._announce()))
        watching.append(asyncio.create_task(self._renew_certificates()))
        if self.page is not None:
            try:
                await self.page.start()
            except OSError as error:  # trading does not depend on it
                self.say(f"there is no status page: {error}")
        await self._stop.wait()
        if self.page is not None:
            await self.page.stop()
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        await self._stop_all()
        return self._code

    def stop(self) -> None:
        """End `run` in order; from any thread."""
        self._asked = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)

    def _log(self, app: str) -> Path:
        path = self.data / "logs" / f"{app}.log"
        if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
            os.replace(path, path.with_suffix(".old"))
        return path

    async def _keep(self, app: str) -> None:
        delays = Backoff(0.25, 15.0).delays()
        while True:
            started = time.monotonic()
            try:
                process = await self._spawn(app)
            except OSError as error:  # no memory, no room for a log: that passes, and the app must come back then
                self.say(f"{app} could not be started and is tried again: {error}")
                await asyncio.sleep(next(delays))
                continue
            self.processes[app] = process
            if app in VAULT_USERS and process.stdin is not None:
                process.stdin.write(self.vault_key.hex().encode() + b"\n")
            code = await process.wait()
            if code in HOPELESS:
                self.say(f"{app} stopped for good (code {code}): {self._last_words(app)}")
                if app == CONNECTOR:
                    self._code = code
                    self._stop.set()
                return
            self.restarts[app] = self.restarts.get(app, 0) + 1
            if time.monotonic() - started > STABLE_S:
                delays = Backoff(0.25, 15.0).delays()
            self.say(f"{app} ended (code {code}) and is started again: {self._last_words(app)}")
            await asyncio.sleep(next(delays))

    async def _spawn(self, app: str) -> asyncio.subprocess.Process:
        with self._log(app).open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                APPS[app],
                env=environment(app, self.ports, self.data, self.config, os.environ),
                stdin=asyncio.subprocess.PIPE,  # its end is the sign to stop, even if this program is killed
                stdout=log,
                stderr=log,
                start_new_session=sys.platform != "win32",  # Ctrl-C reaches this program, which stops them in order
            )

    def _last_words(self, app: str) -> str:
        """The last plain line of its log: apps say there what is wrong in words."""
        with self._log(app).open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - 4_096))
            lines = log.read().decode(errors="replace").strip().splitlines()
        plain = [line for line in lines if not line.startswith("{")]
        return (plain or ["see its log"])[-1][:300]

    async def _renew_certificates(self) -> None:
        """The apps notice by themselves; who runs for months must not lose sight of them."""
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            try:
                await asyncio.to_thread(make_local_certificates, self.data)
            except OSError as error:
                self.say(f"the apps' certificates were not renewed ({error}); it is tried again")

    async def _announce(self) -> None:
        """One line when the connector is connected, and one whenever that changes."""
        told: tuple[bool, str] | None = None
        while True:
            answer = await asyncio.to_thread(ask, self.data, CONNECTOR, self.ports[CONNECTOR])
            now = (answer.ready, trouble_of(answer))
            if answer.ready and (told is None or not told[0]):
                details = "; ".join(d.detail for d in answer.dependencies if d.name in ("terminal", "uplink"))
                self.say(f"connected: {details}")
                told = now
            elif not answer.ready and answer.dependencies and now != told and "not asked yet" not in now[1]:
                self.say(f"not connected: {now[1]}")
                told = now
            await asyncio.sleep(ASK_EVERY_S if not answer.ready else 2.0)

    async def _stop_all(self) -> None:
        """Politely first, by closing standard input: the connector closes its files and its terminal process."""
        alive = [process for process in self.processes.values() if process.returncode is None]
        for process in alive:
            if process.stdin is not None:
                process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await asyncio.gather(*(process.wait() for process in alive))
        for process in alive:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()


def trouble_of(answer: Answer) -> str:
    """What is wrong, in the apps' own words; empty when nothing is."""
    wrong = [f"{d.name}: {d.detail}" for d in answer.dependencies if d.health.value != "ok"]
    return "; ".join(wrong) or answer.trouble
