"""Messages kept aside are files with a reason, once each, and never fill the disk."""

import msgspec
import pytest

from database_service.adapters.quarantine import QuarantineFolder
from kit.testing import FakeClock


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "quarantine"


async def test_a_message_is_kept_with_its_reason(folder):
    await QuarantineFolder(folder, 10_000, FakeClock(5)).keep("ticks.a", b"\x00bad", "not a batch")
    (message,), (label,) = folder.glob("*.msg"), folder.glob("*.json")
    assert message.read_bytes() == b"\x00bad"
    assert msgspec.json.decode(label.read_bytes()) == {
        "subject": "ticks.a",
        "reason": "not a batch",
        "kept_ms": 5,
        "size": 4,
    }


async def test_the_same_message_again_takes_no_more_space(folder):
    kept = QuarantineFolder(folder, 10_000, FakeClock())
    for _ in range(3):
        await kept.keep("ticks.a", b"bad", "why")
    await kept.keep("ticks.b", b"bad", "why")
    assert len(list(folder.glob("*.msg"))) == 2


async def test_a_full_folder_takes_no_more_even_after_a_restart(folder):
    await QuarantineFolder(folder, 1_000, FakeClock()).keep("ticks.a", b"x" * 800, "why")
    again = QuarantineFolder(folder, 1_000, FakeClock())
    await again.keep("ticks.a", b"y" * 800, "why")
    assert len(list(folder.glob("*.msg"))) == 1
