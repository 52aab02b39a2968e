"""One of our own services, run as `python -m module`."""

import importlib.util
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from central_hub.adapters.probes import Credentials, http_ready
from central_hub.domain.programs import Program
from central_hub.domain.watch import Probe
from central_hub.ports import Command


def is_installed(module: str) -> bool:
    """`python -m module` would find something to run. Nothing of the module is executed to find out."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.submodule_search_locations is None:
        return spec is not None
    return any((Path(folder) / "__main__.py").exists() for folder in spec.submodule_search_locations)


@dataclass(slots=True)
class PythonService:
    """Launcher of a service."""

    program: Program
    port: int
    environ: Mapping[str, str]
    cwd: Path
    who: Credentials

    async def prepare(self) -> None:
        """A service makes what it needs by itself."""

    def command(self) -> Command:
        """The same interpreter as the hub's; `-P` keeps the current directory out of the module search."""
        argv = (sys.executable, "-P", "-m", self.program.module)
        return Command(argv, f"-m {self.program.module}", signal.SIGTERM, self.environ, self.cwd)

    async def probe(self) -> Probe:
        """Its health page."""
        return await http_ready(self.port, self.program.name, self.who, self.environ)
