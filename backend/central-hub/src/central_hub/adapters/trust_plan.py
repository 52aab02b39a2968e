"""What to run so that a machine's browsers trust the platform's root: one plan for each place that keeps roots."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

NAME = "AI trading platform"


@dataclass(frozen=True, slots=True)
class Step:
    """One place. Either `copy_to`, then `run`; or `run` alone. `why_not` says why it can't be done here."""

    place: str
    run: tuple[tuple[str, ...], ...] = ()
    copy_to: Path | None = None
    undo: str = ""
    """What takes it out again, for a person to read."""
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """What was found on this machine."""

    system: str
    """linux, darwin or win32."""
    programs: Collection[str]
    """Which of the programs below exist."""
    home: Path
    firefox: Sequence[Path] = ()
    """Firefox's profiles on Linux; it keeps roots of its own there."""
    root: bool = False


PROGRAMS = ("update-ca-certificates", "update-ca-trust", "certutil", "security")
DEBIAN = Path("/usr/local/share/ca-certificates")
FEDORA = Path("/etc/pki/ca-trust/source/anchors")


def plan(machine: Machine, certificate: Path, mark: str) -> list[Step]:
    """All places of a machine. `mark`, the beginning of the fingerprint, tells two platforms apart."""
    name, file = f"{NAME} {mark}", f"aitrading-{mark}.crt"
    pem = str(certificate)
    if machine.system == "win32":
        store = (("certutil", "-user", "-addstore", "Root", pem),)
        return [Step("Windows, this user", store, undo=f'certutil -user -delstore Root "{name}"')]
    if machine.system == "darwin":
        keychain = str(machine.home / "Library/Keychains/login.keychain-db")
        trusted = (("security", "add-trusted-cert", "-r", "trustRoot", "-k", keychain, pem),)
        return [Step("macOS, this user's keychain", trusted, undo=f"security remove-trusted-cert {pem}")]
    return [_system(machine, file), *_nss(machine, pem, name)]


def _system(machine: Machine, file: str) -> Step:
    place = "this machine (curl, Python, other programs)"
    for program, folder in (("update-ca-certificates", DEBIAN), ("update-ca-trust", FEDORA)):
        if program in machine.programs:
            if not machine.root:
                return Step(place, why_not="only root may change it: run the same with sudo")
            target = folder / file
            return Step(place, ((program,),), target, f"rm {target} && {program}")
    return Step(place, why_not="neither update-ca-certificates nor update-ca-trust was found")


def _nss(machine: Machine, pem: str, name: str) -> list[Step]:
    stores = [("Chrome and Chromium, this user", machine.home / ".pki/nssdb")]
    stores += [(f"Firefox, {profile.name}", profile) for profile in machine.firefox]
    steps = []
    for place, folder in stores:
        if "certutil" not in machine.programs:
            steps.append(Step(place, why_not="certutil was not found: install libnss3-tools (Debian) or nss-tools"))
            continue
        database = f"sql:{folder}"
        made = () if (folder / "cert9.db").exists() else (("certutil", "-d", database, "-N", "--empty-password"),)
        add = ("certutil", "-d", database, "-A", "-t", "C,,", "-n", name, "-i", pem)
        steps.append(Step(place, (*made, add), undo=f'certutil -d {database} -D -n "{name}"'))
    return steps
