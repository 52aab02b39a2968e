"""A document that another program of this PC leaves in the client's data directory, such as the EA's calendar."""

from dataclasses import dataclass
from pathlib import Path

from data_collector.domain.politeness import Fetched, FetchRefused

MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LocalFile:
    """Implements ports.Fetch for `file:` addresses, below one directory and nowhere else."""

    directory: Path

    def __call__(self, url: str, etag: str = "", last_modified: str = "", key: str = "") -> Fetched:
        """The document; nothing when it is the one with this `etag`, a mark of its time and size."""
        path = (self.directory / url.removeprefix("file:")).resolve()
        if not path.is_relative_to(self.directory.resolve()):
            raise FetchRefused("the file lies outside of the client's data directory")
        try:
            status = path.stat()
            mark = f"{status.st_mtime_ns}-{status.st_size}"
            if mark == etag:
                return Fetched(None, etag, "")
            if status.st_size > MAX_BYTES:
                raise FetchRefused(f"the file is larger than {MAX_BYTES} bytes")
            return Fetched(path.read_bytes(), mark, "")
        except FileNotFoundError:
            raise FetchRefused(f"there is no file {path.name} yet; the EA writes it while it runs") from None
        except OSError as error:
            raise FetchRefused(f"the file can't be read ({error.strerror})") from None
