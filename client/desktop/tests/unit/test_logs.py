"""Logs: in the order of time, of one app or since a moment, followed as they grow, and never with a secret."""

import json

import pytest

from desktop.logs_cli import follow, line_of, read, since_ms
from kit.errors import KitError

NOON = 1_795_348_800_000


def write(data, app: str, *lines: str, name: str = ".log") -> None:
    (data / "logs").mkdir(exist_ok=True)
    with (data / "logs" / f"{app}{name}").open("a") as file:
        file.writelines(line + "\n" for line in lines)


def entry(second: int, event: str, **more: object) -> str:
    return json.dumps({"at": f"2026-11-22T12:00:{second:02d}Z", "level": "info", "event": event, **more})


def events(lines) -> list[str]:
    return [str(line.fields["event"]) for line in lines]


def test_the_apps_are_one_stream_in_the_order_of_time(tmp_path) -> None:
    write(tmp_path, "security", entry(1, "first"), entry(3, "third"))
    write(tmp_path, "config-manager", entry(2, "second"), "a plain line", entry(4, "fourth"))
    lines, _ = read(tmp_path, ["security", "config-manager"], 0)
    assert events(lines) == ["first", "second", "a plain line", "third", "fourth"]


def test_what_was_rotated_away_is_read_too_and_since_leaves_the_older_out(tmp_path) -> None:
    write(tmp_path, "security", entry(1, "old"), name=".old")
    write(tmp_path, "security", entry(5, "new"))
    assert events(read(tmp_path, ["security"], 0)[0]) == ["old", "new"]
    after = line_of("security", entry(2, "x")).at_ms
    assert events(read(tmp_path, ["security"], after)[0]) == ["new"]


@pytest.mark.parametrize(
    "text",
    [
        entry(1, "x", password="hunter2"),
        entry(1, "wss://user:hunter2@host/x"),
        json.dumps({"event": "x", "detail": {"join_token": "hunter2"}}),
        "could not join with token: hunter2",
        "Authorization: Bearer hunter2",
        "plain: https://user:hunter2@host/",
    ],
)
def test_secrets_are_hidden_whoever_wrote_them(text) -> None:
    assert "hunter2" not in line_of("security", text).words()


def test_a_line_can_not_move_the_cursor_or_forge_another_line() -> None:
    shown = line_of("security", json.dumps({"event": "a\x1b[2J\nb\u202ec"})).words()
    assert len(shown.splitlines()) == 1
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_following_sees_whole_lines_only_and_a_file_that_was_begun_anew(tmp_path) -> None:
    write(tmp_path, "security", entry(1, "before"))
    _, ends = read(tmp_path, ["security"], 0)
    path = tmp_path / "logs" / "security.log"
    steps = iter(
        [
            lambda: path.open("a").write(entry(2, "half")[:20]),
            lambda: path.open("a").write(entry(2, "half")[20:] + "\n"),
            lambda: path.write_text(entry(3, "anew") + "\n"),
        ]
    )

    def wait() -> bool:
        step = next(steps, None)
        if step is not None:
            step()
        return step is not None

    assert events(follow(tmp_path, ["security"], ends, wait)) == ["half", "anew"]


def test_moments_as_people_write_them() -> None:
    assert since_ms("10m", NOON) == NOON - 600_000
    assert since_ms("2d", NOON) == NOON - 172_800_000
    assert since_ms("2026-11-22T12:00", NOON) == since_ms("2026-11-22T13:00+01:00", NOON)
    assert since_ms(None, NOON) == 0
    for text in ("yesterday", "10", "-3m", "99999999999d"):
        with pytest.raises(KitError):
            since_ms(text, NOON)
