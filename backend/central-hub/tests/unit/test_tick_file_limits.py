"""A file of ticks that was made to do harm."""

import gzip
import os
from pathlib import Path

import pytest

from central_hub.adapters.tick_files import FREE_BYTES, blocks, epoch_of
from central_hub.ports import HubError

HEAD = b"time_ms,bid,ask\n"


def test_a_file_that_unpacks_without_end_is_given_up(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.csv.gz"
    with gzip.open(bomb, "wb") as file:
        file.write(HEAD)
        for _ in range(FREE_BYTES // 2**20 + 300):
            file.write(b"\n" * 2**20)
    assert bomb.stat().st_size < 1_000_000
    sizes: list[int] = []
    with pytest.raises(HubError, match="unpacks to more than 200 times"):
        sizes.extend(len(block) for block in blocks(bomb))
    assert max(sizes, default=0) <= 2**20 + 4_096
    assert sum(sizes) < FREE_BYTES + 200 * bomb.stat().st_size + 2**21


def test_ordinary_files_are_read_to_their_end(tmp_path: Path) -> None:
    ordinary = tmp_path / "a.csv.gz"
    rows = b"".join(b"%d,1.1,1.2\n" % n for n in range(10_000))
    ordinary.write_bytes(gzip.compress(HEAD + rows))
    assert b"".join(blocks(ordinary)) == HEAD + rows


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, suffix: str) -> None:
    pipe = tmp_path / f"pipe{suffix}"
    os.mkfifo(pipe)
    link = tmp_path / f"link{suffix}"
    link.symlink_to("/dev/zero")
    for path in (pipe, link, tmp_path):
        with pytest.raises(HubError, match="it is no file"):
            epoch_of(path, "")


def test_what_only_says_that_it_is_packed_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv.gz"
    wrong.write_bytes(b"PK\x03\x04 a zip archive")
    with pytest.raises(HubError, match="can't be read"):
        list(blocks(wrong))
