"""Find the broker's name of a symbol: exactly, else by what it is, and when that is not clear, ask.

Brokers put suffixes and prefixes to names (`EURUSD.pro`, `mEURUSD`, `GOLD`), differently for each kind of account. The
name that was asked for is what travels; the broker's is used at the terminal only.
"""

from collections.abc import Mapping, Sequence

import msgspec

from metatrader_connector.domain.terminal import Listed

FULL = 4
PAIR = 6


class Question(msgspec.Struct, frozen=True):
    """Several symbols of the broker could be meant."""

    wanted: str
    candidates: tuple[str, ...]

    def words(self) -> str:
        """What to ask a person."""
        return (
            f"which of {', '.join(self.candidates)} is {self.wanted}? "
            f"Answer on this PC: aitrading-client limits symbol {self.wanted}={self.candidates[0]}"
        )


class Names(msgspec.Struct, frozen=True):
    """The outcome for all names that were asked for."""

    found: dict[str, str]
    """ wanted -> the broker's name """
    questions: tuple[Question, ...] = ()
    unknown: tuple[str, ...] = ()


def names_of(wanted: Sequence[str], listed: Sequence[Listed], answers: Mapping[str, str]) -> Names:
    """The broker's name for each. `answers`: what a person said, or what was found before; it counts while the broker
    still has that symbol, so a new symbol of the broker never changes what an old name means."""
    there = {one.name for one in listed}
    found: dict[str, str] = {}
    questions, unknown = [], []
    for name in wanted:
        if (answer := answers.get(name, "")) in there:
            found[name] = answer
            continue
        if name in there:
            found[name] = name
            continue
        fits = candidates(name, listed)
        if len(fits) == 1:
            found[name] = fits[0]
        elif fits:
            questions.append(Question(name, fits))
        else:
            unknown.append(name)
    return Names(found, tuple(questions), tuple(unknown))


def candidates(wanted: str, listed: Sequence[Listed]) -> tuple[str, ...]:
    """Symbols that may be meant and can be traded: the same but for case, else those of the same two currencies (or,
    for what is no pair, those whose name has the wanted one in it)."""
    tradable = [one for one in listed if one.trade_mode == FULL]
    same = tuple(one.name for one in tradable if one.name.casefold() == wanted.casefold())
    if same:
        return same
    key = wanted.upper()
    if len(key) >= PAIR and any((key[:3], key[3:PAIR]) == _pair(one) for one in tradable):
        return tuple(one.name for one in tradable if _pair(one) == (key[:3], key[3:PAIR]))
    return tuple(one.name for one in tradable if key in one.name.upper())


def _pair(one: Listed) -> tuple[str, str]:
    return one.currency_base.upper(), one.currency_profit.upper()
