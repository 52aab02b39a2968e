"""`python -m metatrader_connector look`: one look at a terminal for setup and doctor, as JSON. It can send no order."""

import argparse
import asyncio
import contextlib
import sys
from pathlib import Path

import msgspec

from kit.errors import KitError
from metatrader_connector.adapters.single import hold_directory
from metatrader_connector.adapters.terminal import TerminalClient
from metatrader_connector.domain.filling import fillings
from metatrader_connector.domain.identity import MARGIN, MONEY
from metatrader_connector.domain.readiness import causes
from metatrader_connector.domain.retcodes import sentence
from metatrader_connector.domain.symbol_names import names_of
from metatrader_connector.domain.terminal import Launch, Picture, Rehearsal, SymbolFacts
from metatrader_connector.ports import TerminalDown
from metatrader_connector.terminal_process import MODULES

STARTING_S = 110.0
"""The package itself waits so long for a terminal that it has started."""


class Found(msgspec.Struct, frozen=True):
    """A symbol that was asked for. `name`: the broker's, empty when there is none or several could be meant."""

    wanted: str
    name: str = ""
    candidates: tuple[str, ...] = ()
    rehearsed: str = ""
    """What the terminal said to an order that was only checked; empty: it would take it, or none was asked for."""
    volume: float = 0.0
    """Lots of that order."""
    margin: float = 0.0
    """What it would bind, in the account's currency."""


class Look(msgspec.Struct, frozen=True):
    """What one look has shown. `trouble`: nothing else was seen, and why."""

    trouble: str = ""
    terminal: str = ""
    build: int = 0
    simulated: bool = False
    login: int = 0
    server: str = ""
    company: str = ""
    currency: str = ""
    kind: str = ""
    """A demo account or real money, hedging or netting."""
    balance: float = 0.0
    causes: tuple[str, ...] = ()
    """All that keeps orders from going out now, in words."""
    symbols: tuple[Found, ...] = ()
    watched: tuple[str, ...] = ()
    """Some of the symbols in Market Watch."""


def main(arguments: list[str]) -> int:
    """0: a `Look` stands on standard output, with `trouble` when the terminal could not be looked at."""
    top = argparse.ArgumentParser(prog="look")
    top.add_argument("--data", type=Path, required=True)
    top.add_argument("--terminal", choices=MODULES, required=True)
    top.add_argument("--path", required=True, type=lambda text: str(Path(text).absolute()))
    top.add_argument("--symbols", default="", help="separated by commas")
    top.add_argument("--volume", type=float, default=0.0, help="lots of an order to check; 0: the least, -1: none")
    top.add_argument("--timeout-s", type=float, default=60.0, help="how long the terminal may take to log in")
    options = top.parse_args(arguments)
    found = asyncio.run(_looked(options))
    sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    return 0


async def _looked(options: argparse.Namespace) -> Look:
    try:
        lock = hold_directory(options.data / "connector.lock")
    except KitError as error:  # two programs never speak to one terminal of this client
        return Look(str(error))
    launch = Launch(options.terminal, options.path, str(options.data / "terminal.lock"), int(options.timeout_s * 1000))
    client = TerminalClient(launch)
    running = asyncio.create_task(client.run())
    ready = asyncio.create_task(client.ready())
    failing = asyncio.create_task(_failed(client))
    try:
        async with asyncio.timeout(options.timeout_s + STARTING_S):
            await asyncio.wait((running, ready, failing), return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                return Look(client.trouble)
            return await _seen(client, options)
    except TimeoutError:
        return Look(f"the terminal did not answer within {options.timeout_s + STARTING_S:g} s")
    except TerminalDown as error:
        return Look(str(error))
    finally:
        for task in (running, ready, failing):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(running, ready, failing, return_exceptions=True)
        lock.close()


async def _failed(client: TerminalClient) -> None:
    """Ends when the first try to open the terminal has failed: a person is waiting, the next try is theirs."""
    while not client.restarts:  # noqa: ASYNC110 the client tells the connector the same way: by its counters
        await asyncio.sleep(0.05)


async def _seen(client: TerminalClient, options: argparse.Namespace) -> Look:
    wanted = [name.strip() for name in options.symbols.split(",") if name.strip()]
    opened = await client.ready()
    listed = await client.listed()
    names = names_of(wanted, listed, {})
    questions = {each.wanted: each.candidates for each in names.questions}
    # at least one name: none would mean all of Market Watch
    chosen = tuple(names.found.values())
    first = tuple(one.name for one in listed[:1])
    picture: Picture = await client.picture(chosen or first)
    facts = {one.name: one for one in picture.symbols}
    why = causes(picture)
    found = []
    for name in wanted:
        real = names.found.get(name, "")
        if real not in facts:
            found.append(Found(name, "", questions.get(name, ())))
        elif options.volume < 0 or why:  # what keeps all orders back would be said once for each symbol
            found.append(Found(name, real))
        else:
            found.append(await _rehearsed(client, name, facts[real], options.volume))
    account = picture.account
    watched = await client.watched()
    return Look(
        "", opened.name, opened.build, opened.simulated, account.login, account.server, account.company,
        account.currency, f"{MONEY.get(account.trade_mode, '?')}, {MARGIN.get(account.margin_mode, '?')}",
        account.balance, why, tuple(found), watched[:20],
    )  # fmt: skip


async def _rehearsed(client: TerminalClient, wanted: str, symbol: SymbolFacts, volume: float) -> Found:
    volume = volume or symbol.volume_min
    try:
        said = await client.rehearse(Rehearsal(symbol.name, volume, fillings(symbol)))
    except TerminalDown as error:
        return Found(wanted, symbol.name, rehearsed=str(error), volume=volume)
    refused = said.retcode != 0 or said.error != 0
    words = sentence(said.retcode, said.error, said.comment) if refused else ""
    return Found(wanted, symbol.name, (), words, volume, said.margin)
