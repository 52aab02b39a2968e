"""Settings of the hub."""

from pathlib import Path

from kit.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """What the hub's own service part reads; `aitrading up` fills it."""

    port: int = 8010
    """See contracts.ports."""
    witness_dir: Path | None = None
    """Where the checkpoints of the audit trail are kept, `{data_dir}/checkpoints` unless set: on another disk, or on a
    directory that is copied away, they prove more."""
    seal_every_s: float = 60.0
    """The audit trail is sealed after this long, when something is new in it."""
    seal_records: int = 1_000
    """It is sealed at once when so many records are new."""

    @property
    def witness(self) -> Path:
        """Where the checkpoints are."""
        return self.witness_dir or self.data_dir / "checkpoints"
