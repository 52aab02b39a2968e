"""The platform's keyring through the library `keyring`: only backends that really protect."""

from typing import Any

SERVICE = "aitrading-client"
REAL = frozenset(f"keyring.backends.{name}" for name in ("SecretService", "kwallet", "libsecret", "macOS", "Windows"))
""" modules of backends that are kept by the operating system; files in plain text are not among them """


class SystemKeyring:
    """Implements ports.Keyring."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def get(self, name: str) -> str | None:
        """The text under a name."""
        found = self._call("get_password", SERVICE, name)
        return None if found is None else str(found)

    def put(self, name: str, text: str) -> None:
        """Keep a text."""
        self._call("set_password", SERVICE, name, text)

    def remove(self, name: str) -> None:
        """Forget a name."""
        if self.get(name) is not None:
            self._call("delete_password", SERVICE, name)

    def _call(self, method: str, *arguments: str) -> Any:
        from keyring.errors import KeyringError

        try:
            return getattr(self._backend, method)(*arguments)
        except KeyringError as error:
            raise OSError(str(error) or type(error).__name__) from None


def system_keyring() -> SystemKeyring | None:
    """The keyring of this session; None where there is no real one. Imported late: it costs a tenth of a second."""
    from keyring.backend import get_all_keyring

    real = [one for one in get_all_keyring() if type(one).__module__ in REAL and one.priority > 0]
    best = max(real, key=lambda one: float(one.priority), default=None)
    return SystemKeyring(best) if best is not None else None
