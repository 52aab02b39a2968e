"""Put the platform together: which programs, on which ports, with which environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from central_hub.adapters import net
from central_hub.adapters.ca_files import CaFiles
from central_hub.adapters.datadir import DataDir
from central_hub.adapters.nats_server import NatsServer
from central_hub.adapters.postgres_server import PostgresServer
from central_hub.adapters.probes import Credentials
from central_hub.adapters.python_service import PythonService, is_installed
from central_hub.adapters.secret_files import open_secrets
from central_hub.adapters.service_keys import make_service_keys
from central_hub.domain.authority import AuthorityFault, lifetime_s, names
from central_hub.domain.engineconf import APP, OWNER
from central_hub.domain.environment import Database, Platform, external_database, of_service
from central_hub.domain.portplan import HUB
from central_hub.domain.programs import NATS, POSTGRES, PROGRAMS, Program, check, without
from central_hub.ports import HubError, Launcher
from contracts.subjects import RIGHTS

if TYPE_CHECKING:
    from central_hub.settings import Settings


@dataclass(frozen=True, slots=True)
class Assembly:
    """Everything `aitrading up` needs to begin."""

    launchers: tuple[Launcher, ...]
    absent: tuple[str, ...]
    """Services that are not installed in this environment."""
    ports: dict[str, int]
    settings_values: dict[str, str]
    ca: CaFiles
    eager: bool = True

    def settings(self) -> "Settings":
        """The hub's own settings; SettingsError when the environment is wrong."""
        from central_hub.settings import Settings
        from kit.settings import load

        environ = {f"AITRADING_{name.upper()}": value for name, value in self.settings_values.items()}
        return load(Settings, environ, HUB)


def authority_of(data: DataDir, environ: Mapping[str, str]) -> CaFiles:
    """The authority of this data directory. HubError when the environment asks for what can't be."""
    try:
        return CaFiles(data.secrets, names(environ.get("AITRADING_TLS_NAMES", "")), lifetime_s(environ))
    except AuthorityFault as fault:
        raise HubError(str(fault)) from None


def _own_database(server: PostgresServer) -> Database:
    files = server.secrets
    return Database(server.url(APP), str(files.app_password), server.url(OWNER), str(files.owner_password))


def assemble(
    data: DataDir, environ: Mapping[str, str], ports: Mapping[str, int], programs: Sequence[Program] = PROGRAMS
) -> Assembly:
    """Read or make the secrets and build one launcher per program. HubError when something is not usable."""
    elsewhere = net.engines_elsewhere(environ)
    absent = tuple(p.name for p in programs if p.module and not is_installed(p.module))
    table = without(programs, {*elsewhere, *absent})
    check(table)
    secrets = open_secrets(data.secrets, RIGHTS)
    make_service_keys(data.secrets, RIGHTS)
    ca = authority_of(data, environ)
    ca.open()
    who = Credentials(ca.leaf_folder(HUB))
    nats_url = elsewhere.get(NATS, f"tls://127.0.0.1:{ports[NATS]}")
    launchers: list[Launcher] = []
    postgres = PostgresServer(Program(POSTGRES), data, secrets)
    platform = Platform(
        str(data.root),
        nats_url,
        external_database(environ) if POSTGRES in elsewhere else _own_database(postgres),
        environ.get("AITRADING_CLICKHOUSE_URL", ""),
        str(data.secrets),
        ports,
    )
    for program in table:
        if program.name == NATS:
            launchers.append(NatsServer(program, ports[NATS], data, secrets, ca, who))
        elif program.name == POSTGRES:
            launchers.append(PostgresServer(program, data, secrets))
        else:
            own = of_service(program.name, environ, platform)
            launchers.append(PythonService(program, ports[program.name], own, data.root, who))
    values = {
        "port": str(ports[HUB]),
        "nats_url": nats_url,
        "data_dir": str(data.root),
        "instance": environ.get("AITRADING_INSTANCE", "1"),
    }
    values |= {
        field: environ[name]
        for field in ("witness_dir", "seal_every_s", "seal_records")
        if (name := f"AITRADING_CENTRAL_HUB_{field.upper()}") in environ
    }
    return Assembly(tuple(launchers), absent, dict(ports), values, ca)
