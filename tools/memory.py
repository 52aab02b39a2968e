"""What the processes of one data directory weigh, measured where Linux tells it."""

import os
from pathlib import Path


def pss_mb(data: Path) -> tuple[float, int]:
    """(sum of PSS in MB, number of processes) of everything that was started for `data`, children included."""
    parents: dict[int, int] = {}
    mine: set[int] = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            words = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if str(data).encode() in words:
            mine.add(int(entry.name))
    for pid in list(parents):
        up = pid
        while up in parents and up not in mine:
            up = parents[up]
        if up in mine:
            mine.add(pid)
    mine.discard(os.getpid())
    total = 0
    for pid in mine:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total / 1024, len(mine)
