"""The fingerprint of an error: the same for the same fault, whatever its line numbers, ids and figures."""

import hashlib
import re
import traceback

_VARIABLE = re.compile(r"0x[0-9a-fA-F]+|\b[0-9a-f]{8,}\b|\d+|'[^']*'|\"[^\"]*\"")
_DEPTH = 4


def fingerprint(error: BaseException) -> tuple[str, str]:
    """(where, mark): the innermost functions that failed, and a 16-digit hash of kind, functions and worded message."""
    frames = traceback.extract_tb(error.__traceback__)[-_DEPTH:]
    chain = " < ".join(f"{_module(frame.filename)}.{frame.name}" for frame in reversed(frames))
    message = _VARIABLE.sub("#", str(error))[:200]
    mark = hashlib.sha256(f"{type(error).__qualname__}|{chain}|{message}".encode()).hexdigest()[:16]
    return chain, mark


def _module(filename: str) -> str:
    parts = filename.replace("\\", "/").rsplit("/", 2)
    return ".".join(part.removesuffix(".py") for part in parts[-2:])
