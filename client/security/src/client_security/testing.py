"""Stand-ins for what an operating system keeps; a contract test holds them to what the real ones do."""

import msgspec


class FakeDpapi:
    """As Windows: only the same user and the same entropy get it back, and changed blobs are refused."""

    def __init__(self, user: str = "trader") -> None:
        self.user = user

    def protect(self, plain: bytes, entropy: bytes) -> bytes:
        """A blob that names its user."""
        return msgspec.msgpack.encode([self.user, plain[::-1], entropy])

    def unprotect(self, blob: bytes, entropy: bytes) -> bytes:
        """OSError as Windows."""
        try:
            user, plain, bound = msgspec.msgpack.decode(blob, type=tuple[str, bytes, bytes])
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise OSError("the data is invalid") from None
        if (user, bound) != (self.user, entropy):
            raise OSError("key not valid for use in specified state")
        return plain[::-1]


class FakeKeyring:
    """A dictionary, locked or not."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.locked = False

    def get(self, name: str) -> str | None:
        """The text."""
        if self.locked:
            raise OSError("locked")
        return self.texts.get(name)

    def put(self, name: str, text: str) -> None:
        """Keep it."""
        self.get(name)
        self.texts[name] = text

    def remove(self, name: str) -> None:
        """Forget it."""
        self.texts.pop(name, None)
