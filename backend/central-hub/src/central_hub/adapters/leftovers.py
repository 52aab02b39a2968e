"""End what a hub that died has left running."""

import asyncio
import signal
from collections.abc import Callable, Sequence

from central_hub.adapters import processes
from central_hub.domain.programs import Program, stop_groups, without
from central_hub.domain.runstate import RunState

Say = Callable[[str], None]


async def stop_recorded(state: RunState, programs: Sequence[Program], say: Say) -> int:
    """End what a dead hub left running, in reverse order; how many processes there were."""
    absent = {program.name for program in programs} - set(state.programs)
    table = without(programs, absent)
    stopped = 0

    async def end(program: Program) -> None:
        # SIGINT is PostgreSQL's fast shutdown, and every other program understands it as well
        process = processes.OsProcess(state.programs[program.name])
        gently = await process.stop(signal.SIGINT, program.stop_limit_s)
        say(f"{program.name}: {'stopped' if gently else 'did not stop in time and was killed'}")

    by_name = {program.name: program for program in table}
    for group in stop_groups(table):
        living = [by_name[name] for name in group if processes.is_same(state.programs[name])]
        await asyncio.gather(*(end(program) for program in living))
        stopped += len(living)
    return stopped
