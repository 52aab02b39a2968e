"""Passkeys: WebAuthn ceremonies (level 3) for one relying party, user verification always required.

The library behind them takes its time to import, so `passkeys` imports this module when the first is begun.
"""

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from api_gateway.domain.relying_party import relying_party
from api_gateway.ports import NewPasskey
from contracts.people import Passkey

NAME = "AI trading platform"
TIMEOUT_MS = 300_000
MAX_JSON = 32 * 1024
REQUIRED = UserVerificationRequirement.REQUIRED


def creation(origin: str, challenge: bytes, user_id: str, name: str, known: tuple[Passkey, ...]) -> str:
    """JSON for `navigator.credentials.create`."""
    options = webauthn.generate_registration_options(
        rp_id=relying_party(origin),
        rp_name=NAME,
        user_name=name,
        user_id=user_id.encode(),
        challenge=challenge,
        timeout=TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(base64url_to_bytes(each.id)) for each in known],
    )
    return webauthn.options_to_json(options)


def created(credential: str, origin: str, challenge: bytes) -> NewPasskey | None:
    """What the browser made; None when it does not prove what it should."""
    if len(credential) > MAX_JSON:
        return None
    try:
        made = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=relying_party(origin),
            expected_origin=origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError, RecursionError):
        # the library has errors of its own for most of what is wrong, yet not for all
        return None
    return NewPasskey(bytes_to_base64url(made.credential_id), made.credential_public_key, made.sign_count)


def request(origin: str, challenge: bytes, known: tuple[Passkey, ...]) -> str:
    """JSON for `navigator.credentials.get`; without `known` the browser offers what it has."""
    options = webauthn.generate_authentication_options(
        rp_id=relying_party(origin),
        challenge=challenge,
        timeout=TIMEOUT_MS,
        allow_credentials=[PublicKeyCredentialDescriptor(base64url_to_bytes(each.id)) for each in known],
        user_verification=REQUIRED,
    )
    return webauthn.options_to_json(options)


def credential_id(credential: str) -> str:
    """Which passkey the answer is of; "" when it says nothing that can be read."""
    if len(credential) > MAX_JSON:
        return ""
    try:
        return bytes_to_base64url(webauthn.helpers.parse_authentication_credential_json(credential).raw_id)
    except (WebAuthnException, ValueError, KeyError, TypeError, RecursionError):
        return ""


def used(credential: str, origin: str, challenge: bytes, passkey: Passkey) -> int | None:
    """The passkey's new counter; None when the answer does not prove that its owner is there."""
    try:
        seen = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=relying_party(origin),
            expected_origin=origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError, RecursionError):
        return None
    return seen.new_sign_count
