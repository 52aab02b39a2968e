"""Turn messages into bytes and back: MessagePack between programs, JSON towards people."""

from typing import Any, TypeVar

import msgspec

from contracts.errors import ContractError

T = TypeVar("T")

_encoder = msgspec.msgpack.Encoder()
_decoders: dict[Any, "msgspec.msgpack.Decoder[Any]"] = {}
""" type -> its compiled decoder """


def encode(message: object) -> bytes:
    """The message as MessagePack."""
    return _encoder.encode(message)


def decode(data: bytes | memoryview, kind: type[T]) -> T:
    """The message of type `kind` in `data`; ContractError when it is anything else."""
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.msgpack.Decoder(kind)
    try:
        return decoder.decode(data)  # type: ignore[no-any-return]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        name = getattr(kind, "__name__", str(kind))
        raise ContractError(f"{len(data)} bytes are not a {name}: {error}") from None
