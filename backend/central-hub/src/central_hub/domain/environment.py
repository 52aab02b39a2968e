"""The environment of each child: only what it needs, and nobody else's secrets."""

from collections.abc import Mapping
from dataclasses import dataclass

DATABASE = "database-service"
SIGNER = "trading-engine"


def _scope(service: str) -> str:
    return f"AITRADING_{service.upper().replace('-', '_')}_"


@dataclass(frozen=True, slots=True)
class Database:
    """How database-service reaches PostgreSQL: URLs without passwords, and the files that hold those."""

    url: str
    password_file: str
    owner_url: str
    owner_password_file: str

    def settings(self) -> dict[str, str]:
        """As environment variables."""
        named = {
            "AITRADING_POSTGRES_URL": self.url,
            "AITRADING_POSTGRES_PASSWORD_FILE": self.password_file,
            "AITRADING_POSTGRES_OWNER_URL": self.owner_url,
            "AITRADING_POSTGRES_OWNER_PASSWORD_FILE": self.owner_password_file,
        }
        return {name: value for name, value in named.items() if value}


def external_database(environ: Mapping[str, str]) -> Database:
    """A PostgreSQL that the operator named; with one URL only, one role does everything."""
    url, file = environ["AITRADING_POSTGRES_URL"], environ.get("AITRADING_POSTGRES_PASSWORD_FILE", "")
    return Database(
        url,
        file,
        environ.get("AITRADING_POSTGRES_OWNER_URL", url),
        environ.get("AITRADING_POSTGRES_OWNER_PASSWORD_FILE", file),
    )


@dataclass(frozen=True, slots=True)
class Platform:
    """What all children share."""

    data_dir: str
    nats_url: str
    database: "Database"
    clickhouse_url: str
    """Empty: the embedded one below the data directory."""
    secrets_dir: str
    ports: Mapping[str, int]


def _is_secret_of_another(name: str, service: str) -> bool:
    if name.startswith(_scope(service)):
        return False
    return name.startswith("AITRADING_") and ("_POSTGRES_" in name or name.endswith(("_PASSWORD", "_CLICKHOUSE_URL")))


def of_service(service: str, inherited: Mapping[str, str], platform: Platform) -> dict[str, str]:
    """The environment for `service`. What the operator set for it wins over what the hub would choose."""
    scope = _scope(service)
    kept = {name: value for name, value in inherited.items() if not _is_secret_of_another(name, service)}
    secrets = platform.secrets_dir
    chosen = {
        "AITRADING_TOKEN_PUBLIC_KEY": f"{secrets}/token.pub",
        "PYTHONUNBUFFERED": "1",
    }
    if service == "api-gateway":
        chosen |= {
            "AITRADING_TOKEN_KEY": f"{secrets}/token.key",
            "AITRADING_PEOPLE_KEY": f"{secrets}/people.key",
            "AITRADING_SETUP_CODE_PATH": f"{secrets}/setup.code",
        }
    if service == SIGNER:
        chosen["AITRADING_SIGNAL_KEY_PATH"] = f"{secrets}/signal.key"
    if service == DATABASE:
        chosen |= platform.database.settings()
        if platform.clickhouse_url:
            chosen["AITRADING_CLICKHOUSE_URL"] = platform.clickhouse_url
    # these are decided for the whole platform: two services must not disagree about them
    fixed = {
        "AITRADING_DATA_DIR": platform.data_dir,
        "AITRADING_NATS_URL": platform.nats_url,
        f"{scope}PORT": str(platform.ports[service]),
    }
    return {**chosen, **kept, **fixed}
