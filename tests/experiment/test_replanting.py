"""Arms that start from the cells of another arm are read with it, and mistakes are told."""

from collections.abc import Callable

import pytest

from stemniche.core.errors import InputError
from stemniche.experiment.arms import Jobs
from stemniche.experiment.file import Experiment

Read = Callable[[str], tuple[Experiment, ...]]


def passages(*sources: str) -> str:
    """An experiment whose arms a, b, c … take their cells from the sources given ('' for none)."""
    arms = "".join(
        f"    {name}: {[{'replant': {'source': source}}] if source else []}\n"
        for name, source in zip("abcd", sources, strict=False)
    )
    return f"""
- id: P
  scenario: breast_quick
  set: {{days: 4}}
  arms:
{arms}  measure: tumour_cells
  expect: b > a
"""


def test_an_arm_knows_the_arm_its_cells_come_from(read: Read) -> None:
    (e,) = read(passages("", "a@3 d", "b@2 d"))
    fresh, first, second = (arm.scenario for arm in e.arms)
    assert fresh.origin is None
    assert first.origin is not None
    assert first.origin.days == 3.0
    assert second.origin is not None
    assert second.origin.origin is not None
    assert second.origin.origin.fingerprint == first.origin.fingerprint
    assert len(Jobs.of(e.arms).scenarios) == 3


@pytest.mark.parametrize(
    ("sources", "what"),
    [
        (("", "z@3 d"), "no arm 'z'"),
        (("", "a@9 d"), "ends at day 4"),
        (("b@1 d", "a@1 d"), "in a circle"),
        (("", "b@1 d"), "in a circle"),
        (("", "a"), "no source of cells"),
        (("", "a@tomorrow"), "tomorrow"),
    ],
)
def test_a_source_that_cannot_be_is_answered_with_its_line(
    sources: tuple[str, ...], what: str, read: Read
) -> None:
    with pytest.raises(InputError, match=what) as caught:
        read(passages(*sources))
    assert "experiments.yaml:" in caught.value.where
