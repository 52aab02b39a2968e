"""What database-service reads from its environment."""

from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from contracts.ports import PORTS
from kit.errors import SettingsError
from kit.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """Where the stores are and how much is written at once."""

    port: int = PORTS["database-service"]
    """Health and metrics."""
    clickhouse_url: str = "chdb:///{data_dir}/clickhouse"
    """`chdb:///dir` embeds ClickHouse in this process; `https://user:password@host` uses a server, same SQL."""
    clickhouse_memory_mb: int = 1_024
    """The embedded engine refuses a query that needs more; a small machine has other processes to feed."""
    clickhouse_timeout_s: int = 10
    """A question about ticks that takes longer is given up, so that the next one gets its turn."""
    postgres_url: str = "postgresql://aitrading_app@/aitrading?host={data_dir}/run/pg"
    """People, orders, executions, audit, as the role that may read and write rows and nothing else. No password in
    it: an environment can be read by others. A server on another machine needs `?sslmode=verify-full`."""
    postgres_password_file: Path | None = None
    """File with that role's password."""
    postgres_owner_url: str = ""
    """The same as the role that owns the schema: used to migrate at the start, then hung up. Empty: the other one."""
    postgres_owner_password_file: Path | None = None
    """File with the owner's password."""
    postgres_pool_min: int = 1
    """Connections kept open; each costs the server about 5 MB."""
    postgres_pool_max: int = 8
    """More questions than this at a time wait for a connection."""
    postgres_timeout_s: float = 5.0
    """A statement that takes longer is given up; the asker hears `unavailable`."""
    boot_wait_s: float = 60.0
    """How long to wait at the start for a store that is still starting."""
    group_ticks: int = 200_000
    """Most ticks in one insert: bounds memory (about 80 bytes a tick) and keeps an insert one atomic part."""
    insert_every_ms: int = 250
    """Inserts of a trickle start at most this often: each costs about 10 ms of processor time however small it is, and
    an order that is on its way just then waits for that processor."""
    queue_mb: int = 128
    """Batches waiting to be written; beyond it the bus keeps them and brings them again."""
    tick_deliveries: int = 512
    """Batches the bus may bring before the first is acknowledged."""
    quarantine_mb: int = 256
    """Space for messages that could not be used; when full they are counted and logged only."""

    def __post_init__(self) -> None:
        """Refuse what cannot work, in words."""
        if not self.clickhouse_url.startswith(("chdb://", "http://", "https://")):
            raise ValueError("clickhouse_url must begin with chdb:///, http:// or https://")
        for name, url in (("postgres_url", self.postgres_url), ("postgres_owner_url", self.postgres_owner_url)):
            if url and (mistake := _mistake(url)):
                raise ValueError(f"{name} {mistake}")
        if not 1 <= self.group_ticks <= 1_000_000:
            raise ValueError("group_ticks must be 1..1000000: a larger insert would not be one part")
        if not 1 <= self.postgres_pool_min <= self.postgres_pool_max:
            raise ValueError("postgres_pool_min must be 1..postgres_pool_max")
        if self.tick_deliveries < 1 or self.queue_mb < 1:
            raise ValueError("tick_deliveries and queue_mb must be at least 1")

    @property
    def clickhouse_dsn(self) -> str:
        """The URL with the data directory filled in."""
        return self.clickhouse_url.replace("{data_dir}", str(Path(self.data_dir).absolute()).lstrip("/"))

    @property
    def postgres_dsn(self) -> str:
        """The URL with the password filled in; SettingsError when its file can't be read."""
        return _with_password(self._filled(self.postgres_url), self.postgres_password_file)

    @property
    def postgres_owner_dsn(self) -> str:
        """The same for the owner."""
        if not self.postgres_owner_url:
            return self.postgres_dsn
        return _with_password(self._filled(self.postgres_owner_url), self.postgres_owner_password_file)

    def _filled(self, url: str) -> str:
        return url.replace("{data_dir}", quote(str(Path(self.data_dir).absolute()), safe="/"))


def _mistake(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        return "must begin with postgresql://"
    if parts.password:
        return "must not hold a password: write it into a file and name that in the setting that ends in password_file"
    asked = parse_qs(parts.query)
    local = not parts.hostname and all(host.startswith(("/", "{data_dir}/")) for host in asked.get("host", ["/"]))
    if not local and asked.get("sslmode") != ["verify-full"]:
        return "does not name a unix socket, and that takes TLS: add ?sslmode=verify-full (and sslrootcert=…)"
    return ""


def _with_password(url: str, file: Path | None) -> str:
    if file is None:
        return url
    try:
        password = quote(file.read_text().strip(), safe="")
    except OSError as error:
        raise SettingsError(f"the database password can't be read: {file}: {error.strerror}") from None
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{host}"))
