"""Settings: one frozen Struct per service, filled from the environment, all faults reported at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import msgspec

from kit.errors import SettingsError

S = TypeVar("S", bound=msgspec.Struct)

PREFIX = "AITRADING_"


def _convert(text: str, kind: Any) -> Any:
    if kind in (Path, Path | None):
        return Path(text).expanduser()
    if kind is bool:
        lowered = text.strip().lower()
        if lowered in {"1", "true", "yes", "on"}:
            return True
        if lowered in {"0", "false", "no", "off", ""}:
            return False
        raise ValueError("use true or false")
    if kind in (tuple[str, ...], list[str]):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return msgspec.convert(text, kind, strict=False)


def load(kind: type[S], environ: Mapping[str, str], service: str) -> S:
    """Fill `kind` from `environ`: field `port` of service `data-bridge` is read from `AITRADING_DATA_BRIDGE_PORT`,
    else from `AITRADING_PORT`. Raises SettingsError with one line for each fault."""
    scope = f"{PREFIX}{service.upper().replace('-', '_')}_"
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    faults: list[str] = []
    for info in msgspec.structs.fields(kind):
        own, shared = scope + info.name.upper(), PREFIX + info.name.upper()
        name = own if own in environ else shared
        text = environ.get(name)
        if text is None:
            if info.default is msgspec.NODEFAULT and info.default_factory is msgspec.NODEFAULT:
                faults.append(f"{own} (or {shared}) is not set")
            continue
        try:
            values[info.name] = _convert(text, hints[info.name])
        except (ValueError, msgspec.ValidationError) as error:
            faults.append(f"{name}={text!r} is not valid: {error}")
    if faults:
        raise SettingsError(f"{service} cannot start:\n  " + "\n  ".join(faults))
    try:
        return kind(**values)
    except (ValueError, TypeError) as error:
        raise SettingsError(f"{service} cannot start:\n  {error}") from None


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What every service of the platform reads. Subclass it and add fields, each with a line that says why."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int
    """Port of the health pages (and of the service's own edge, where it has one)."""
    nats_url: str = "tls://127.0.0.1:4222"
    """The bus. Whatever the address, its certificate must name `nats.aitrading.internal`."""
    nats_seed: Path | None = None
    """File with the service's own key on the bus; without it `{data_dir}/secrets/nkeys/{service}.seed`."""
    tls_dir: Path | None = None
    """Folder with the service's certificate, key and root; without it `{data_dir}/secrets/tls/{service}`."""
    data_dir: Path
    """Where the platform keeps its files."""
    log_level: str = "info"
    """debug, info, warning or error."""
    instance: str = "1"
    """Tells two instances of a service apart."""

    def seed_of(self, service: str) -> Path:
        """Where the key on the bus lies."""
        return self.nats_seed or self.data_dir / "secrets" / "nkeys" / f"{service}.seed"

    def certificates_of(self, service: str) -> Path:
        """Where certificate, key and root lie."""
        return self.tls_dir or self.data_dir / "secrets" / "tls" / service
