"""Passkeys: their library (a tenth of a second, 4 MB) is imported with the first ceremony, not at the start."""

from api_gateway.domain.relying_party import relying_party
from api_gateway.ports import NewPasskey
from contracts.people import Passkey


class WebAuthn:
    """Options for browsers, and the judgement of what they answer: see `ceremonies`."""

    def possible(self, origin: str) -> bool:
        """Whether browsers keep passkeys for pages at this origin."""
        return bool(relying_party(origin))

    def creation(self, origin: str, challenge: bytes, user_id: str, name: str, known: tuple[Passkey, ...]) -> str:
        """JSON for `navigator.credentials.create`."""
        from api_gateway.adapters import ceremonies

        return ceremonies.creation(origin, challenge, user_id, name, known)

    def created(self, credential: str, origin: str, challenge: bytes) -> NewPasskey | None:
        """What the browser made; None when it does not prove what it should."""
        from api_gateway.adapters import ceremonies

        return ceremonies.created(credential, origin, challenge)

    def request(self, origin: str, challenge: bytes, known: tuple[Passkey, ...]) -> str:
        """JSON for `navigator.credentials.get`; without `known` the browser offers what it has."""
        from api_gateway.adapters import ceremonies

        return ceremonies.request(origin, challenge, known)

    def credential_id(self, credential: str) -> str:
        """Which passkey the answer is of; "" when it says nothing that can be read."""
        from api_gateway.adapters import ceremonies

        return ceremonies.credential_id(credential)

    def used(self, credential: str, origin: str, challenge: bytes, passkey: Passkey) -> int | None:
        """The passkey's new counter; None when the answer does not prove that its owner is there."""
        from api_gateway.adapters import ceremonies

        return ceremonies.used(credential, origin, challenge, passkey)
