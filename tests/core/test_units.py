"""Quantities: what is read, into which number, and what is refused with which words."""

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stemniche.core import units
from stemniche.core.errors import UnitError
from stemniche.core.units import (
    ENGINE_UNITS,
    check_unit,
    convert,
    is_dimensionless,
    parse_quantity,
    parse_time,
)

READ = [
    ("1.5 mm", "um", 1500.0),
    ("0.07 mm", "um", 70.0),
    ("1 m^2", "cm^2", 1e4),
    ("100 mm^3", "um^3", 1e11),
    ("1 mL", "um^3", 1e12),
    ("1 L", "mL", 1000.0),
    ("7 d", "min", 10080.0),
    ("2 weeks", "d", 14.0),
    ("0.06 1/h", "1/min", 0.001),
    ("1 /d", "1/min", 1 / 1440),
    ("50 /mm^2", "1/um^2", 5e-5),
    ("1e-7 cm^2/s", "um^2/min", 600.0),
    ("30 um/h", "um/min", 0.5),
    ("5 mM", "nM", 5e6),
    ("5 pM", "nM", 0.005),
    ("20 molecules/s", "molecules/min", 1200.0),
    ("20 molecules/cell/s", "molecules/min", 1200.0),
    ("1 mol/s", "molecules/s", 6.02214076e23),
    ("1e-18 mol/s", "nM*um^3/min", 6e7),
    ("2 kPa", "Pa", 2000.0),
    ("1 mmHg", "Pa", 133.322387415),
    ("21 %", "mmHg", 159.6),
    ("80 mg/m^2", "mg/m^2", 80.0),
    ("1 mg/kg", "g/kg", 0.001),
    ("10 mL/min/kg", "L/h/kg", 0.6),
    ("1.1 L/kg", "mL/kg", 1100.0),
    ("2 Gy", "Gy", 2.0),
    ("1e6 pfu", "pfu", 1e6),
    ("3e5 IU", "IU", 3e5),
    ("5 AUC", "mg*min/mL", 5.0),
    ("5 %", "", 0.05),
    ("4 fold", "fold", 4.0),
    ("300 cells", "cells", 300.0),
    ("20 µm", "um", 20.0),
    ("3 mm²", "um^2", 3e6),
    ("-3 mmHg", "mmHg", -3.0),
    ("2min", "min", 2.0),
]


@pytest.mark.parametrize(("text", "unit", "size"), READ)
def test_a_quantity_is_read_into_the_wanted_unit(text: str, unit: str, size: float) -> None:
    assert parse_quantity(text, unit, where="x") == pytest.approx(size, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9", "1e999", "-1e999", "nan", "inf", "-", "", " ", "1,000 um", "5 um;", "5 um um",
        "__import__('os')", "5 (um)", "5 um^9", "5 um**2", "5e", "5 1", "--5 um", "5\x00um", "0x10",
        "1" * 10_000, "5 " + "um/" * 10_000, "５ um", "5 um\n6 um", "5 /", "5 um//min",
    ],
)  # fmt: skip
@pytest.mark.parametrize("unit", ["um", ""])
def test_what_is_no_plain_quantity_is_refused(text: str, unit: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_quantity(text, unit, where="domain.voxel")
    assert caught.value.where == "domain.voxel"
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("value", [True, None, math.nan, math.inf, [5], b"5", {"a": 1}])
def test_what_is_no_finite_number_is_refused(value: object) -> None:
    with pytest.raises(UnitError, match="not a finite number"):
        parse_quantity(value, "", where="x")  # type: ignore[arg-type]


def test_a_whole_number_of_thousands_of_digits_is_refused() -> None:
    with pytest.raises(UnitError, match="not a finite number"):
        parse_quantity(10**9999, "", where="x")


def test_a_bare_number_stands_for_a_count_or_a_share_but_not_for_a_length() -> None:
    assert parse_quantity(1500, "cells", where="x") == 1500.0
    assert parse_quantity("0.5", "", where="x") == 0.5
    assert parse_quantity(0, "um", where="x") == 0.0
    assert parse_quantity("0.0", "nM", where="x") == 0.0
    with pytest.raises(UnitError) as caught:
        parse_quantity(20, "um", where="domain.voxel")
    assert str(caught.value) == (
        "20 has no unit.\n  where: domain.voxel\n  mend:  Write the unit: '20 um'."
    )


def test_a_remedy_names_the_unit_that_people_write() -> None:
    for wrong in (100, "100", "about 5", "5 mg"):
        with pytest.raises(UnitError) as caught:
            parse_quantity(wrong, "um^3", where="represents.volume", usual="mm^3")
        assert " mm^3" in caught.value.mend
    with pytest.raises(UnitError, match="Write the unit: '3 d'"):
        parse_time("3", where="resume, until")


def test_another_dimension_names_the_place_and_the_remedy() -> None:
    with pytest.raises(UnitError) as caught:
        parse_quantity("12 um", "1/min", where="rules.csv:3")
    assert str(caught.value) == (
        "'12 um' cannot be turned into 1/min: they differ in kind.\n"
        "  where: rules.csv:3\n"
        "  mend:  Write a value in 1/min or a unit like it."
    )


def test_an_unknown_unit_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnitError, match="Did you mean 'mmHg'"):
        parse_quantity("60 mmhg", "mmHg", where="x")


def test_a_molar_mass_turns_a_mass_into_an_amount_and_back() -> None:
    assert parse_quantity("25 ng/mL", "nM", where="x", molar_mass=25.0) == 1.0
    assert convert(1.0, "nM", "pg/mL", where="x", molar_mass=25.0) == 25_000.0
    assert convert(1.0, "mg", "nmol", where="x", molar_mass=0.5) == 2000.0


def test_without_a_molar_mass_a_mass_stays_a_mass() -> None:
    with pytest.raises(UnitError, match="molar mass"):
        parse_quantity("25 ng/mL", "nM", where="x")
    with pytest.raises(UnitError, match="molar mass"):
        parse_quantity("25 ng/mL", "nM", where="x", molar_mass=0.0)


def test_a_number_too_large_for_the_wanted_unit_is_refused() -> None:
    with pytest.raises(UnitError, match="too large"):
        parse_quantity("1e300 M", "pM", where="x")


def test_time_is_read_in_minutes() -> None:
    assert parse_time("12 h", where="from") == 720.0
    with pytest.raises(UnitError):
        parse_time("12", where="from")


def test_every_engine_unit_is_a_unit() -> None:
    for unit in ENGINE_UNITS.values():
        assert check_unit(unit, where="table") == unit


def test_counts_shares_and_folds_have_no_dimension() -> None:
    assert all(is_dimensionless(unit) for unit in ("", "1", "cells", "fold", "%"))
    assert not any(is_dimensionless(unit) for unit in ("IU", "pfu", "AUC", "um", "1/d"))


def test_scenarios_become_plans_without_importing_pint() -> None:
    code = (
        "import sys; from stemniche.run.assemble import assemble; import stemniche as sn;"
        "found = [sn.load_scenario(name) for name in sn.list_scenarios()];"
        "[assemble(one, 1) for one in found if one.name in ('breast_quick', 'monolayer')];"
        "assert 'pint' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_the_shortcuts_say_what_the_unit_library_says() -> None:
    for (source, target), factor in units._COMMON.items():
        shown = [unit.replace("^", "**") or "dimensionless" for unit in (source, target)]
        size = units._registry().Quantity(1.0, shown[0]).to(shown[1]).magnitude
        assert factor == pytest.approx(size, rel=1e-13), (source, target)


@given(st.text(max_size=80))
def test_any_text_is_a_finite_number_or_a_clean_error(text: str) -> None:
    try:
        size = parse_quantity(text, "um", where="x")
    except UnitError:
        return
    assert math.isfinite(size)


@given(
    st.from_regex(r"[0-9.e+-]{1,8} ?[a-zA-Z%µ²/*^0-9 ]{0,20}", fullmatch=True),
    st.sampled_from(["nM", "1/min", "um^2/min", "", "mg"]),
)
def test_near_quantities_are_finite_numbers_or_clean_errors(text: str, unit: str) -> None:
    try:
        size = parse_quantity(text, unit, where="x", molar_mass=20.0)
    except UnitError:
        return
    assert math.isfinite(size)


@given(
    st.floats(1e-6, 1e6),
    st.sampled_from([("h", "min"), ("M", "pM"), ("mmHg", "Pa"), ("L", "mm^3")]),
)
def test_there_and_back_is_the_same_number(size: float, pair: tuple[str, str]) -> None:
    there = convert(size, *pair, where="x")
    assert convert(there, pair[1], pair[0], where="x") == pytest.approx(size, rel=1e-13)
