"""Which strategy trades what: read from one line of text or from JSON, every fault named at once."""

from typing import Any

import msgspec

from contracts import subjects
from trading_engine.domain.strategies import STRATEGIES
from trading_engine.domain.strategy import Params, Strategy

ANY = "*"
MANUAL = "manual"
"""The strategy name of a person's own orders."""


class BindingFault(ValueError):
    """The strategies setting is wrong. Its text says where and what to write instead."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One binding as it stands in a strategies file. `account` and `symbol` may be `*`."""

    strategy: str
    account: str
    symbol: str
    tenant: str = "default"
    name: str = ""
    """Under which its orders are filed; the strategy's own name when empty."""
    params: dict[str, Any] = {}


class Binding(msgspec.Struct, frozen=True):
    """A strategy with its parameters, and where it trades."""

    name: str
    tenant: str
    account: str
    symbol: str
    kind: type[Strategy]
    params: Params

    def covers(self, tenant: str, account: str, symbol: str) -> bool:
        """Whether it trades this symbol of this account."""
        return tenant == self.tenant and self.account in (ANY, account) and self.symbol in (ANY, symbol)

    def make(self) -> Strategy:
        """A fresh instance for one symbol of one account."""
        return self.kind(self.params)


def parse(text: str) -> tuple[Binding, ...]:
    """Bindings out of `ma_cross:default/1000001:EURUSD:volume=0.1,fast=5` (several: joined by `;`), or out of a JSON
    list of `Entry`. Raises BindingFault that lists every fault."""
    stripped = text.strip()
    if stripped.startswith("["):
        try:
            entries = msgspec.json.decode(stripped, type=list[Entry])
        except msgspec.DecodeError as error:
            raise BindingFault(f"the strategies are not a JSON list of strategies: {error}") from None
        parts = [(f"entry {i}", entry) for i, entry in enumerate(entries, 1)]
    else:
        parts = [(part.strip(), _entry(part.strip())) for part in stripped.split(";") if part.strip()]
    bindings: list[Binding] = []
    faults: list[str] = []
    for where, entry in parts:
        try:
            bindings.append(_binding(entry))
        except BindingFault as fault:
            faults.append(f"{where}: {fault}")
    faults += _clashes(bindings)
    if faults:
        raise BindingFault("; ".join(faults))
    return tuple(bindings)


def _entry(text: str) -> Entry:
    pieces = text.split(":", 3)
    tenant, slash, account = pieces[1].partition("/") if len(pieces) >= 3 else ("", "", "")
    if not slash:
        raise BindingFault(f"{text!r} is not written as strategy:tenant/account:symbol:key=value,key=value")
    params: dict[str, Any] = {}
    for pair in pieces[3].split(",") if len(pieces) > 3 else []:
        key, equals, value = pair.partition("=")
        if pair.strip() and not equals:
            raise BindingFault(f"{text!r}: {pair!r} is not written as key=value")
        if pair.strip():
            params[key.strip()] = value.strip()
    name = params.pop("name", "")
    return Entry(pieces[0].strip(), account.strip(), pieces[2].strip(), tenant.strip(), name, params)


def _binding(entry: Entry) -> Binding:
    kind = STRATEGIES.get(entry.strategy)
    if kind is None:
        raise BindingFault(f"there is no strategy {entry.strategy!r}; known are {', '.join(STRATEGIES)}")
    if not subjects.TENANT.match(entry.tenant):
        raise BindingFault(f"{entry.tenant!r} is not a tenant")
    if entry.account != ANY and not subjects.ACCOUNT.match(entry.account):
        raise BindingFault(f"{entry.account!r} is not an account; write its login or *")
    if entry.symbol != ANY and not subjects.SYMBOL.match(entry.symbol):
        raise BindingFault(f"{entry.symbol!r} is not a symbol; write its name or *")
    name = entry.name or kind.name
    if name == MANUAL:
        raise BindingFault(f"{MANUAL!r} is the name of people's own orders; choose another")
    try:
        params = msgspec.convert(entry.params, kind.params_type, strict=False)
    except msgspec.ValidationError as error:
        raise BindingFault(f"its parameters are wrong: {error}") from None
    return Binding(name, entry.tenant, entry.account, entry.symbol, kind, params)


def _clashes(bindings: list[Binding]) -> list[str]:
    # order ids follow from the name: two of one name on one symbol would be one order
    return [
        f"two strategies called {a.name!r} trade the same symbol; give one of them another name with name=..."
        for i, a in enumerate(bindings)
        for b in bindings[i + 1 :]
        if a.name == b.name
        and a.tenant == b.tenant
        and (a.account == b.account or ANY in (a.account, b.account))
        and (a.symbol == b.symbol or ANY in (a.symbol, b.symbol))
    ]
