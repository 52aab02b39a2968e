"""A hash chain over records: change, delete or reorder one and every later hash stops fitting."""

import hashlib

import msgspec

GENESIS = "0" * 64


class Record(msgspec.Struct, frozen=True):
    """One line of the audit log. `kind` is past tense: `order_refused`."""

    index: int
    at_ms: int
    kind: str
    subject: str
    detail: dict[str, str]
    previous: str
    hash: str = ""


class Head(msgspec.Struct, frozen=True, array_like=True):
    """Kept outside of the log: it had a record `index` with this hash. A shorter log was cut off."""

    index: int
    hash: str


def sealed(record: Record) -> Record:
    """The record with its hash: SHA-256 over a zero byte, the previous hash and the record's own bytes."""
    body = msgspec.json.encode(msgspec.structs.replace(record, hash=""), order="sorted")
    digest = hashlib.sha256(b"\x00" + bytes.fromhex(record.previous) + body).hexdigest()
    return msgspec.structs.replace(record, hash=digest)


def following(last: Record | None, at_ms: int, kind: str, subject: str, detail: dict[str, str]) -> Record:
    """The next record of the chain."""
    index, previous = (last.index + 1, last.hash) if last else (0, GENESIS)
    return sealed(Record(index, at_ms, kind, subject, detail, previous))


def fault(record: Record, last: Record | None) -> str | None:
    """Say what is wrong with `record` coming after `last`; None when nothing is."""
    index, previous = (last.index + 1, last.hash) if last else (0, GENESIS)
    if record.index != index:
        return f"record {index} is missing: number {record.index} stands in its place"
    if record.previous != previous:
        return f"record {record.index} does not continue the one before it"
    if sealed(record).hash != record.hash:
        return f"record {record.index} was changed after it was written"
    return None
