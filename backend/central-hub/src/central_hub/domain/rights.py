"""What each service may say and hear on the bus, as NATS permissions."""

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.subjects import RIGHTS, STREAMS, Rights, Stream, token


@dataclass(frozen=True, slots=True)
class Permissions:
    """Subject patterns for one NATS user. A deny beats an allow."""

    publish: tuple[str, ...]
    publish_deny: tuple[str, ...]
    subscribe: tuple[str, ...]


def overlaps(one: str, other: str) -> bool:
    """Some subject matches both patterns."""
    left, right = one.split("."), other.split(".")
    for i in range(max(len(left), len(right))):
        if i >= len(left) or i >= len(right):
            return False
        if ">" in (left[i], right[i]):
            return True
        if left[i] != right[i] and "*" not in (left[i], right[i]):
            return False
    return True


def _unread(rights: Rights, streams: tuple[Stream, ...]) -> list[str]:
    return [s.name for s in streams if not any(overlaps(mine, kept) for mine in rights.reads for kept in s.subjects)]


def permissions(service: str, rights: Rights, streams: tuple[Stream, ...] = STREAMS) -> Permissions:
    """The service's rows of the table, and what every service needs besides: its inbox, its heartbeat, its errors,
    JetStream's API and acknowledgements, and the services API. Streams it does not read are closed to it: a
    consumer or a direct read would otherwise be a way around `subscribe`. Nobody deletes or purges a stream."""
    name = token(service)
    closed = [
        pattern
        for stream in _unread(rights, streams)
        for pattern in (
            f"$JS.API.CONSUMER.*.{stream}.>",
            f"$JS.API.CONSUMER.CREATE.{stream}",
            f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.>",
            f"$JS.API.CONSUMER.MSG.NEXT.{stream}.>",
            f"$JS.API.STREAM.MSG.GET.{stream}",
            f"$JS.API.DIRECT.GET.{stream}",
            f"$JS.API.DIRECT.GET.{stream}.>",
        )
    ]
    return Permissions(
        publish=(
            *rights.writes,
            f"health.{name}.>",
            f"errors.{name}",
            "$JS.API.>",
            "$JS.ACK.>",
            "$SRV.>",
        ),
        publish_deny=(
            "$JS.API.STREAM.DELETE.>",
            "$JS.API.STREAM.PURGE.>",
            "$JS.API.STREAM.MSG.DELETE.>",
            "$JS.API.STREAM.RESTORE.>",
            "$JS.API.STREAM.SNAPSHOT.>",
            *closed,
        ),
        subscribe=(*rights.reads, f"_INBOX.{name}.>", f"deliver.{name}.>", "$SRV.>"),
    )


def all_permissions(table: Mapping[str, Rights] = RIGHTS) -> dict[str, Permissions]:
    """Every user of the bus with its permissions."""
    return {service: permissions(service, rights) for service, rights in table.items()}
