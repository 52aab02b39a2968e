"""Decide which numbered schema files are still to be applied, and refuse a history that was changed."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Migration:
    """A schema file. `name` begins with its number, `0001_ledger.sql`."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    def statements(self) -> list[str]:
        """The single statements, for a store that takes one at a time. A statement ends with `;` at a line's end."""
        lines = [line for line in self.sql.splitlines() if not line.lstrip().startswith("--")]
        return [part.strip() for part in ("\n".join(lines) + "\n").split(";\n") if part.strip()]


@dataclass(frozen=True, slots=True)
class Refused:
    """Start nothing; `reason` says what to do."""

    reason: str


def pending(files: list[Migration], applied: dict[str, str]) -> list[Migration] | Refused:
    """Files to apply, in order. `applied`: name -> checksum, as the store remembers it."""
    by_name = {file.name: file for file in files}
    for name, checksum in sorted(applied.items()):
        file = by_name.get(name)
        if file is None:
            return Refused(
                f"the store was made by a newer version: it has {name}, which this version does not know. "
                "Install the newer version again, or restore a backup from before it."
            )
        if file.checksum != checksum:
            return Refused(
                f"{name} was changed after it had been applied to this store. "
                "Put the original file back and make the change in a new file with the next number."
            )
    todo = sorted((file for file in files if file.name not in applied), key=lambda file: file.name)
    newest = max(applied, default="")
    if todo and todo[0].name < newest:
        return Refused(f"{todo[0].name} comes before {newest}, which is applied already. Give it the next number.")
    return todo
