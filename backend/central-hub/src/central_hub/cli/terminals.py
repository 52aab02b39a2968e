"""`aitrading terminal add`: write the enrolment file for one account's terminal."""

import argparse
import os
import time

import msgspec

from central_hub.adapters.datadir import DataDir
from central_hub.cli.asking import port_of
from central_hub.domain.enrolment import Enrolment, EnrolmentFault, check
from central_hub.ports import HubError
from contracts.uplink import PATH


def run(options: argparse.Namespace) -> int:
    """Write the file (mode 0600) and print its path."""
    data = DataDir(options.data)
    server = options.server or f"wss://127.0.0.1:{port_of(data, 'data-bridge')}{PATH}"
    try:
        check(options.tenant, options.account, server, options.days)
    except EnrolmentFault as fault:
        raise HubError(str(fault)) from None
    out = options.out or data.root / "terminals" / f"{options.tenant}-{options.account}.json"
    enrolment = issue(data, options.tenant, options.account, server, options.days)
    _write_private(out, msgspec.json.format(msgspec.json.encode(enrolment), indent=1))
    print(out)
    return 0


def issue(data: DataDir, tenant: str, account: str, server: str, days: int) -> Enrolment:
    """An enrolment whose token lives `days` days. HubError when the platform was never started here."""
    from kit.keys import key_id, public_text, read_private_key, read_public
    from kit.tokens import mint

    try:
        token_key = read_private_key(data.secrets / "token.key")
        signal_key = read_public((data.secrets / "signal.pub").read_text())
        root = (data.secrets / "ca" / "root.pem").read_text()
        rotation = (data.secrets / "ca" / "rotation.pub").read_text().strip()
    except (OSError, ValueError) as error:
        raise HubError(
            f"The keys in {data.secrets} can't be read ({error}): start the platform once with `aitrading up`, "
            f"as the same user."
        ) from None
    now_ms = time.time_ns() // 1_000_000
    token = mint(
        token_key,
        "terminal+jwt",
        "data-bridge",
        f"terminal-{account}",
        now_ms // 1000,
        days * 86_400,
        tenant=tenant,
        account=account,
    )
    keys = {key_id(signal_key): public_text(signal_key)}
    return Enrolment(server, tenant, account, token, keys, now_ms, root, rotation)


def _write_private(path: "os.PathLike[str]", content: bytes) -> None:
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        fresh = f"{os.fspath(path)}.new"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(fresh, path)
    except OSError as error:
        raise HubError(
            f"{os.fspath(path)} can't be written ({error.strerror}): choose another place with --out."
        ) from None
