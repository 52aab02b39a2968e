"""What the browser's types promise: decimals stay text, tags tell messages apart, nothing is guessed."""

import enum
import types
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

import generate_contracts


class Colour(enum.StrEnum):
    """Two are enough."""

    RED = "red"
    BLUE = "blue"


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person asks."""

    volume: Decimal
    note: str = ""


class Answer(msgspec.Struct, frozen=True, tag_field="k", tag="a"):
    """Several lines

    of explanation.
    """

    q: int
    """Rises by one."""
    colours: tuple[Colour, ...]
    pair: tuple[str, float]
    counts: dict[str, int] = {}
    ask: Ask | None = None


def written(*classes: type, **named: object) -> str:
    module = types.ModuleType("tried")
    for each in classes:
        each.__module__ = "tried"
        setattr(module, each.__name__, each)
    for name, union in named.items():
        setattr(module, name, union)

    text: str = generate_contracts.generate(module)
    return text


def test_the_types_follow_the_structs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate_contracts, "field_docs", lambda cls: {"q": "Rises by one."} if cls is Answer else {})
    text = written(Ask, Answer, Message=Ask | Answer)
    for line in (
        '  readonly k: "a";',
        "  /** Rises by one. */\n  readonly q: number;",
        "  readonly colours: readonly Colour[];",
        "  readonly pair: readonly [string, number];",
        "  readonly counts: Readonly<Record<string, number>>;",
        "  readonly ask: Ask | null;",
        "  readonly volume: Decimal;",
        '/** Two are enough. */\nexport type Colour = "red" | "blue";',
        "/**\n * Several lines\n *\n * of explanation.\n */",
        "export type Message = Ask | Answer;",
    ):
        assert line in text


def test_only_what_a_person_asks_may_leave_out_a_field_with_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate_contracts, "field_docs", lambda _cls: {})
    text = written(Ask, Answer)
    assert "readonly note?: string;" in text
    assert "counts?:" not in text


def test_a_type_without_a_rule_is_named_and_not_guessed() -> None:
    class Odd(msgspec.Struct):
        data: bytes

    with pytest.raises(generate_contracts.UnknownTypeError, match="no TypeScript rule"):
        written(Odd)


def test_generating_twice_gives_the_same_file() -> None:
    assert generate_contracts.generate() == generate_contracts.generate()


def test_check_says_in_a_sentence_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate_contracts, "TARGET", tmp_path / "src" / "index.ts")
    assert generate_contracts.main(["--check"]) == 1
    assert "run python tools/generate_contracts.py" in capsys.readouterr().err
    assert generate_contracts.main([]) == 0
    assert generate_contracts.main(["--check"]) == 0
