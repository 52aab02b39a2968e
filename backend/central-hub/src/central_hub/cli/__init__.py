"""The command line `aitrading`: verbs for a person; every error is one plain sentence."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

EXIT_FAILED = 1
EXIT_USAGE = 2
PLAN_NAMES = ("unlimited", "starter", "team")
"""Of kit.policy.PLANS, which a command line that only prints its help need not load; a test compares."""
ROLES = ("admin", "auditor", "risk_manager", "trader", "viewer")

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def default_data() -> Path:
    """AITRADING_DATA_DIR, else ./var."""
    return Path(os.environ.get("AITRADING_DATA_DIR") or "var").expanduser().absolute()


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def parser() -> argparse.ArgumentParser:
    """All verbs and their options. Each verb is a module of this package with `run(options) -> int`."""
    top = argparse.ArgumentParser(prog="aitrading", description="Run and look after the trading platform.")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, help_text: str, module: str, within: Verbs = verbs) -> argparse.ArgumentParser:
        made = within.add_parser(name, help=help_text, description=help_text)
        made.set_defaults(module=module)
        made.add_argument(
            "--data", type=_path, default=None, metavar="DIR", help="data directory (AITRADING_DATA_DIR, else ./var)"
        )
        return made

    def group(name: str, help_text: str) -> Verbs:
        made = verbs.add_parser(name, help=help_text, description=help_text)
        return made.add_subparsers(dest=f"{name}_verb", required=True, metavar="VERB")

    up = verb("up", "Start the platform and watch it until Ctrl-C.", "up")
    where = up.add_mutually_exclusive_group()
    where.add_argument("--ports-from", type=int, metavar="N", help="use neighbouring ports beginning at N")
    where.add_argument("--free-ports", action="store_true", help="use any free ports")
    up.add_argument("--strategies", metavar="TEXT", help="strategies of the trading engine, in its own syntax")

    verb("down", "Stop whatever runs in the data directory.", "down")
    status = verb("status", "Show which services live.", "status")
    status.add_argument("--json", action="store_true", help="print JSON")
    doctor = verb("doctor", "Check this machine and this installation.", "doctor")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    trust = verb("trust", "Show the platform's root certificate, and let browsers trust it.", "trust")
    trust.add_argument("--export", type=_path, metavar="FILE", help="write the root there, for phones and other PCs")
    trust.add_argument("--install", action="store_true", help="put it where this machine's browsers look")
    version = verb("version", "Print the version.", "version")
    version.add_argument("--json", action="store_true", help="print JSON")

    tenants = group("tenant", "Organisations on this platform.")
    made = verb("add", "Add an organisation.", "tenants", tenants)
    made.add_argument("name", metavar="TENANT")
    made.add_argument("--display-name", default="", metavar="TEXT", help="as people call it")
    shown = verb("list", "Show all tenants with plan and state.", "tenants", tenants)
    shown.add_argument("--json", action="store_true", help="print JSON")
    stopped = verb("suspend", "Stop everything of a tenant within a second; its data stays.", "tenants", tenants)
    stopped.add_argument("name", metavar="TENANT")
    stopped.add_argument("--because", required=True, metavar="TEXT", help="the reason, for the audit trail")
    resumed = verb("resume", "Let a suspended tenant go on.", "tenants", tenants)
    resumed.add_argument("name", metavar="TENANT")
    planned = verb("set-plan", "Give a tenant another plan.", "tenants", tenants)
    planned.add_argument("name", metavar="TENANT")
    planned.add_argument("plan", choices=PLAN_NAMES)
    made.add_argument("--plan", default=PLAN_NAMES[0], choices=PLAN_NAMES)

    used = verb("usage", "Show what tenants used, day by day.", "usage")
    used.add_argument("--tenant", default="", help="of this tenant only")
    used.add_argument("--month", default="", metavar="YYYY-MM", help="this month unless given")
    used.add_argument("--csv", action="store_true", help="print CSV, for billing")
    used.add_argument("--json", action="store_true", help="print JSON")

    users = group("user", "People who may sign in.")
    add = verb("add", "Add a person; the password is asked for.", "users", users)
    add.add_argument("name", metavar="NAME")
    add.add_argument("--role", required=True, choices=ROLES)
    add.add_argument("--tenant", default="default")
    add.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    listed = verb("list", "Show the people of a tenant.", "people", users)
    listed.add_argument("--tenant", default="default")
    listed.add_argument("--json", action="store_true", help="print JSON")
    for name, says in (
        ("disable", "Let somebody do nothing any more, from this second on."),
        ("enable", "Let somebody in again."),
        ("set-role", "Give somebody another role; they have to sign in again."),
        ("reset-second-factor", "Forget somebody's second factors, when they lost them."),
        ("end-sessions", "End everything that somebody has open."),
    ):
        changed = verb(name, says, "people", users)
        changed.add_argument("name", metavar="NAME")
        changed.add_argument("--tenant", default="default")
        if name == "set-role":
            changed.add_argument("--role", required=True, choices=ROLES)

    terminals = group("terminal", "Terminals that may connect.")
    enrol = verb("add", "Write the enrolment file for a trader's PC.", "terminals", terminals)
    enrol.add_argument("--account", required=True)
    enrol.add_argument("--tenant", default="default")
    enrol.add_argument(
        "--server", metavar="URL", help="address of the bridge as the PC sees it, wss://host:port/terminal"
    )
    enrol.add_argument("--out", type=_path, metavar="FILE", help="where to write it")
    listed = verb("list", "List the terminals and until when each is good.", "terminals", terminals)
    listed.add_argument("--tenant", default="", help="of this tenant only")
    listed.add_argument("--json", action="store_true", help="print JSON")
    configure = verb("configure", "Offer settings to the PCs of a tenant.", "client_configs", terminals)
    configure.add_argument("values", nargs="*", metavar="NAME=VALUE", help="JSON or text; without a value: no more")
    configure.add_argument("--tenant", default="default")
    configure.add_argument("--account", default="", help="for this account instead of all")
    ended = verb("revoke", "Cut a terminal off, at once and for good.", "terminals", terminals)
    ended.add_argument("id", metavar="TERMINAL", help="its id, from `terminal list`")
    ended.add_argument("--reason", default="revoked by the operator", help="for the audit trail")
    pins = verb("pins", "Sign which roots clients may trust, with the off-line rotation key.", "terminals", terminals)
    pins.add_argument("--days", type=int, default=400, help="after so many days clients ask for a newer set")
    pins.add_argument(
        "--announce-next-root", action="store_true", help="let clients trust the next root too, before `ca rotate-root`"
    )

    keys = group("keys", "Keys of the platform.")
    rotate = verb("rotate", "Make a new key; what was signed with the old one goes on counting.", "keys", keys)
    rotate.add_argument("what", choices=("signal", "token"))
    rotate.add_argument("--rotation-key", type=_path, metavar="FILE", help="the offline key that signs the change")
    rotate.add_argument("--revoke", action="store_true", help="the old key is in wrong hands: it ends now")

    ca = group("ca", "Certificates of the platform.")
    shown = verb("status", "Show what was issued and until when it is good.", "certificates", ca)
    shown.add_argument("--json", action="store_true", help="print JSON")
    verb("renew", "New certificates for every program, now.", "certificates", ca)
    verb("renew-intermediate", "A new intermediate; needs the folder `offline`.", "certificates", ca)
    program = verb("program", "A certificate for a program, which binds its tokens to it.", "certificates", ca)
    program.add_argument("name")
    program.add_argument("--tenant", default="default")
    program.add_argument("--days", type=int, default=30)
    program.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    root = verb("rotate-root", "Make the spare root the root; needs the folder `offline`.", "certificates", ca)
    root.add_argument("--forget-old", action="store_true", help="end the time in which both are trusted")

    audit = group("audit", "The audit trail.")
    prove = verb("verify", "Prove that no record was changed, removed or rewritten.", "audit", audit)
    prove.add_argument("--tenant", help="one tenant; all of them unless given")
    prove.add_argument("--checkpoints", type=_path, metavar="DIR", help="where the checkpoints were kept")
    prove.add_argument("--key", type=_path, metavar="FILE", help="the public key of the checkpoints, kept elsewhere")
    prove.add_argument("--because", default="verification of the audit trail", help="the reason, for the tenant to see")
    prove.add_argument("--json", action="store_true", help="print JSON")
    look = verb("read", "Read a tenant's records; the tenant will see who did and why.", "audit", audit)
    look.add_argument("--tenant", required=True)
    look.add_argument("--because", required=True, metavar="TEXT", help="the reason, for the tenant to see")
    look.add_argument("--limit", type=int, default=100, help="the newest so many")
    look.add_argument("--json", action="store_true", help="print JSON lines")

    ticks = group("ticks", "Stored ticks.")
    load = verb("import", "Import a file of ticks; importing it twice adds nothing.", "ticks_import", ticks)
    load.add_argument("file", type=_path, metavar="FILE")
    load.add_argument("--symbol", required=True)
    load.add_argument("--account", default="import")
    load.add_argument("--tenant", default="default")
    load.add_argument("--clock", choices=("utc", "ny+7"), default=None, help="clock of an MT5 export (default ny+7)")
    load.add_argument("--json", action="store_true", help="print JSON")
    stats = verb("stats", "Count the stored ticks, the lost and the doubled.", "ticks_stats", ticks)
    stats.add_argument("--tenant", default="default")
    stats.add_argument("--account", default="")
    stats.add_argument("--because", default="", metavar="TEXT", help="the reason to look at another tenant's data")
    stats.add_argument("--json", action="store_true", help="print JSON")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; the exit code: 0 done, 1 it could not be done, 2 it was asked wrongly."""
    options = parser().parse_args(arguments)
    options.data = options.data or default_data()
    from central_hub.ports import HubError

    try:
        code: int = import_module(f"central_hub.cli.{options.module}").run(options)
    except HubError as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return EXIT_FAILED
    except OSError as error:
        # a disk that filled up or a file that may not be read: the operating system's words are plain enough
        print(f"{error.strerror or error}: {error.filename or options.data}", file=sys.stderr)
        return EXIT_FAILED
    return code
