"""`make docker`: build the image, run it with compose, sign in, see a filled order; skips loudly without an engine."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Any

from stage import ROOT

PORT = int(os.environ.get("AITRADING_DOCKER_PORT", "8000"))
BASE = f"http://127.0.0.1:{PORT}"
BUILD_LIMIT_S = 1_800
READY_LIMIT_S = 180


def compose(*arguments: str, check: bool = True, limit_s: float = 120) -> str:
    """Run docker compose (the plugin, or Debian's docker-compose) and return what it printed."""
    command = ["docker", "compose"]
    if subprocess.run([*command, "version"], capture_output=True, check=False).returncode:
        command = ["docker-compose"]
    environ = {**os.environ, "AITRADING_PUBLISH": str(PORT)}
    done = subprocess.run(
        [*command, "-p", "aitrading-try", *arguments],
        cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=limit_s,
        check=False,
    )  # fmt: skip
    if check and done.returncode:
        raise SystemExit(f"`{' '.join([*command, *arguments])}` failed:\n{done.stdout[-4_000:]}")
    return done.stdout


def ask(path: str, body: dict[str, str] | None = None, cookie: str = "") -> tuple[dict[str, Any], str]:
    """(JSON answer, cookie) of the gateway in the container."""
    headers = {"Content-Type": "application/json", "Origin": BASE, **({"Cookie": cookie} if cookie else {})}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or b"{}"), (answer.headers.get("set-cookie") or "").split(";")[0]


def wait(what: str, limit_s: float, fact: Any) -> Any:
    """The first truthy `fact()`; exits with a sentence when none comes."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        try:
            if value := fact():
                return value
        except (OSError, urllib.error.URLError, ValueError):
            pass
        time.sleep(0.5)
    raise SystemExit(f"{what} did not happen within {limit_s:.0f} s:\n{compose('logs', '--tail', '40', check=False)}")


def main() -> int:
    """Build, run, sign in, look for moving prices and a filled order, take down."""
    if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        print("SKIPPED: no Docker engine answers on this machine; start one (`dockerd`) and try again.")
        return 0
    compose("down", "--volumes", check=False)
    print("building …", flush=True)
    compose("build", limit_s=BUILD_LIMIT_S)
    try:
        print("starting …", flush=True)
        compose("up", "--detach")
        wait("readiness", READY_LIMIT_S, lambda: ask("/health/ready"))
        code = wait(
            "the setup code", 60, lambda: compose("exec", "-T", "platform", "cat", "/data/secrets/setup.code").strip()
        )
        password = secrets.token_urlsafe(18)
        _, cookie = ask("/api/v1/setup", {"code": code, "name": "docker", "password": password})
        symbols = wait("a price", 60, lambda: ask("/api/v1/symbols", cookie=cookie)[0]["symbols"])
        filled = wait(
            "a filled order", 180,
            lambda: [o for o in ask("/api/v1/orders", cookie=cookie)[0]["orders"] if o["state"] == "FILLED"],
        )  # fmt: skip
        user = compose("exec", "-T", "platform", "id", "-u").strip()
        if user == "0":
            raise SystemExit("the image runs as root")
        print(
            f"signed in as a new user; {len(symbols)} symbols move; first fill: {filled[-1]['symbol']}; user id {user}"
        )
    finally:
        compose("down", "--volumes", "--timeout", "30", check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
