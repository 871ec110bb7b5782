"""Kinds type what is written about a place, and give it back as it was."""

import pytest

from anlan.base.places.kinds import check_attributes
from anlan.kernel.errors import Invalid


def test_a_kind_types_its_seasons_and_keeps_them_as_they_were() -> None:
    seasons = [{"from": "06-01", "to": "07-31", "value": 901.5}]
    given = {"station": "1404270001", "interval_min": 5, "flood_limit": seasons}
    assert check_attributes("reservoir", given) == given
    with pytest.raises(Invalid, match="flood_limit"):
        check_attributes("reservoir", {**given, "flood_limit": [{"from": "6-1", "to": "07-31", "value": 901.5}]})
