"""Look at this machine's places for roots, and carry out what is planned for them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from central_hub.adapters.trust_plan import PROGRAMS, Machine, Step
from central_hub.ports import HubError

LIMIT_S = 60.0


def this_machine(home: Path | None = None) -> Machine:
    """What there is here."""
    home = home or Path.home()
    profiles = sorted(file.parent for file in home.glob(".mozilla/firefox/*/cert9.db"))
    profiles += sorted(file.parent for file in home.glob("snap/firefox/common/.mozilla/firefox/*/cert9.db"))
    found = {program for program in PROGRAMS if shutil.which(program)}
    return Machine(sys.platform, found, home, profiles, hasattr(os, "geteuid") and os.geteuid() == 0)


def carry_out(step: Step, certificate: Path) -> None:
    """HubError with what the place's own program said, when it did not work."""
    if step.copy_to is not None:
        step.copy_to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(certificate, step.copy_to)
        step.copy_to.chmod(0o644)
    for command in step.run:
        if "-N" in command:
            Path(command[2].removeprefix("sql:")).mkdir(parents=True, exist_ok=True, mode=0o700)
        done = subprocess.run(  # noqa: S603 programs of the plan, without a shell
            command, capture_output=True, text=True, check=False, timeout=LIMIT_S, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise HubError(f"{step.place}: {command[0]} failed: {said[-1] if said else done.returncode}")
