"""`make attack`: every suite that tries to break in, and one table of what ran, how many cases, and the result.

A suite that ran nothing is a failure, and so is one that was skipped, except for what a machine may lack.
"""

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import attack_tools

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "build" / "attack.xml"


@dataclass(frozen=True)
class Suite:
    """Tests that belong together, and how many cases they try at least; where no case is counted, a test is one."""

    name: str
    files: tuple[str, ...]
    what: str
    least: int
    may_lack: str = ""
    """ what a machine need not have: then the suite may be skipped, and says so """


def _ours(name: str, what: str, least: int, may_lack: str = "") -> Suite:
    return Suite(name, (f"tests/attack/test_{name}.py",), what, least, may_lack)


_SERVED = "backend/api-gateway/tests/service"
SUITES = (
    _ours("wycheproof", "Wycheproof on primitives and tokens", 2_500, "the shared data beside the clone"),
    _ours("tokens", "lying tokens T01-T11", 3_500),
    _ours("token_doors", "the same at HTTP, both WebSockets", 1_200),
    _ours("roles", "roles, written down a second time", 50),
    _ours("rpc_tokens", "lying proofs over the bus itself", 1_000),
    _ours("json_corpus", "JSON that is none, or means two things", 2_200),
    _ours("schemathesis", "Schemathesis as two tenants", 400, "the package index"),
    _ours("tls_scan", "sslyze on every port, mTLS included", 90, "the package index"),
    Suite(
        "injection",
        ("backend/database-service/tests/integration/test_injection.py",),
        "hostile text in every question to PostgreSQL",
        600,
    ),
    Suite(
        "requests",
        tuple(
            f"{_SERVED}/test_{name}.py" for name in ("raw_requests", "hostile_bodies", "hostile_sockets", "handshakes")
        ),
        "smuggling, slow peers, JSON, WebSocket floods",
        60,
    ),
    _ours("autobahn", "Autobahn on both WebSocket stacks", 580, "a Python 2.7 with pip, and the package index"),
    _ours("sqlmap", "sqlmap on every text parameter", 9, "the package index"),
    _ours("slow_crowd", "five hundred slow peers at once", 1_500),
    _ours("disk", "what is promised to be on disk is", 20, "strace"),
    _ours("terminals", "joining, renewing, revoking terminals", 15),
    _ours("server_identity", "servers that pose as ours", 5),
    _ours("canary", "secrets in logs, stores, environments", 1_200),
    _ours("mutants", "planted holes, each must be noticed", 60),
)


@dataclass
class Result:
    """What a suite did."""

    cases: int = 0
    tests: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0


def read(report: Path) -> dict[str, Result]:
    """suite -> its result, from the report that pytest wrote"""
    suites = {file.removesuffix(".py").replace("/", "."): suite.name for suite in SUITES for file in suite.files}
    results: dict[str, Result] = {}
    for test in ElementTree.parse(report).iter("testcase"):  # noqa: S314 our own file
        result = results.setdefault(suites.get(test.get("classname", ""), ""), Result())
        result.tests += 1
        result.seconds += float(test.get("time", "0"))
        result.failed += test.find("failure") is not None or test.find("error") is not None
        result.skipped += test.find("skipped") is not None
        counted = [int(p.get("value", "0")) for p in test.iter("property") if p.get("name") == "cases"]
        result.cases += sum(counted) if counted else test.find("skipped") is None
    return results


def verdict(suite: Suite, result: Result) -> str:
    """`ok`, or what is wrong in a few words."""
    if result.failed:
        return f"FAILED ({result.failed} of {result.tests})"
    if result.skipped and suite.may_lack:
        return f"SKIPPED, needs {suite.may_lack}"
    if result.skipped:
        return f"FAILED: {result.skipped} of {result.tests} did not run"
    if result.cases < suite.least:
        return f"FAILED: {result.cases} cases, at least {suite.least} belong here"
    return "ok"


def main(arguments: list[str]) -> int:
    """Run everything, or the suites named; 1 when one failed or did not run."""
    wanted = [a for a in arguments if not a.startswith("-")]
    environ = os.environ | ({"ATTACK": "long"} if "--long" in arguments else {})
    suites = [suite for suite in SUITES if not wanted or suite.name in wanted]
    if not suites:
        print("There is no such suite. Suites: " + ", ".join(s.name for s in SUITES))
        return 2
    attack_tools.install(print)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.unlink(missing_ok=True)
    started = time.monotonic()
    files = [file for suite in suites for file in suite.files]
    options = ["--junitxml", str(REPORT), "-o", "junit_family=xunit1", "--tb=short"]
    subprocess.run([sys.executable, "-m", "pytest", *options, *files], cwd=ROOT, env=environ, check=False)
    results = read(REPORT) if REPORT.exists() else {}
    bad = 0
    print(f"\n{'suite':18} {'cases':>7} {'s':>6}  result")
    for suite in suites:
        result = results.get(suite.name, Result())
        said = verdict(suite, result)
        bad += said.startswith("FAILED")
        print(f"{suite.name:18} {result.cases:7} {result.seconds:6.1f}  {said:12} {suite.what}")
    print(f"\n{time.monotonic() - started:.0f} s" + ("" if not bad else f", {bad} suites FAILED"))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
