"""The embedded bus: nats-server from its wheel, with JetStream, mutual TLS and one key per service."""

import os
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from central_hub.adapters.ca_files import CaFiles
from central_hub.adapters.datadir import DataDir
from central_hub.adapters.probes import Credentials, nats_ready
from central_hub.adapters.secret_files import Secrets
from central_hub.domain.engineconf import nats_conf
from central_hub.domain.programs import Program
from central_hub.domain.rights import all_permissions
from central_hub.domain.watch import Probe
from central_hub.ports import Command, HubError
from kit import private_file


def find_binary() -> Path:
    """nats-server of this virtual environment. HubError when it is not installed."""
    beside = Path(sys.executable).parent / "nats-server"
    found = beside if beside.exists() else shutil.which("nats-server")
    if not found:
        raise HubError("nats-server is not installed: run `make setup`, or point AITRADING_NATS_URL to a NATS server.")
    return Path(found)


@dataclass(slots=True)
class NatsServer:
    """Launcher of the bus."""

    program: Program
    port: int
    data: DataDir
    secrets: Secrets
    ca: CaFiles
    who: Credentials

    @property
    def _config(self) -> Path:
        return self.data.run / "nats.conf"

    async def prepare(self) -> None:
        """Write the configuration anew: rights and ports may have changed with the version."""
        find_binary()
        store = self.data.root / "nats"
        store.mkdir(exist_ok=True, mode=0o700)
        users = all_permissions()
        tls, pid_file = str(self.ca.leaf_folder(self.program.name)), str(self.data.run / "nats.pid")
        text = nats_conf(self.port, str(store), pid_file, tls, self.secrets.bus, users)
        private_file.replace(self._config, text.encode())

    def command(self) -> Command:
        """nats-server with our configuration; it stops gently on SIGTERM."""
        argv = (str(find_binary()), "--config", str(self._config))
        return Command(argv, str(self._config), signal.SIGTERM, {"PATH": os.environ.get("PATH", "")}, self.data.root)

    async def probe(self) -> Probe:
        """Does it greet, once both sides have shown who they are."""
        return await nats_ready(self.port, self.who)
