"""sqlmap on every text parameter of the API, signed in: nothing that is sent becomes part of a statement."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from town import Town

Counted = Callable[[int, int], None]

VALUES = {"account": "1000001", "symbol": "EURUSD", "timeframe": "M1"}
"""Values that are true, so that the statement behind them is reached."""


def parameters(town: Town) -> list[tuple[str, str]]:
    """(address, parameter) of every text parameter of every GET in the OpenAPI document."""
    _, document = town.fetch("GET", "/openapi.json")
    found = []
    for path, operations in document["paths"].items():
        named = [p for p in operations.get("get", {}).get("parameters", []) if p["in"] == "query"]
        texts = {p["name"]: VALUES.get(p["name"], "x") for p in named if p["schema"].get("type") == "string"}
        if texts and "{" not in path:
            found += [(f"{path}?{urlencode(texts)}", name) for name in texts]
    return found


def test_no_parameter_is_injectable(
    town: Town, tool: Callable[[str], str], long: bool, tmp_path: Path, counted: Counted
) -> None:
    program, found = tool("sqlmap"), parameters(town)
    headers = tmp_path / "headers"
    level, risk = ("3", "2") if long else ("1", "1")
    tried = 0
    for address, name in found:
        alice = town.person("alice", at_most_s=0 if long else 300)
        done = subprocess.run(
            [
                *(program, "--batch", "--level", level, "--risk", risk, "--disable-coloring", "--flush-session"),
                *("-u", f"https://localhost:{town.stage.ports['api-gateway']}{address}", "-p", name),
                *("--headers", f"Authorization: {alice.bearer['Authorization']}"),
                *("--ignore-code", "404,422,429", "--output-dir", str(headers)),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=1_800,
            check=False,
        )
        assert "sqlmap identified the following injection point" not in done.stdout, done.stdout[-3_000:]
        assert "does not seem to be injectable" in done.stdout or "all tested parameters" in done.stdout, (
            f"{name} of {address}\n" + done.stdout[-3_000:]
        )
        assert town.still_in(alice), "its token ended before sqlmap did: nothing behind the door was tried"
        tried += 1
    counted(tried, 9)
