"""The trader's limits on disk: made with safe values at the first start, read again when the trader changes them."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from metatrader_connector.domain.limits import Limits
from metatrader_connector.ports import LimitsUnreadable


def limits_in(path: Path) -> Callable[[], Limits]:
    """A function that gives the limits of this moment. LimitsUnreadable says what is wrong with the file."""
    if not path.exists():
        path.write_bytes(msgspec.json.format(msgspec.json.encode(Limits()), indent=2) + b"\n")
        path.chmod(0o600)
    known: tuple[tuple[int, int], Limits] | None = None

    def now() -> Limits:
        nonlocal known
        try:
            status = path.stat()
            mark = (status.st_mtime_ns, status.st_size)
            if known is None or known[0] != mark:
                known = (mark, msgspec.json.decode(path.read_bytes(), type=Limits))
        except (OSError, msgspec.DecodeError, ValueError) as error:
            raise LimitsUnreadable(f"the limits file {path} can't be used ({error}); correct it") from None
        return known[1]

    return now
