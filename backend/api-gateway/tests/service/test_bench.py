"""The benchmark measures answers, and says so loudly when they were refusals."""

import bench_api
import pytest
from gateway_world import World


async def test_the_benchmark_counts_the_answers_to_a_person_who_is_signed_in(world: World) -> None:
    result = await bench_api.measure(world.origin, world.token(), rate=50, seconds=0.2, warm_up_s=0)

    assert result["requests"] == 10


async def test_the_benchmark_gives_no_figure_when_its_requests_are_refused(world: World) -> None:
    with pytest.raises(bench_api.NotAnsweredError, match="10 times 401"):
        await bench_api.measure(world.origin, "not a token", rate=50, seconds=0.2, warm_up_s=0)
