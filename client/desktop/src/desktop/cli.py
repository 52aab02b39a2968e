"""`aitrading-client`: run the client, ask how it is, look at its settings."""

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
import webbrowser
from pathlib import Path

import msgspec

from client_security.lifespan import STOP_ON_EOF
from client_security.vaults import KINDS
from desktop.asking import passphrase_options
from desktop.config_cli import CONFIG_DIR, add_config, run_config
from desktop.doctor_cli import run_doctor
from desktop.health import Answer, ask
from desktop.logs_cli import add_logs, run_logs
from desktop.page_link import page_link
from desktop.plan import Chosen, State, ports
from desktop.setup_cli import STATE_FILE, add_setup, run_setup
from desktop.status_page import StatusPage
from desktop.supervisor import Supervisor, trouble_of
from desktop.tray_cli import run_tray
from desktop.vault_cli import add_verbs, chosen_keeper, papers_of, run_pins, run_vault
from kit.errors import KitError
from kit.hardening import harden


def default_data() -> Path:
    """Where the client keeps its files unless told otherwise."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "aitrading-client"
    return Path(os.environ.get("XDG_DATA_HOME", str(Path.home() / ".local" / "share"))) / "aitrading-client"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="aitrading-client", description="The trader's side of the platform.")
    verbs = top.add_subparsers(dest="verb", required=True)
    setup = add_setup(verbs)
    run = verbs.add_parser("run", help="start the client; options are remembered for the next start")
    run.add_argument("--enrolment", type=Path, help="the file the server's `terminal add` wrote; needed once")
    run.add_argument("--terminal", choices=("MetaTrader5", "mt5sim"))
    run.add_argument("--terminal-path", help="terminal64.exe, or the simulator's JSON file")
    run.add_argument("--terminal-clock", choices=("ny+7", "utc"), help="the broker's clock")
    run.add_argument("--symbols", help="separated by commas; `all` for all of Market Watch")
    run.add_argument("--first-read-s", type=int, help="seconds of history the first start reads; -1: everything")
    run.add_argument(
        "--keeper", choices=KINDS, default="auto", help="who keeps the key of a first vault; see `vault status`"
    )
    passphrase_options(run)
    run.add_argument(
        "--page", action=argparse.BooleanOptionalAction, default=sys.platform == "win32",
        help="a status page for a browser on this PC: aitrading-client status --open",
    )  # fmt: skip
    place = run.add_mutually_exclusive_group()
    place.add_argument("--ports-from", type=int, help="use this port and the three after it")
    place.add_argument("--free-ports", action="store_true", help="use any four free ports")
    tray = verbs.add_parser("tray", help="run the client without a window, with an icon beside the clock (Windows)")
    status = verbs.add_parser("status", help="ask the running client how it is")
    status.add_argument("--json", action="store_true")
    status.add_argument("--open", action="store_true", help="show the status page in the browser")
    logs = add_logs(verbs)
    history = verbs.add_parser("history", help="list the versions of the settings")
    back = verbs.add_parser("rollback", help="make an older version of the settings the newest")
    back.add_argument("number", type=int)
    limits = verbs.add_parser("limits", help="your own limits: show, set NAME=VALUE, confirm", add_help=False)
    limits.add_argument("words", nargs=argparse.REMAINDER)
    for verb in (setup, run, tray, status, logs, history, back, *add_config(verbs), *add_verbs(verbs)):
        verb.add_argument("--data", type=Path, default=default_data(), help="the client's data directory")
    return top


def _config_manager(verb: str, data: Path, *more: str, given: bytes = b"") -> str:
    """What `python -m config_manager` says; KitError with its words when it refuses."""
    command = [sys.executable, "-m", "config_manager", verb, str(data / CONFIG_DIR), *more]
    done = subprocess.run(command, input=given, capture_output=True, check=False)  # noqa: S603 our own program
    if done.returncode != 0:
        raise KitError(done.stderr.decode(errors="replace").strip())
    return done.stdout.decode()


def given_by(options: argparse.Namespace) -> dict[str, object]:
    """The settings this start names; the others stay as they were saved."""
    path, symbols = options.terminal_path, options.symbols
    given: dict[str, object] = {
        "terminal": options.terminal,
        "terminal_path": None if path is None else str(Path(path).expanduser().absolute()),
        "terminal_clock": options.terminal_clock,
        "first_read_s": options.first_read_s,
    }
    if symbols is not None:
        names = [name.strip() for name in symbols.split(",") if name.strip()]
        given["symbols"] = [] if symbols.strip() == "all" else names
    return {name: value for name, value in given.items() if value is not None}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _run(options: argparse.Namespace) -> int:
    data = options.data.expanduser().absolute()
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    papers = papers_of(options, new=not papers_of(options).vault.exists())
    kind = options.keeper if papers.vault.exists() else chosen_keeper(options.keeper)
    if papers.adopt_old(kind):
        print("the secrets of the older client were moved into the vault", flush=True)
    enrolment = papers.import_enrolment(options.enrolment, kind) if options.enrolment else papers.enrolment()
    said = _config_manager("set", data, given=msgspec.json.encode(given_by(options)))
    config = msgspec.json.decode(said, type=Chosen)
    chosen = ports(options.ports_from, options.free_ports)
    state = State(os.getpid(), _now_ms(), chosen)
    (data / STATE_FILE).write_bytes(msgspec.json.encode(state))
    print(
        f"client of account {enrolment.account}: {config.terminal}, server {enrolment.server}, data {data}", flush=True
    )
    try:
        key = papers.vault.unlocked_key()
        page = StatusPage(data, enrolment.account, lambda: answers_of_apps(data, chosen)) if options.page else None
        supervisor = Supervisor(data, chosen, config, lambda line: print(line, flush=True), key, page)
        if os.environ.get(STOP_ON_EOF) == "1":
            threading.Thread(target=_stop_at_eof, args=(supervisor,), daemon=True).start()
        return asyncio.run(supervisor.run())
    finally:
        (data / STATE_FILE).unlink(missing_ok=True)


def _stop_at_eof(supervisor: Supervisor) -> None:
    """Whoever has started this program has closed its standard input, or has ended."""
    with contextlib.suppress(OSError):
        while os.read(0, 4_096):
            pass
    supervisor.stop()


def answers_of_apps(data: Path, chosen: dict[str, int]) -> list[Answer]:
    """What each app says; blocks for two seconds an app at most."""
    return [ask(data, app, port) for app, port in chosen.items()]


def _status(options: argparse.Namespace) -> int:
    if options.open:
        return 0 if webbrowser.open(page_link(options.data.expanduser().absolute())) else 1
    try:
        state = msgspec.json.decode((options.data / STATE_FILE).read_bytes(), type=State)
    except (OSError, msgspec.DecodeError):
        print("the client is not running; start it with `aitrading-client run`", file=sys.stderr)
        return 1
    answers = answers_of_apps(options.data, state.ports)
    if options.json:
        print(msgspec.json.encode(answers).decode())
    else:
        for answer, port in zip(answers, state.ports.values(), strict=True):
            details = "; ".join(f"{d.name}: {d.detail}" for d in answer.dependencies)
            print(f"{'ok ' if answer.ready else 'NOT'} {answer.service:<22} {port:<6} {details or trouble_of(answer)}")
    return 0 if all(answer.ready for answer in answers) else 1


def _limits(options: argparse.Namespace) -> int:
    """The connector's own command: the limits are its file, and a person answers it directly."""
    words = options.words or ["show"]
    data = [] if "--data" in words else ["--data", str(options.data.expanduser().absolute())]
    command = [sys.executable, "-m", "metatrader_connector", "limits", *words, *data]
    return subprocess.call(command)  # noqa: S603 our own program


def _history(options: argparse.Namespace) -> int:
    print(_config_manager("history", options.data), end="")
    return 0


def _roll_back(options: argparse.Namespace) -> int:
    print(_config_manager("rollback", options.data, str(options.number)), end="")
    return 0


def main() -> int:
    """0 fine or stopped when asked, 1 not ready, 2 wrong options, else the connector's code."""
    harden()
    options = parser().parse_args()
    verbs = {
        "setup": lambda options: run_setup(options, os.environ),
        "run": _run,
        "status": _status,
        "history": _history,
        "rollback": _roll_back,
        "limits": _limits,
        "config": run_config,
        "vault": run_vault,
        "doctor": lambda options: run_doctor(options, os.environ),
        "logs": run_logs,
        "tray": run_tray,
        "pins": run_pins,
    }
    try:
        return verbs[options.verb](options)
    except (KitError, OSError) as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
