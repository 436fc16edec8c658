"""Infusions stand on the lattice of ticks, in the number and at the times asked for."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stemniche.core.errors import InputError
from stemniche.engine.process import TICK_S, Tick
from stemniche.therapy.schedule import Infusion, infusions, snap

DAY = 1440.0


def planned(**more: Any) -> tuple[Infusion, ...]:
    usual: dict[str, Any] = {
        "start": 0.0, "stop": 21 * DAY, "every": 7 * DAY, "doses": None, "over": 60.0, "mg": 100.0,
        "loading": None, "cycle": None, "where": "a test",
    }  # fmt: skip
    return infusions(**usual | more)


def days(doses: tuple[Infusion, ...]) -> list[float]:
    return [dose.start / 86400 for dose in doses]


def test_doses_are_given_from_start_to_before_the_end() -> None:
    assert days(planned()) == [0, 7, 14]
    assert days(planned(start=2 * DAY)) == [2, 9, 16]
    assert days(planned(stop=21 * DAY + 1)) == [0, 7, 14, 21]


def test_one_dose_without_an_interval() -> None:
    assert days(planned(every=None)) == [0]


def test_the_number_of_doses_is_kept() -> None:
    assert days(planned(doses=2)) == [0, 7]


def test_the_first_dose_may_be_larger() -> None:
    assert [dose.mg for dose in planned(loading=250.0)] == [250.0, 100.0, 100.0]


def test_a_cycle_leaves_out_its_off_days() -> None:
    doses = planned(every=DAY, start=DAY, stop=11 * DAY, cycle=(2 * DAY, 3 * DAY))
    assert days(doses) == [1, 2, 6, 7]


@given(
    start=st.floats(0.0, 1e4),
    every=st.floats(120.0, 5e3),
    over=st.floats(0.1, 120.0),
)
def test_every_infusion_lies_on_the_lattice(start: float, every: float, over: float) -> None:
    doses = planned(start=start, every=every, over=over, stop=start + 3e4)
    assert doses
    for number, dose in enumerate(doses):
        assert dose.start % TICK_S == 0
        assert dose.length % TICK_S == 0
        assert dose.length >= TICK_S
        assert abs(dose.start / 60 - (start + number * every)) <= TICK_S / 120 + 1e-6


def test_doses_left_out_by_a_cycle_are_not_counted() -> None:
    """Seven doses on working days: five in the first week, two in the second."""
    found = planned(start=0.0, stop=40320.0, every=1440.0, doses=7, cycle=(7200.0, 2880.0))
    assert [i.start // 86400 for i in found] == [0, 1, 2, 3, 4, 7, 8]


@pytest.mark.parametrize("every", [30.0, 50.0])
def test_an_infusion_longer_than_its_interval_is_refused(every: float) -> None:
    with pytest.raises(InputError, match="60 min cannot be repeated every") as caught:
        planned(every=every)
    assert caught.value.where == "a test"
    assert "every" in caught.value.mend


def test_the_nearest_tick_is_taken() -> None:
    assert [snap(m) for m in (0.0, 2.9, 3.1, 6.0, 60.0)] == [0, 0, 360, 360, 3600]


def test_drug_flows_from_start_for_its_length() -> None:
    dose = Infusion(2 * TICK_S, 3 * TICK_S, 1.0)
    assert [i for i in range(10) if dose.runs(Tick(i, 0))] == [2, 3, 4]
    assert [i for i in range(20) if dose.runs(Tick(i, 7))] == [9, 10, 11]
    assert not any(dose.runs(Tick(i, -1)) for i in range(10))


def test_an_early_dose_counts_from_placement_and_ends_by_day_zero_time() -> None:
    dose = Infusion(2 * TICK_S, 6 * TICK_S, 1.0, early=True, until=TICK_S)
    assert [i for i in range(5) if dose.runs(Tick(i, -1))] == [2, 3, 4]
    assert [i for i in range(5, 12) if dose.runs(Tick(i, 5))] == [5]
