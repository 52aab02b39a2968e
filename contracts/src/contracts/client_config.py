"""Settings that the server offers to the PCs of a tenant: a signed document with a revision, taken whole or left."""

import msgspec

CONFIG_CONTEXT = b"aitrading client config v1\x00"
"""Signed in front of the body, so that a signature over anything else can never pass for this one."""
MAX_CONFIG_BYTES = 64 * 1024

Value = bool | int | float | str | tuple[str, ...]


class ClientConfigOffer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the server would have the settings be. Names and units are the config manager's; it says which of them a
    server may set at all. A trader's limits are none of them and no document can reach them."""

    tenant: str
    account: str
    """Empty: for every account of the tenant."""
    revision: int
    """Rises with each document of a tenant; a PC takes none that is not newer than the one it has."""
    issued_ms: int
    values: dict[str, Value]


class SignedConfig(msgspec.Struct, frozen=True, array_like=True, tag="config"):
    """`body` is a ClientConfigOffer as JSON; `signature` is Ed25519 over CONFIG_CONTEXT + body by a signal key."""

    body: bytes
    key_id: str
    signature: bytes


class ConfigQuestion(msgspec.Struct, frozen=True):
    """The bridge asks the hub for what there is for an account, when it is newer than `revision`."""

    tenant: str
    account: str
    revision: int


class ConfigFound(msgspec.Struct, frozen=True):
    """None: nothing newer."""

    config: SignedConfig | None = None
