"""What the operator offers as settings to the PCs of a tenant: signed documents in files, with revisions."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central_hub.ports import HubError
from contracts.client_config import (
    MAX_CONFIG_BYTES,
    ClientConfigOffer,
    ConfigFound,
    ConfigQuestion,
    SignedConfig,
    Value,
)
from contracts.subjects import token
from kit import private_file
from kit.client_config import sign_config

FOLDER = "client-config"


class ClientConfigFiles:
    """One file per tenant and one per account that has its own; an account's own counts instead of its tenant's."""

    def __init__(self, root: Path) -> None:
        self._folder = root / FOLDER

    def _file(self, tenant: str, account: str) -> Path:
        return self._folder / f"{token(tenant)}.{token(account) or '_'}.json"

    def offer(self, tenant: str, account: str) -> ClientConfigOffer | None:
        """What is offered now; None: nothing."""
        signed = self._read(self._file(tenant, account))
        return None if signed is None else msgspec.json.decode(signed.body, type=ClientConfigOffer)

    def put(
        self, tenant: str, account: str, values: Mapping[str, Value], key: Ed25519PrivateKey, now_ms: int
    ) -> ClientConfigOffer:
        """Sign and keep under the tenant's next revision. HubError when it is too large."""
        offer = ClientConfigOffer(tenant, account, self._next(tenant), now_ms, dict(values))
        signed = sign_config(offer, key)
        if len(signed.body) > MAX_CONFIG_BYTES:
            raise HubError(f"These settings have {len(signed.body)} bytes; {MAX_CONFIG_BYTES} are allowed.")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        private_file.replace(self._file(tenant, account), msgspec.json.encode(signed))
        return offer

    def _next(self, tenant: str) -> int:
        files = self._folder.glob(f"{token(tenant)}.*.json")
        known = (self._read(file) for file in files)
        bodies = (msgspec.json.decode(each.body, type=ClientConfigOffer) for each in known if each is not None)
        return max((offer.revision for offer in bodies), default=0) + 1

    def _read(self, file: Path) -> SignedConfig | None:
        try:
            return msgspec.json.decode(file.read_bytes(), type=SignedConfig)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise HubError(
                f"The settings in {file} can't be read ({error}): put a good copy back or delete it."
            ) from None

    def newer(self, question: ConfigQuestion) -> ConfigFound:
        """What there is for an account, when it is newer than what it has."""
        for account in (question.account, ""):
            signed = self._read(self._file(question.tenant, account))
            if signed is not None:
                offer = msgspec.json.decode(signed.body, type=ClientConfigOffer)
                return ConfigFound(signed if offer.revision > question.revision else None)
        return ConfigFound()
