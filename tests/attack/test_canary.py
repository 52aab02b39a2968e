"""A09: after people and machines have used the platform, their secrets are found nowhere but in their own files."""

import base64
import contextlib
import json
import re
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
from town import PASSWORD, Town

Counted = Callable[[int, int], None]

BLOCK = 1 << 22
HOMES = ("secrets", "client")
"""Where secrets live, each in a file of mode 0600; everything else must be free of them."""


def provoke(town: Town) -> None:
    """Use the secrets well and badly: what is refused is what gets logged."""
    alice = town.person("alice")
    for path, body, headers in (
        ("/api/v1/session", {"name": PASSWORD, "password": "x"}, {}),
        ("/api/v1/session", {"name": "alice", "password": PASSWORD, "extra": PASSWORD}, {}),
        (f"/api/v1/ticks?account={alice.token[:60]}&symbol={PASSWORD}", None, alice.bearer),
        (f"/api/v1/{alice.token}", None, {"Authorization": f"Basic {alice.token}"}),
        (
            "/api/v1/commands",
            {"kind": PASSWORD, "reason": alice.token[:64]},
            alice.bearer | {"Idempotency-Key": "canary-1"},
        ),
        ("/csp-report", {"csp-report": {"blocked-uri": f"https://x/?{alice.token}"}}, {}),
    ):
        with contextlib.suppress(urllib.error.HTTPError):
            town.fetch("POST" if body else "GET", path, body, headers)


def processes(town: Town) -> list[psutil.Process]:
    """Everything that this town has started."""
    found: dict[int, psutil.Process] = {}
    for started in (town.stage.platform, town.stage.client):
        assert started is not None
        for process in [psutil.Process(started.pid), *psutil.Process(started.pid).children(recursive=True)]:
            found[process.pid] = process
    state = json.loads((town.stage.data / "run" / "state.json").read_text())
    for entry in state["programs"].values():
        found[entry["pid"]] = psutil.Process(entry["pid"])
    return list(found.values())


def needles(town: Town) -> dict[str, bytes]:
    """what it is -> bytes that must not be found"""
    alice = town.person("alice")
    found = {
        "password": PASSWORD.encode(),
        "password, base64": base64.b64encode(PASSWORD.encode()).rstrip(b"="),
        "access token": alice.token.encode(),
        **{f"signature of access token {n}": t.rsplit(".", 1)[1].encode() for n, t in enumerate(town.tokens)},
        "terminal token": town.terminal.token.encode(),
    }
    for file in sorted((town.stage.data / "secrets").rglob("*")):
        if (
            not file.is_file()
            or file.suffix in {".pub", ".pin"}
            or "public" in file.name
            or file.name.endswith((".json",))
        ):
            continue
        text = file.read_bytes().strip()
        if b"PRIVATE KEY" in text:
            lines = [line for line in text.splitlines() if b"-----" not in line]
            # the head of a PKCS #8 key is the same for all keys of a kind: the secret begins later
            found[str(file.relative_to(town.stage.data))] = (b"".join(lines))[40:72]
        elif b"CERTIFICATE" not in text and 16 <= len(text) <= 4_096:
            found[str(file.relative_to(town.stage.data))] = text.splitlines()[-1]
    return found


def searched(path: Path, wanted: dict[str, bytes]) -> Iterator[str]:
    """Names of what stands in a file; blocks overlap, so nothing hides at an edge."""
    longest = max(map(len, wanted.values()))
    tail = b""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            text = tail + block
            yield from (name for name, needle in wanted.items() if needle in text)
            tail = text[-longest:]


def test_A09_no_secret_is_found_outside_of_its_own_file(town: Town, counted: Counted) -> None:
    provoke(town)
    wanted = needles(town)
    assert len(wanted) >= 15, sorted(wanted)
    hits, files = [], 0
    for path in town.stage.data.rglob("*"):
        if path.relative_to(town.stage.data).parts[0] in HOMES or not path.is_file() or path.is_symlink():
            continue
        files += 1
        hits += [(str(path.relative_to(town.stage.data)), name) for name in set(searched(path, wanted))]
    for path in [*town.logs.glob("*.log*"), *(town.stage.client_data / "logs").glob("*")]:
        hits += [(path.name, name) for name in set(searched(path, wanted))]
    assert hits == []
    counted(files * len(wanted), 1_000)


def test_A09_no_secret_stands_in_an_environment_or_a_command_line(town: Town, counted: Counted) -> None:
    wanted = needles(town)
    hits, looked = [], 0
    for process in processes(town):
        for what in ("environ", "cmdline"):
            looked += 1
            try:
                text = Path(f"/proc/{process.pid}/{what}").read_bytes()
            except PermissionError:
                continue  # the process is closed even to its own user: see kit.hardening
            hits += [(process.name(), what, name) for name, needle in wanted.items() if needle in text]
    assert hits == []
    counted(looked * len(wanted), 200)


def test_A09_secret_files_are_for_their_owner_only(town: Town, counted: Counted) -> None:
    tried, open_ = 0, []
    for path in (town.stage.data / "secrets").rglob("*"):
        tried += 1
        if path.stat().st_mode & 0o077:
            open_.append(str(path.relative_to(town.stage.data)))
    assert open_ == []
    counted(tried, 20)


def test_A09_no_process_leaves_its_memory_behind_when_it_dies(town: Town, counted: Counted) -> None:
    unsafe, found = [], processes(town)
    for process in found:
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        if re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE) is None:
            unsafe.append((process.name(), process.cmdline()[-2:]))
    assert unsafe == []
    counted(len(found), 8)
