"""Screens: the measures of synergy on made-up effects, and a small one end to end."""

from pathlib import Path

import numpy as np
import pytest

from stemniche import api
from stemniche.core.errors import InputError
from stemniche.experiment.screen import Effects, _line, _needed, _pairs, screen
from stemniche.spec.scenario import Scenario, load_scenario

SMALL = {
    "days": 0.05,
    "sample_every": "72 min",
    "domain": {"size": ["0.3 mm", "0.3 mm"]},
    "prepare": {"until": None, "max": None, "days": 0.025},
    "tumour": {"cells": 60},
    "tissue": {
        "MSC": 2, "fibroblast": 6, "monocyte": 1, "macrophage": 4, "CD4": 3, "Treg": 1, "CD8": 3,
        "NK": 2, "DC": 1, "MDSC": 1,
    },
}  # fmt: skip


def small() -> Scenario:
    return load_scenario("breast_quick").change(SMALL)


def effects(a: float, b: float, both: float) -> Effects:
    def of(value: float) -> dict[str, np.ndarray]:
        return {what: np.array([value, value + 0.01]) for what in ("tumour", "CSC")}

    return {
        (("a", 1.0),): of(a),
        (("b", 1.0),): of(b),
        (("a", 1.0), ("b", 1.0)): of(both),
    }


def test_two_independent_agents_have_no_bliss_excess() -> None:
    row = _pairs(["a", "b"], effects(0.5, 0.4, 0.7), 1, True).iloc[0]
    assert row["bliss.tumour"] == pytest.approx(0.0, abs=0.01)
    assert row["hsa.tumour"] == pytest.approx(0.2, abs=1e-12)


def test_an_antagonist_has_less_effect_than_its_better_part() -> None:
    row = _pairs(["a", "b"], effects(0.5, 0.1, 0.3), 1, True).iloc[0]
    assert row["hsa.CSC"] < 0.0
    assert row["bliss.CSC"] < 0.0


def test_the_dose_with_an_effect_is_read_off_a_hill_curve() -> None:
    shares = 0.5 ** np.arange(6.0)
    seen = 0.9 * shares**1.5 / (0.3**1.5 + shares**1.5)
    assert _needed(shares, seen, 0.45) == pytest.approx(0.3, rel=1e-3)
    assert np.isnan(_needed(shares, seen, 0.95))


def test_an_agent_combined_with_itself_has_loewes_index_of_one() -> None:
    shares = [0.5**step for step in range(4)]

    def alone(dose: float) -> np.ndarray:
        return np.array([0.8 * dose / (0.5 + dose), 0.7 * dose / (0.4 + dose)])

    found: dict = {
        ((name, x),): {"tumour": alone(x), "CSC": alone(x)} for name in "ab" for x in shares
    }
    found[("a", 1.0), ("b", 1.0)] = {"tumour": alone(2.0), "CSC": alone(2.0)}
    row = _pairs(["a", "b"], found, 4, True).iloc[0]
    assert row["loewe.tumour"] == pytest.approx(1.0, rel=1e-2)


def test_a_lower_dose_keeps_the_librarys_schedule() -> None:
    scenario = load_scenario("breast_quick").change({"days": 60})
    line = _line(scenario, "drug gemcitabine", 0.25)
    assert line == "drug gemcitabine dose 250 mg/m^2 every 7 d cycle 21 d 7 d"


def test_a_screen_runs_and_writes_its_page(tmp_path: Path) -> None:
    out = tmp_path / "screen"
    found = api.screen(
        small(), [], also=["block CXCR4 0.9", "knock_out IL6"], pairs=True, replicates=2, workers=1,
        out=out,
    )  # fmt: skip
    assert list(found.singles.agent) == ["block CXCR4 0.9", "knock_out IL6"]
    assert len(found.pairs) == 1
    assert "block CXCR4 0.9" in (out / "screen.html").read_text()
    assert (out / "pairs.csv").read_text().startswith("first,second,effect.tumour,")


def test_a_folder_that_cannot_be_made_is_refused_before_anything_runs(tmp_path: Path) -> None:
    told: list[str] = []
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        api.screen(
            small(), ["paclitaxel"], replicates=2, workers=1, out=tmp_path / "file" / "screen",
            progress=lambda what, share: told.append(what),
        )  # fmt: skip
    assert told == []
    with pytest.raises(InputError, match="nosuch"):
        api.screen(small(), ["nosuch"], out=tmp_path / "deep" / "screen")
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_folder_is_given_back_when_a_screen_is_interrupted(tmp_path: Path) -> None:
    out = tmp_path / "screen"

    def interrupt(what: str, share: float) -> None:
        assert out.is_dir()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        api.screen(small(), ["paclitaxel"], replicates=2, workers=1, out=out, progress=interrupt)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("agents", "more", "said"),
    [
        ([], {}, "nothing to screen"),
        (["knock_out IL6"], {"pairs": True}, "makes no pair"),
        (["knock_out IL6", "knock_out IL6"], {}, "named twice"),
        (["drug paclitaxel", "drug Taxol"], {}, "named twice: 'drug paclitaxel' and 'drug Taxol'"),
        (["drug paclitaxel", "drug paclitaxel 9 mg"], {"pairs": True}, "infusions overlap"),
        (["knock_out IL6"], {"replicates": 1}, "no interval"),
        (["knock_out IL6"], {"doses": 3}, "do not make a curve"),
        (["knock_out IL6"], {"doses": 4}, "no dose to be lowered"),
        (["drug nosuch"], {}, "nosuch"),
    ],
)
def test_what_cannot_be_screened_is_refused(agents: list[str], more: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        screen(small(), agents, workers=1, **more)
