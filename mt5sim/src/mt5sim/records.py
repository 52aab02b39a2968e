"""A pure-Python imitation of CPython's PyStructSequence, the base of every result type."""

import sys
from collections.abc import Iterable
from operator import itemgetter
from typing import Any, ClassVar, Self, TypeVar


class Struct(tuple[Any, ...]):
    """A tuple whose items also have names.

    A subclass lists its fields as annotations, in order. Like the real thing it has `n_fields` and `_asdict()`
    and, unlike a namedtuple, no `_fields`, `_replace` or `_make`: code written against it must not use them.
    The real types are named without a module, which CPython takes for `builtins`: they can be copied but not pickled.
    """

    __slots__ = ()
    n_fields: ClassVar[int] = 0
    n_sequence_fields: ClassVar[int] = 0
    n_unnamed_fields: ClassVar[int] = 0
    _names: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        names = tuple(cls.__annotations__)
        for index, name in enumerate(names):
            setattr(cls, name, property(itemgetter(index)))
        cls._names = names
        cls.__module__ = "builtins"
        type.__setattr__(cls, "__match_args__", names)
        cls.n_fields = cls.n_sequence_fields = len(names)

    def __new__(cls, sequence: Iterable[Any]) -> Self:
        self = super().__new__(cls, sequence)
        if len(self) != cls.n_fields:
            raise TypeError(f"{cls.__name__}() takes a {cls.n_fields}-sequence ({len(self)}-sequence given)")
        return self

    def __repr__(self) -> str:
        pairs = ", ".join(f"{name}={value!r}" for name, value in zip(self._names, self, strict=True))
        return f"{type(self).__name__}({pairs})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (tuple(self),))

    if sys.version_info >= (3, 13):

        def __replace__(self, **changes: Any) -> Self:
            """For copy.replace, which struct sequences know since Python 3.13."""
            if unknown := [name for name in changes if name not in self._names]:
                raise TypeError(f"Got unexpected field name(s): {unknown}")
            return type(self)({**self._asdict(), **changes}.values())

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._names, self, strict=True))


S = TypeVar("S", bound=Struct)


def field_names(kind: type[Struct]) -> tuple[str, ...]:
    return kind._names


def build(kind: type[S], **values: Any) -> S:
    """Make a struct from named values. A missing or unknown name is a mistake of the caller and raises."""
    names = field_names(kind)
    if values.keys() != set(names):
        raise TypeError(f"{kind.__name__}: wrong fields {sorted(values.keys() ^ set(names))}")
    return kind(values[name] for name in names)


def changed(struct: S, **values: Any) -> S:
    """The same struct with some fields changed; a function, because the real types have no `_replace`."""
    return build(type(struct), **{**struct._asdict(), **values})
