"""Every planted hole is noticed: a gate that stays green with a check removed would prove nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mutants.holes import HOLES
from mutants.planting import ALL_LIMIT_S, AT_ONCE, Hole, Verdict, judge, judge_all, run_pytest

LEAST = 45
Counted = Callable[[int, int], None]


@pytest.fixture(scope="session")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    """name of the hole -> what became of it"""
    return {v.hole.name: v for v in judge_all(HOLES, tmp_path_factory.mktemp("mutants"))}


def test_without_a_hole_every_test_that_is_to_notice_one_is_green(counted: Counted) -> None:
    named = tuple(dict.fromkeys(argument for hole in HOLES for argument in hole.caught_by))
    done = run_pytest(named, limit_s=ALL_LIMIT_S)
    if done.returncode:
        pytest.fail(done.stdout[-3_000:], pytrace=False)
    counted(len(named), 10)


def test_there_are_enough_holes_and_each_has_its_own_name(counted: Counted) -> None:
    assert len({hole.name for hole in HOLES}) == len(HOLES)
    assert AT_ONCE >= 1
    counted(len(HOLES), LEAST)


@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: hole.name.replace(" ", "_"))
def test_a_planted_hole_is_caught(hole: Hole, verdicts: dict[str, Verdict], counted: Counted) -> None:
    verdict = verdicts[hole.name]
    if not verdict.caught:
        pytest.fail(f"nobody noticed that {hole.name} is no longer checked:\n{verdict.story}", pytrace=False)
    counted(1, 1)


def test_a_hole_that_cannot_be_planted_any_more_is_a_failure(tmp_path: Path) -> None:
    moved = Hole("a check that moved", "kit/src/kit/tokens.py", (("no such line", ""),), ("tests/attack",))
    verdict = judge(moved, tmp_path / "moved")
    assert not verdict.caught
    assert "0 times" in verdict.story


def test_a_hole_that_removes_nothing_is_not_called_caught(tmp_path: Path) -> None:
    same = Hole(
        "nothing", "kit/src/kit/tokens.py", (("CLOCK_SKEW_S = 60", "CLOCK_SKEW_S = 6 * 10"),), HOLES[0].caught_by
    )
    assert not judge(same, tmp_path / "same").caught
