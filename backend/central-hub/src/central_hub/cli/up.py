"""`aitrading up`: start the engines and services, watch them, stop them in reverse order."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import time
from typing import Any

from central_hub.adapters import net, processes
from central_hub.adapters.datadir import DataDir
from central_hub.adapters.fleet import OsFleet
from central_hub.adapters.platform import Assembly, assemble
from central_hub.adapters.renewals import Renewals
from central_hub.domain import portplan
from central_hub.domain.programs import NATS
from central_hub.domain.runstate import ProcessRecord, RunState
from central_hub.ports import HubError
from kit.free_ports import free_ports
from kit.hardening import harden


def now_ms() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


def say(text: str) -> None:
    """Tell the person at the terminal (or the log of the one who started us)."""
    # whoever read our output may be gone; that is no reason to stop
    with contextlib.suppress(OSError, ValueError):
        print(text, flush=True)


def run(options: argparse.Namespace) -> int:
    """Start and watch until SIGINT or SIGTERM."""
    # this process holds the keys of the authority and of the audit trail; no core dumps holds for what it starts, too
    harden()
    data = DataDir(options.data)
    data.open()
    data.lock()
    environ = dict(os.environ)
    if options.strategies is not None:
        environ["AITRADING_TRADING_ENGINE_STRATEGIES"] = options.strategies
    try:
        ports = plan_ports(options, environ, data.read_state())
        assembly = assemble(data, environ, ports)
        for name in assembly.absent:
            say(f"{name}: not installed, left out")
        # the plain event loop: the hub waits for processes and timers, a faster one would only cost its import
        return asyncio.run(live(assembly, data))
    finally:
        data.unlock()


def plan_ports(options: argparse.Namespace, environ: dict[str, str], state: RunState) -> dict[str, int]:
    """Where everything listens; HubError, before anything is started, when that is not possible."""
    living = {name for name, record in state.programs.items() if processes.is_same(record)}
    try:
        if living and set(state.ports) == set(portplan.DEFAULTS):
            plan = dict(state.ports)  # what runs can't be moved
        elif options.free_ports:
            plan = portplan.from_free(free_ports(len(portplan.DEFAULTS)))
        elif options.ports_from is not None:
            plan = portplan.counted_from(options.ports_from)
        else:
            plan = portplan.usual(environ)
    except portplan.PortFault as fault:
        raise HubError(str(fault)) from None
    elsewhere = net.engines_elsewhere(environ)
    for program, port in plan.items():
        if program not in living and program not in elsewhere and net.is_taken(port):
            raise HubError(portplan.taken_sentence(program, port, net.owner_of(port)))
    return plan


async def live(assembly: Assembly, data: DataDir) -> int:
    """Run until SIGINT, SIGTERM or SIGHUP, then stop everything; HubError when the first start is impossible."""
    began = time.monotonic()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    fleet = OsFleet(assembly.launchers, data, now_ms=now_ms, say=say, eager=assembly.eager, ports=assembly.ports)
    started = processes.started(os.getpid()) or ""
    fleet.start(ProcessRecord(os.getpid(), started, "", now_ms()))
    hub = asyncio.create_task(_serve(assembly, fleet))
    announcing = asyncio.create_task(_announce(fleet, assembly, began))
    renewing = asyncio.create_task(Renewals(assembly.ca, data, say).run())
    stopping = asyncio.create_task(stop.wait())
    try:
        waiting: set[asyncio.Future[Any]] = {stopping, fleet.failed}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            say("stopping")
        await _end(announcing, renewing, hub)
        await fleet.stop()
        if fleet.failed.done():
            fleet.failed.result()
        say("stopped")
    finally:
        stopping.cancel()
        fleet.failed.cancel()
    return 0


async def _end(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel until they have ended: a client library that is connecting may swallow the first request."""
    left = set(tasks)
    for _ in range(50):
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=0.1)
        if not left:
            return


async def _announce(fleet: OsFleet, assembly: Assembly, began: float) -> None:
    await fleet.all_ready()
    say(f"ready: {len(fleet.keepers)} programs in {time.monotonic() - began:.1f} s")
    if "api-gateway" in fleet.keepers:
        from kit.listening import address_of

        say(f"open {address_of(os.environ, assembly.ports['api-gateway'])}")


async def _serve(assembly: Assembly, fleet: OsFleet) -> None:
    """Be a service as well: heartbeats, registry, errors. The platform runs on while this can't be had."""
    # imported now, while the children are already busy starting
    from central_hub.app import create_app
    from kit import log
    from kit.errors import KitError
    from kit.lifespan import opened

    log.configure("central-hub", assembly.settings_values["instance"], "info")
    settings = assembly.settings()
    if NATS in fleet.keepers:
        await fleet.keepers[NATS].ready.wait()
    delay = 0.5
    while True:
        try:
            async with opened("central-hub", settings) as service:
                await create_app(service, settings, fleet, assembly.ca.sign_terminal)
                delay = 0.5
                await service.failed
        except KitError as error:
            print(f"the hub has no bus: {error}", file=sys.stderr)
        except OSError as error:
            print(f"the hub's own page is not available: {error}", file=sys.stderr)
        except Exception as error:  # noqa: BLE001 the registry may fail in any way, the platform must not fall with it
            print(f"the hub's registry failed and begins anew: {error!r}", file=sys.stderr)
        await asyncio.sleep(delay)
        delay = min(delay * 2, 30.0)
