"""Schemathesis against the real OpenAPI document, as two people of two tenants who may not see each other's things."""

import json
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

from town import Town

Counted = Callable[[int, int], None]

LEFT_OUT = "positive_data_acceptance"
"""What the document can't say (an account that exists, a fitting volume) is refused with 422, rightly."""
CASES, SEEDS = 12, {False: (1,), True: tuple(range(1, 18))}
"""Of each operation in each round; a round ends before the tokens do, and long ones are many rounds."""
LEAST = {False: 400, True: 6_000}


def test_no_accident_no_surprise_and_no_look_at_another_tenant(
    town: Town, tool: Callable[[str], str], long: bool, tmp_path: Path, counted: Counted
) -> None:
    program, cases = tool("schemathesis"), 0
    # without two peers the check of object-level authorisation does not run, and says so nowhere
    (tmp_path / "schemathesis.toml").write_text('[auth.wfc]\npath = "auth.json"\npeers = ["alice", "bob"]\n')
    for seed in SEEDS[long]:
        cases += tried(town, program, tmp_path, seed)
    counted(cases, LEAST[long])


def tried(town: Town, program: str, folder: Path, seed: int) -> int:
    """One round; how many cases it tried."""
    people = [town.person(name, at_most_s=0) for name in ("alice", "bob")]
    headers = [
        {"name": p.name, "fixedHeaders": [{"name": name, "value": value} for name, value in p.bearer.items()]}
        for p in people
    ]
    secret = folder / "auth.json"
    secret.touch(mode=0o600)
    secret.write_text(json.dumps({"auth": headers}))
    done = subprocess.run(
        [
            *(program, "run", f"{town.stage.address}/openapi.json"),
            # one worker: with two, CPython 3.11 gives up whole operations
            *("--workers", "1", "--seed", str(seed), "--max-examples", str(CASES), "--continue-on-failure"),
            # a DELETE of one's own session would leave the rest of the run outside
            *("--exclude-checks", LEFT_OUT, "--exclude-method", "DELETE", "--report", "junit", "--no-color"),
            *("--report-junit-path", str(folder / "report.xml"), *town.schemathesis_trust),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-30_000:] + done.stderr[-2_000:]
    assert all(town.still_in(person) for person in people), "a token ended: what came after it was tried as nobody"
    selected = int(re.search(r"Tested: +(\d+)", done.stdout)[1])  # type: ignore[index]
    written = ElementTree.parse(folder / "report.xml").findall(".//testcase")
    assert len(written) >= selected >= 18, done.stdout[-3_000:]
    return int(re.search(r"(\d+) generated", done.stdout)[1])  # type: ignore[index]
