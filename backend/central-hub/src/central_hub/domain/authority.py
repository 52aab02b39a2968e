"""Who needs a certificate of the platform's own authority, for how long, and when it is due again."""

import ipaddress
import re
from collections.abc import Mapping

import msgspec

LEAF_LIFETIME_S = 86_400
LEAST_LIFETIME_S = 30
GATEWAY = "api-gateway"
OPERATOR = "operator"
_HOST = re.compile(r"^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$")


class AuthorityFault(ValueError):
    """It can't be issued like this; the text says what to do."""


class Issued(msgspec.Struct, frozen=True):
    """A certificate that was made: its life, and by which key it was signed."""

    from_ms: int
    until_ms: int
    by: str
    """Short name of the issuer's key."""


class Register(msgspec.Struct, frozen=True):
    """What the authority has issued, so that whoever looks need not read certificates."""

    root: Issued
    intermediate: Issued
    intermediate_key: str
    """Short name of the intermediate's own key: leafs signed by another are due."""
    names: tuple[str, ...] = ()
    """Host names and addresses besides our own that may be certified."""
    leafs: dict[str, Issued] = {}
    """ holder -> its leaf """


class Names(msgspec.Struct, frozen=True):
    """Names and addresses under which people reach this machine."""

    hosts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Both, in order."""
        return self.hosts + self.addresses


def names(text: str) -> Names:
    """`desk.example, 192.168.1.7`; AuthorityFault when one of them is neither a host name nor an address."""
    hosts, addresses = [], []
    for part in (piece.strip().lower() for piece in text.split(",")):
        if not part:
            continue
        try:
            addresses.append(str(ipaddress.ip_address(part)))
        except ValueError:
            if not _HOST.match(part):
                raise AuthorityFault(
                    f"AITRADING_TLS_NAMES: {part!r} is neither a host name nor an address; write for example "
                    f"desk.example,192.168.1.7"
                ) from None
            hosts.append(part)
    return Names(tuple(sorted(set(hosts))), tuple(sorted(set(addresses))))


def lifetime_s(environ: Mapping[str, str]) -> int:
    """How long a leaf lives: a day, or what AITRADING_LEAF_LIFETIME_S says."""
    text = environ.get("AITRADING_LEAF_LIFETIME_S", "")
    if not text:
        return LEAF_LIFETIME_S
    if not text.isdecimal() or not LEAST_LIFETIME_S <= int(text) <= LEAF_LIFETIME_S:
        raise AuthorityFault(
            f"AITRADING_LEAF_LIFETIME_S={text!r} is not possible: use {LEAST_LIFETIME_S} to {LEAF_LIFETIME_S}."
        )
    return int(text)


def is_due(one: Issued, now_ms: int) -> bool:
    """Two thirds of its life are over, or the clock stands before its beginning."""
    return now_ms >= one.from_ms + (one.until_ms - one.from_ms) * 2 // 3 or now_ms < one.from_ms


def due(register: Register, holders: Mapping[str, bool], now_ms: int) -> tuple[str, ...]:
    """Holders that need a new leaf: none yet, its files are gone (`holders` says False), time, or another issuer."""
    return tuple(
        holder
        for holder, has_files in holders.items()
        if not has_files
        or (leaf := register.leafs.get(holder)) is None
        or leaf.by != register.intermediate_key
        or is_due(leaf, now_ms)
    )


def look_again_s(life_s: int) -> float:
    """How often to look what is due: often enough that a renewal is never late by more than a tenth of a life."""
    return min(30.0, life_s / 20)
