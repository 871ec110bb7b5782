"""Identifiers rise in the order they are made: the journal is sealed in that order."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from anlan.kernel.ids import new_id


def test_identifiers_of_a_burst_rise_strictly_and_are_uuid_7() -> None:
    made = [new_id() for _ in range(20_000)]
    assert made == sorted(set(made))
    assert all(isinstance(one, UUID) and one.version == 7 for one in made)


def test_identifiers_of_many_threads_never_repeat_and_rise_in_each() -> None:
    with ThreadPoolExecutor(8) as pool:
        threads = list(pool.map(lambda _: [new_id() for _ in range(2_000)], range(8)))
    assert all(thread == sorted(thread) for thread in threads)
    assert len({one for thread in threads for one in thread}) == 16_000
