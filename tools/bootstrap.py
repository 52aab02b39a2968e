"""Make or refresh the virtual environment: `python3 tools/bootstrap.py`. Needs Python 3.11, and says so to older ones.

Nothing is done when `uv.lock` and every pyproject.toml are those of the last successful run. Written so that even
Python 3.6 can read it: otherwise an old Python would show a syntax error instead of a sentence.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
UV_VERSION = "0.13.9"
UV_DIR = os.path.join(ROOT, ".uv")
VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, ".setup-stamp")
LEAST = (3, 11)
NEWER = ("python3.14", "python3.13", "python3.12", "python3.11")
NEEDS_BYTES = 2500 * 1000 * 1000
BIN = "Scripts" if os.name == "nt" else "bin"

CAUSES = (
    (r"no space left|disk quota|errno 28|os error 28", "the disk is full: free about 2.5 GB and run it again"),
    (
        r"certificate|UnknownIssuer|self.signed|CERTIFICATE_VERIFY",
        "the registry's certificate is not trusted: point SSL_CERT_FILE to your company's CA bundle and run it again",
    ),
    (
        r"lockfile.*needs to be updated|--locked",
        f"uv.lock does not fit the pyproject files: run `.uv/{BIN}/uv lock` and commit the result",
    ),
    (
        r"failed to fetch|error sending request|could not connect|connection (refused|reset|aborted)|dns error"
        r"|name resolution|name or service not known|timed out|network is unreachable|NewConnectionError"
        r"|failed to lookup|no matching distribution found for uv|proxy",
        "the package registry (pypi.org) can't be reached: check the network, or set HTTPS_PROXY, and run it again",
    ),
    (
        r"ensurepip|No module named .?venv|virtual environment was not created",
        "this Python can't make virtual environments: install its venv package (Debian, Ubuntu: "
        "`apt install python3-venv`)",
    ),
    (r"permission denied|errno 13|os error 13", "the project's folder can't be written: see who owns it"),
    (r"no (wheel|solution|interpreter)|doesn't have a (source distribution|wheel)", "a package does not exist for this "
     "system: Linux x86-64 or ARM64 and macOS are supported, with CPython 3.11 to 3.14"),
)  # fmt: skip


class SetupError(Exception):
    """The environment can't be made; the text is one sentence that says what to do."""


def fingerprint():
    """A hash of all that decides what is installed."""
    files = [os.path.join(ROOT, "uv.lock"), os.path.join(ROOT, "pyproject.toml")]
    for area in ("", "backend", "client"):
        folder = os.path.join(ROOT, area)
        if os.path.isdir(folder):
            files += [os.path.join(folder, name, "pyproject.toml") for name in sorted(os.listdir(folder))]
    digest = hashlib.sha256(f"{UV_VERSION} {VENV}".encode())
    for path in files:
        if os.path.isfile(path):
            with open(path, "rb") as file:
                digest.update(os.path.relpath(path, ROOT).encode() + b"\0" + file.read())
    return digest.hexdigest()


def is_done(mark):
    """The last successful run saw the same files, and its result is still there."""
    try:
        with open(STAMP) as file:
            return file.read().strip() == mark and os.path.exists(os.path.join(VENV, BIN, "aitrading"))
    except OSError:
        return False


def cause(output):
    """What the output of a failed command means and what to do about it."""
    for pattern, meaning in CAUSES:
        if re.search(pattern, output, re.IGNORECASE):
            return meaning
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason was given"


def environment():
    """The caller's environment; the system's certificates count, so that a company's own CA works."""
    environ = dict(os.environ)
    environ.pop("VIRTUAL_ENV", None)
    environ.update(UV_PROJECT_ENVIRONMENT=VENV, UV_PYTHON_DOWNLOADS="never", UV_NO_PROGRESS="1")
    environ.setdefault("UV_SYSTEM_CERTS", "1")
    environ.setdefault("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    if environ.get("SSL_CERT_FILE"):
        environ.setdefault("PIP_CERT", environ["SSL_CERT_FILE"])
    return environ


def call(what, *argv):
    """Run a step; SetupError with its cause when it fails."""
    try:
        done = subprocess.run(
            argv,
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except OSError as error:
        raise SetupError(f"{what} failed: {cause(str(error))}.") from None
    if done.returncode:
        raise SetupError(f"{what} failed: {cause(done.stdout.decode('utf-8', 'replace'))}.")


def check_space():
    """SetupError when there is no room for a first installation."""
    free = shutil.disk_usage(ROOT).free
    if not os.path.isdir(VENV) and free < NEEDS_BYTES:
        raise SetupError(
            f"Only {free // 10**6} MB are free on the disk of {ROOT}, the packages need about "
            f"{NEEDS_BYTES // 10**6} MB: free some space and run it again."
        )


def uv():
    """The path of uv, installed into a small environment of its own when it is not there."""
    program = os.path.join(UV_DIR, BIN, "uv")
    stamp = os.path.join(UV_DIR, ".version")
    try:
        with open(stamp) as file:
            if file.read().strip() == UV_VERSION and os.path.exists(program):
                return program
    except OSError:
        pass
    print(f"setup: installing uv {UV_VERSION}", flush=True)
    # --clear: an interrupted earlier try may have left half an environment
    call("Making the environment for uv", sys.executable, "-m", "venv", "--clear", UV_DIR)
    python = os.path.join(UV_DIR, BIN, "python")
    call("Installing uv", python, "-m", "pip", "install", "--quiet", "uv==" + UV_VERSION)
    with open(stamp, "w") as file:
        file.write(UV_VERSION)
    return program


def newer_python():
    """A Python on this machine that is new enough; None when there is none."""
    for name in NEWER:
        path = shutil.which(name)
        if path:
            return path
    return None


def main():
    """0 when the environment is ready, 1 with a sentence when it can't be made."""
    if sys.version_info < LEAST:
        other = newer_python()
        if other is not None:
            os.execv(other, [other, *sys.argv])  # noqa: S606 the same script under a newer Python
        print(
            f"Python {sys.version_info[0]}.{sys.version_info[1]} is too old: install Python 3.11 or newer (python.org, "
            "or your system's package manager) and run it again, or name one: make PYTHON=/path/to/python3.11 run",
            file=sys.stderr,
        )
        return 1
    mark = fingerprint()
    if is_done(mark):
        return 0
    try:
        check_space()
        program = uv()
        print("setup: installing the locked packages into .venv", flush=True)
        # an environment that is there keeps its Python: others may be using it
        python = [] if os.path.exists(os.path.join(VENV, "pyvenv.cfg")) else ["--python", sys.executable]
        call("Installing the packages", program, "sync", "--locked", *python)
        with open(STAMP, "w") as file:
            file.write(mark)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Setup failed: {cause(str(error))}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Setup was interrupted: run it again, it continues.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
