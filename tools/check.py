"""`make check`: every convention that counts, held by a script. One line per rule; exits 1 when one is broken."""

import subprocess
import sys
import time
from pathlib import Path

import house

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

PACKAGES = [path.parent.name for path in sorted(ROOT.glob("**/src/*/__init__.py")) if ".venv" not in path.parts]
SOURCES = ["contracts", "kit", "mt5sim", "backend", "client", "tools", "tests"]


def commands() -> list[tuple[str, list[str]]]:
    """(what it holds, the program that knows)."""
    packages = [argument for name in PACKAGES for argument in ("-p", name)]
    return [
        ("style and bug patterns (ruff)", [str(BIN / "ruff"), "check", *SOURCES]),
        ("format (ruff)", [str(BIN / "ruff"), "format", "--check", *SOURCES]),
        ("import law (import-linter)", [str(BIN / "lint-imports"), "--no-cache"]),
        ("types (mypy --strict)", [str(BIN / "mypy"), *packages]),
        ("types of the tools (mypy --strict)", [str(BIN / "mypy"), "tools"]),
        ("policy: every object listed, every row an object", [sys.executable, "tools/policy_check.py", "--check"]),
        ("generated TypeScript", [sys.executable, "tools/generate_contracts.py", "--check"]),
        ("every fault of security has a test", [sys.executable, "tools/faults_gate.py"]),
        ("nothing that runs strangers' text or trusts everybody", [sys.executable, "tools/banned.py"]),
        ("every use of cryptography is in its inventory", [sys.executable, "tools/crypto_check.py"]),
        ("every requirement has its test or its reason", [sys.executable, "tools/asvs.py"]),
        ("locks: hashes, ages, what is installed", [sys.executable, "tools/sbom.py"]),
        ("no known weakness that was found and left", [sys.executable, "tools/advisories.py", "--standing"]),
        ("licences of what we ship", [sys.executable, "tools/licences.py"]),
        ("web: types, imports, lint", [sys.executable, "tools/build_web.py", "--check"]),
    ]


def main() -> int:
    """Run all rules, so that one run names everything that is broken."""
    broken = 0
    for name, faults in house.rules(ROOT):
        print(f"{'ok  ' if not faults else 'FAIL'} {name}", flush=True)
        for fault in faults:
            print(f"     {fault}")
        broken += bool(faults)
    for name, command in commands():
        started = time.monotonic()
        done = subprocess.run(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        took = time.monotonic() - started
        print(f"{'ok  ' if done.returncode == 0 else 'FAIL'} {name} ({took:.1f} s)", flush=True)
        for line in done.stdout.splitlines():
            if line.startswith("NOT AUDITED"):  # what was not looked at must not read like a success
                print(f"     {line}")
        if done.returncode:
            print(done.stdout)
            broken += 1
    if broken:
        print(f"{broken} of the rules are broken; `make fix` mends what a program can mend.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
