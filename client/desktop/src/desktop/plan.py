"""Which programs the client is made of, and the environment each is started with."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from client_security.lifespan import STOP_ON_EOF, VAULT_KEY_FIRST
from contracts.ports import PORTS
from kit.free_ports import free_ports

CONNECTOR = "metatrader-connector"
APPS: dict[str, str] = {
    CONNECTOR: "metatrader_connector",
    "config-manager": "config_manager",
    "data-collector": "data_collector",
    "security": "client_security",
}
""" app -> module that `python -m` runs, in the order of their ports """
VAULT_USERS = (CONNECTOR, "config-manager", "security")
""" apps that open the vault """
INHERITED = (
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "SYSTEMROOT", "TEMP", "TMP", "APPDATA", "LOCALAPPDATA",
    "USERPROFILE", "USERNAME", "VIRTUAL_ENV", "SSL_CERT_FILE", "AITRADING_FAILPOINT", "AITRADING_ALLOW_FAILPOINTS",
)  # fmt: skip
""" of the environment, only what a program of this PC needs: no secret passes through by accident """


class Chosen(msgspec.Struct, frozen=True):
    """The settings as the config manager tells them; what each means stands there."""

    terminal: str
    terminal_path: str
    terminal_clock: str
    symbols: tuple[str, ...]
    poll_ms: float
    first_read_s: int
    spool_max_mb: int
    news_sources: tuple[str, ...]
    log_level: str
    news_enabled: bool = True
    news_off: tuple[str, ...] = ()


class State(msgspec.Struct, frozen=True):
    """Written beside the data while the client runs, so that `status` finds its parts."""

    pid: int
    started_ms: int
    ports: dict[str, int]


def ports(first: int | None, free: bool) -> dict[str, int]:
    """Port of each app: the usual ones, four from `first` on, or whatever is free."""
    if free:
        return dict(zip(APPS, free_ports(len(APPS)), strict=True))
    if first is not None:
        return {app: first + i for i, app in enumerate(APPS)}
    return {app: PORTS[app] for app in APPS}


def environment(
    app: str, ports: Mapping[str, int], data: Path, config: Chosen, world: Mapping[str, str]
) -> dict[str, str]:
    """What the app reads at its start."""
    prefix = f"AITRADING_{app.upper().replace('-', '_')}_"
    own: dict[str, str] = {"port": str(ports[app]), "data_dir": str(data), "log_level": config.log_level}
    if app == CONNECTOR:
        own |= {
            "terminal": config.terminal,
            "terminal_path": config.terminal_path,
            "terminal_clock": config.terminal_clock,
            "symbols": ",".join(config.symbols),
            "poll_ms": str(config.poll_ms),
            "first_read_s": str(config.first_read_s),
            "spool_max_mb": str(config.spool_max_mb),
        }
    if app == "data-collector":
        own["sources"] = ",".join(config.news_sources)
        own["enabled"] = str(config.news_enabled).lower()
        own["off"] = ",".join(config.news_off)
        own["config_port"] = str(ports["config-manager"])
    if app == "security":
        own["collector_port"] = str(ports["data-collector"])
    own_stop = {STOP_ON_EOF: "1"} | ({VAULT_KEY_FIRST: "1"} if app in VAULT_USERS else {})
    inherited = {name: world[name] for name in INHERITED if name in world}
    # an operator may still set single values by hand; the saved settings are the rule
    by_hand = {name: value for name, value in world.items() if name.startswith(prefix)}
    return inherited | own_stop | {prefix + name.upper(): value for name, value in own.items()} | by_hand
