"""Which domain a passkey belongs to, by the address of the pages."""

from urllib.parse import urlsplit


def relying_party(origin: str) -> str:
    """The domain that passkeys of this origin belong to; "" where browsers refuse passkeys: at an IP address.

    https anywhere, and http on `localhost` alone (Web Authentication, section 5.1.3 and Secure Contexts).
    """
    try:
        parts = urlsplit(origin)
    except ValueError:  # a bracket that is not closed
        return ""
    host = parts.hostname or ""
    if host.replace(".", "").isdigit() or ":" in host:
        return ""
    return host if parts.scheme == "https" or (parts.scheme == "http" and host == "localhost") else ""
