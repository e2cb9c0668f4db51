"""A few hundred responses that no server should give; `make soak` tries many more."""

from tests.soak.soak_responses import survive_all


async def test_no_response_ends_the_process_or_leaves_anything_behind() -> None:
    said = await survive_all(range(200))
    assert said.total() == 200
    assert len(said) > 15
