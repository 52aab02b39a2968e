"""Keys of all services for tests: made once per process, so that everybody in a test knows everybody."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contracts.commands import Command
from contracts.rpc import Method
from contracts.subjects import RIGHTS
from kit import policy
from kit.clock import SystemClock
from kit.keys import key_id, public_text
from kit.seals import sealed
from kit.service_tokens import Guard, role_of


@functools.cache
def service_key(service: str) -> Ed25519PrivateKey:
    """The key of a service."""
    return Ed25519PrivateKey.generate()


def public_keys() -> dict[str, dict[str, Ed25519PublicKey]]:
    """service -> key id -> its public key."""
    found = {}
    for name in RIGHTS:
        key = service_key(name)
        found[name] = {key_id(key): key.public_key()}
    return found


def guard_of(service: str, now_ms: Callable[[], int], people: Mapping[str, Ed25519PublicKey] | None = None) -> Guard:
    """The guard of a service; `people` are the keys that sign people's tokens."""
    return Guard(service, service_key(service), public_keys(), {} if people is None else people, now_ms)


def write_service_keys(secrets: Path) -> None:
    """The same keys as files below `secrets`, as the hub makes them."""
    folder = secrets / "service-keys"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    public = {}
    for name in RIGHTS:
        (folder / f"{name}.key").write_text(service_key(name).private_bytes_raw().hex())
        public[name] = [public_text(service_key(name))]
    (folder / "public.json").write_bytes(msgspec.json.encode(public))
    token = secrets / "token.pub"
    if not token.exists():
        token.write_text(public_text(service_key("people")))


class WhoeverMay(Guard):
    """Asks every question as a service that may ask it: for tests of what comes behind the guard."""

    def headers(self, method: Method[Any, Any]) -> dict[str, str]:
        """Proofs of the first service that the policy names."""
        roles = policy.RULES[policy.ASKS[method.service, method.name].action].roles
        name = next(name for name in RIGHTS if role_of(name) in roles)
        return guard_of(name, self.now_ms).headers(method)


def whoever_may(service: str) -> WhoeverMay:
    """The same, answering as `service`, in real time."""
    return WhoeverMay(service, service_key(service), public_keys(), {}, SystemClock().now_ms)


def sealed_by_gateway(command: Command, role: str = "trader", auth_ms: int | None = None) -> Command:
    """The command as the gateway sends it, given by somebody of this role who has just proved who they are."""
    proved_ms = command.given_ms if auth_ms is None else auth_ms
    giver = policy.Subject(command.given_by, command.tenant, role, proved_ms)
    return sealed(command, giver, service_key("api-gateway"))
