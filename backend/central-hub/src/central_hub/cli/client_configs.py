"""`aitrading terminal configure`: offer settings to the PCs of a tenant; each decides by its own rules."""

import argparse
import time

import msgspec

from central_hub.adapters.client_config_files import ClientConfigFiles
from central_hub.adapters.datadir import DataDir
from central_hub.ports import HubError
from contracts.client_config import ClientConfigOffer, Value
from contracts.subjects import ACCOUNT, TENANT


def run(options: argparse.Namespace) -> int:
    """Merge the values into what is offered already, sign, keep; without values print what is offered."""
    data = DataDir(options.data)
    tenant, account = options.tenant, options.account
    if TENANT.match(tenant) is None or (account and ACCOUNT.match(account) is None):
        raise HubError("The tenant or the account has no proper name.")
    files = ClientConfigFiles(data.root)
    offer = files.offer(tenant, account)
    if options.values:
        values = dict(offer.values) if offer is not None else {}
        for word in options.values:
            name, equals, text = word.partition("=")
            if not equals or not name.isidentifier():
                raise HubError(f"{word!r} is not NAME=VALUE.")
            if text:
                values[name] = value_of(text)
            else:
                values.pop(name, None)
        offer = _signed(files, data, tenant, account, values)
    if offer is None:
        print("nothing is offered")
        return 0
    print(f"revision {offer.revision}, for {account or 'every account'} of {tenant}:")
    for name, value in sorted(offer.values.items()):
        print(f"  {name} = {msgspec.json.encode(value).decode()}")
    return 0


def _signed(
    files: ClientConfigFiles, data: DataDir, tenant: str, account: str, values: dict[str, Value]
) -> ClientConfigOffer:
    from kit.keys import read_private_key

    try:
        key = read_private_key(data.secrets / "signal.key")
    except (OSError, ValueError) as error:
        raise HubError(
            f"The key in {data.secrets} can't be read ({error}): start the platform once with `aitrading up`, "
            "as the same user."
        ) from None
    return files.put(tenant, account, values, key, time.time_ns() // 1_000_000)


def value_of(text: str) -> Value:
    """JSON where it is some (numbers, true, lists), else the text itself."""
    try:
        value: Value = msgspec.json.decode(text, type=Value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return text
    return value
