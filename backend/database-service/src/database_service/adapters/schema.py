"""Read the numbered schema files that lie inside the package."""

from importlib.resources import files

from database_service.domain.migrations import Migration


def schema_files(store: str) -> list[Migration]:
    """The files of `postgres` or `clickhouse`, in order."""
    folder = files("database_service").joinpath("migrations", store)
    found = [Migration(file.name, file.read_text("utf-8")) for file in folder.iterdir() if file.name.endswith(".sql")]
    return sorted(found, key=lambda migration: migration.name)
