"""On which addresses the gateway may speak plain HTTP, and what address a browser has to open."""

import ipaddress
from collections.abc import Mapping
from enum import StrEnum


class Wire(StrEnum):
    """What is spoken on the gateway's port."""

    HTTP = "http"
    HTTPS = "https"


AUTO, ALWAYS = "auto", "always"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def wire_of(host: str, tls: str, *, published_on_loopback: bool, certificate: bool) -> Wire:
    """What to speak on `host`. `certificate`: the operator named one of their own. Never plain where others listen,
    unless the operator says that the address is a container's and published on its machine's loopback only."""
    if certificate or tls == ALWAYS:
        return Wire.HTTPS
    return Wire.HTTP if is_loopback(host) or published_on_loopback else Wire.HTTPS


def origins(names: tuple[str, ...], port: int) -> frozenset[str]:
    """The origins of pages that a certificate with these names can serve; a `*` names nobody in particular."""
    hosts = {f"[{name}]" if ":" in name else name for name in names if "*" not in name}
    return frozenset(f"https://{host}" + ("" if port == 443 else f":{port}") for host in hosts)


def _told(environ: Mapping[str, str], name: str) -> str:
    return environ.get(f"AITRADING_API_GATEWAY_{name}") or environ.get(f"AITRADING_{name}") or ""


def wire_told(environ: Mapping[str, str]) -> Wire:
    """What the gateway will speak, told from the environment that it will read."""
    return wire_of(
        _told(environ, "HOST") or "127.0.0.1",
        _told(environ, "TLS"),
        published_on_loopback=_told(environ, "PUBLISHED_ON_LOOPBACK").strip().lower() in ("1", "true", "yes", "on"),
        certificate=bool(_told(environ, "TLS_CERT")),
    )


def address_of(environ: Mapping[str, str], port: int) -> str:
    """What to open in a browser on the gateway's own machine, told from the environment that the gateway will read."""
    wire = wire_told(environ)
    # the certificate names localhost, and a browser compares
    return _told(environ, "PUBLIC_URL") or (
        f"http://127.0.0.1:{port}" if wire is Wire.HTTP else f"https://localhost:{port}"
    )
