"""Compilation: mathematics, context, what is left out, overridden numbers, units."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stemniche.core.errors import EvidenceError, InputError, LibraryError
from stemniche.spec.assembly import response
from stemniche.spec.compile import compile_model, from_json, model_fingerprint, to_json
from stemniche.spec.library import Library
from stemniche.spec.model import Drive, Model, Term

BREAST = ("breast", "colorectal")


def drive(model: Model, cell: str, target: str) -> Drive:
    return next(d for d in model.drives if (d.cell, d.target) == (cell, target))


def value(found: Drive, levels: dict[str, float] | None = None) -> float:
    """Steady value of a drive, every signal at its reference unless given."""
    total = found.constant
    for group in found.groups:
        parts = ((levels or {}).get(t.signal, t.reference) for t in group.terms)
        total += group.push(math.prod(map(response, group.terms, parts)))
    return 1 / (1 + math.exp(-total)) if found.kind == "node" else math.exp(total)


def rows(model: Model) -> set[str]:
    return {row.id for row in model.rows}


def test_every_node_sits_at_its_baseline_at_the_reference(small: Any) -> None:
    model = small.compile()
    baseline = {node.id: node.baseline for node in model.nodes}
    nodes = [d for d in model.drives if d.kind == "node"]
    assert len(nodes) == sum(len(node.cells) for node in model.nodes)
    for found in nodes:
        assert value(found) == pytest.approx(baseline[found.target])


def test_every_behaviour_has_its_base_value_at_the_reference(small: Any) -> None:
    model = small.compile()
    traits = {t.id: t.traits for t in model.types}
    assert value(drive(model, "CSC", "cycle_rate")) == pytest.approx(0.3 / 1440)
    assert value(drive(model, "bulk", "cycle_rate")) == pytest.approx(traits["bulk"]["cycle_rate"])
    assert value(drive(model, "vessel", "recruitment.MSC")) == pytest.approx(1.0)


def test_a_node_follows_the_hand_computed_response(small: Any) -> None:
    found = drive(small.compile(), "MSC", "PPBP_expression")
    constant = math.log(0.2 / 0.8) - 2 * 0.5
    assert found.constant == pytest.approx(constant)
    hill = 0.6**2 / (0.2**2 + 0.6**2)
    assert value(found, {"IL6R": 0.6}) == pytest.approx(1 / (1 + math.exp(-constant - 2 * hill)))


def test_a_single_rule_moves_its_behaviour_from_the_start_to_the_limit(small: Any) -> None:
    found = drive(small.compile(), "vessel", "recruitment.MSC")
    silent, full = value(found, {"IL6": 0.0}), value(found, {"IL6": 1e9})
    assert full / silent == pytest.approx(3.0)


def test_a_falling_rule_has_a_negative_weight(small: Any) -> None:
    found = drive(small.compile(), "bulk", "cycle_rate")
    weights = {t.row: g.weight for g in found.groups for t in g.terms}
    assert weights["r.cycle.STAT3"] == pytest.approx(math.log(0.05 / 0.6))
    assert weights["r.cycle.oxygen"] == pytest.approx(math.log(4.0))


def test_terms_of_an_and_group_multiply_and_a_brake_in_it_is_a_gate(small: Any) -> None:
    found = drive(small.compile(), "CSC", "stemness")
    dual = next(g for g in found.groups if len(g.terms) == 3)
    assert dual.weight == pytest.approx(1.5)
    assert [t.inverted for t in dual.terms] == [False, False, True]
    shut = value(found, {"oxygen": 1e9})
    without = value(found, {"STAT3": 0.0})
    assert shut == pytest.approx(without)


def test_a_brake_alone_pulls_its_target_down(small: Any) -> None:
    found = drive(small.compile(), "CSC", "STAT3")
    assert value(found, {"AKT": 0.9}) < value(found) < value(found, {"AKT": 0.0})


def test_dropping_a_claim_keeps_the_constant_and_lowers_the_node(small: Any) -> None:
    full, less = small.compile(), small.compile(claims_off=("C001",))
    before = drive(full, "MSC", "PPBP_expression")
    after = drive(less, "MSC", "PPBP_expression")
    assert after.groups == ()
    assert after.constant == before.constant
    assert value(after) < 0.2
    assert not less.secretions or all(s.factor != "PPBP" for s in less.secretions)


def test_dropping_a_claim_drops_all_that_say_the_same(small: Any) -> None:
    gone = rows(small.compile()) - rows(small.compile(claims_off=("C013",)))
    assert gone == {"n.PPBP", "s.PPBP"}


def test_rows_that_other_claims_keep_are_named(small: Any) -> None:
    model = small.compile(claims_off=("C002",))
    assert "n.STAT3" in rows(model)
    assert model.notes == ("C002 is off, but row n.STAT3 stays on because of C003.",)
    row = next(row for row in model.rows if row.id == "n.STAT3")
    assert row.claims == ("C003",)


def test_a_row_can_be_left_out_whatever_its_claims(small: Any) -> None:
    assert "n.STAT3" not in rows(small.compile(rows_off=("n.STAT3",)))


def test_leaving_out_a_gate_opens_it_but_a_partner_silences_its_group(small: Any) -> None:
    full = drive(small.compile(), "CSC", "stemness")
    open_gate = drive(small.compile(claims_off=("C008",)), "CSC", "stemness")
    assert value(open_gate) > value(full)
    silent = small.compile(claims_off=("C007",))
    assert value(drive(silent, "CSC", "stemness")) < value(full)
    assert not {"n.stem", "n.stem.partner", "n.stem.gate"} & rows(silent)
    assert any("n.stem does nothing here" in note for note in silent.notes)


def test_a_claim_that_nothing_carries_is_only_noted(small: Any) -> None:
    model = small.compile(claims_off=("C021", "C020"))
    assert rows(model) == rows(small.compile())
    assert model.notes[0].startswith("C021 is carried by no row")
    assert "must follow from other rows" in model.notes[1]


def test_an_unknown_claim_row_or_cancer_is_answered_with_the_nearest(small: Any) -> None:
    with pytest.raises(EvidenceError, match=r"no claim 'C0011'[\s\S]*without_claims[\s\S]*C001"):
        small.compile(claims_off=("C0011",))
    with pytest.raises(InputError, match=r"no row 'n.STAT'[\s\S]*n.STAT3"):
        small.compile(rows_off=("n.STAT",))
    with pytest.raises(InputError, match=r"no cancer 'brest'[\s\S]*breast"):
        small.compile("brest")


def test_what_holds_in_a_parent_cancer_holds_in_its_children_and_not_the_reverse(
    small: Any,
) -> None:
    small.swap("network", "breast,yes", "breast_tnbc,")
    assert "n.AKT" in rows(small.compile("breast_tnbc"))
    assert "n.AKT" not in rows(small.compile("breast"))
    small.swap("network", "breast_tnbc,", "solid,")
    small.swap("network", "stated,C004", "stated,C005")
    assert "n.AKT" in rows(small.compile("breast_tnbc", policy="strict"))


def test_core_mechanisms_of_another_cancer_run_as_assumed_unless_strict(small: Any) -> None:
    row = next(r for r in small.compile("colorectal").rows if r.id == "n.AKT")
    assert row.basis == "assumed"
    assert "n.AKT" not in rows(small.compile("colorectal", policy="strict"))
    assert next(r for r in small.compile("breast").rows if r.id == "n.AKT").basis == "stated"


def test_a_row_without_the_mark_stays_in_its_cancer(small: Any) -> None:
    small.swap("network", "breast,yes", "breast,no")
    model = small.compile("colorectal", claims_off=("C004",))
    assert "n.AKT" not in rows(model)
    assert model.notes == ("C004 is inactive in colorectal: leaving it out changes nothing.",)


def test_a_general_row_whose_claims_are_of_another_cancer_is_assumed(small: Any) -> None:
    small.swap("network", "stated,C006", "stated,C018")
    row = next(r for r in small.compile("breast").rows if r.id == "n.stem")
    assert row.basis == "assumed"
    assert "n.stem" not in rows(small.compile("breast", policy="strict"))
    row = next(r for r in small.compile("colorectal").rows if r.id == "n.stem")
    assert row.basis == "stated"


def test_a_row_out_of_context_leaves_no_trace_in_the_constant(small: Any) -> None:
    strict = drive(small.compile("colorectal", policy="strict"), "CSC", "AKT")
    assert strict.constant == pytest.approx(math.log(0.3 / 0.7))


def test_a_genotype_signal_is_one_where_the_tumour_has_it(small: Any) -> None:
    assert small.compile().genotype == {"PTENX:lost": 0.0}
    assert small.compile(genotype={"PTENX": "lost"}).genotype == {"PTENX:lost": 1.0}


def test_a_state_that_no_row_reads_counts_as_the_one_its_row_names(small: Any) -> None:
    assert small.compile(genotype={"PTENX": "mutant"}).genotype == {"PTENX:lost": 1.0}
    assert small.compile(genotype={"PTENX": "low"}).genotype == {"PTENX:lost": 0.0}
    small.swap("network", "breast,yes", "breast;PTENX:lost,yes")
    assert "n.AKT" in rows(small.compile(genotype={"PTENX": "mutant"}))


def test_a_genotype_in_the_context_gates_a_row(small: Any) -> None:
    small.swap("network", "breast,yes", "breast;PTENX:lost,yes")
    assert "n.AKT" not in rows(small.compile())
    assert "n.AKT" in rows(small.compile(genotype={"PTENX": "lost"}))


def test_numbers_arrive_in_engine_units(small: Any) -> None:
    model = small.compile()
    factors = {f.id: f for f in model.factors}
    assert factors["IL6"].diffusivity == pytest.approx(1000.0)
    assert factors["IL6"].decay == pytest.approx(math.log(2) / 60)
    assert factors["PPBP"].baseline == pytest.approx(1.0)
    assert factors["PPBP"].reference == pytest.approx(1.0)
    assert factors["oxygen"].decay == 0.0
    assert {s.rate for s in model.secretions if s.factor == "PPBP"} == {1200.0}
    assert {u.rate for u in model.uptakes if u.factor == "oxygen"} == {10.0}
    saturating = next(u for u in model.uptakes if u.factor == "glucose")
    assert saturating.rate == pytest.approx(1e-16 * 60 / 1e-3 * 1e15)  # mM um^3 per min
    assert {n.id: n.tau for n in model.nodes}["stemness"] == 4320.0
    assert {n.id: n.tau for n in model.nodes}["AKT"] == 120.0
    (drug,) = small.compile(drugs=("taxol",)).drugs
    assert drug.values == {
        "dose": 80.0, "clearance": pytest.approx(100 / 70), "damage": pytest.approx(1 / 60)
    }  # fmt: skip
    assert drug.phases == ("G2M",)


def test_a_saturating_uptake_may_be_a_level_per_time_in_the_cells_volume(small: Any) -> None:
    small.swap("uptake", "1e-16 mol/s", "6 mM/h")
    found = {u.cell: u.rate for u in small.compile().uptakes if u.factor == "glucose"}
    assert found["MSC"] == pytest.approx(0.1 * 2000.0)


def test_a_mass_per_volume_becomes_molar_by_the_molar_mass(small: Any) -> None:
    term = drive(small.compile(), "CSC", "AKT").groups[0].terms[0]
    assert term.half_max == pytest.approx(0.05)


def test_traits_come_from_the_nearest_ancestor(small: Any) -> None:
    traits = {t.id: t.traits for t in small.compile().types}
    assert traits["monocyte"]["volume"] == 500.0
    assert traits["CSC"]["volume"] == 2000.0
    assert traits["bulk"]["cycle_rate"] == pytest.approx(0.6 / 1440)
    assert traits["MSC"]["migration_speed"] == pytest.approx(0.1)
    assert traits["MSC"]["cycle_rate"] == 0.0
    assert traits["MSC"]["chemotaxis.IL6"] == 0.5
    assert "chemotaxis.IL6" not in traits["CSC"]


def test_a_trait_that_cannot_be_zero_must_be_given(small: Any) -> None:
    small.swap("parameters", "cell.volume,2000,,,um^3,assumed,assumed,\n", "")
    with pytest.raises(LibraryError, match="'CSC' has no volume"):
        small.compile()


def test_rules_on_a_behaviour_that_is_zero_are_an_error(small: Any) -> None:
    small.swap("rules", "r.cycle.STAT3,tumour,STAT3,decr", "r.cycle.STAT3,cell,IL6R,decr")
    small.swap("rules", "cycle_rate,0.05 1/d", "cycle_rate,0.5 fold")
    with pytest.raises(LibraryError, match=r"cycle_rate of MSC, which is 0[\s\S]*rules.csv:3"):
        small.compile()


def test_rows_of_one_group_may_not_disagree_about_its_weight(small: Any) -> None:
    small.swap("network", "dual,0.3,,2,,", "dual,0.3,,2,1,")
    with pytest.raises(LibraryError, match="disagree about their weight"):
        small.compile()


@pytest.mark.parametrize(
    ("name", "written", "read"),
    [
        ("stem.gain", 2.5, lambda m: drive(m, "CSC", "stemness").groups[0].weight == 2.5),
        ("IL6.half_life", "2 h", lambda m: m.factors[2].decay == pytest.approx(math.log(2) / 120)),
        ("CSC.volume", "2500 um^3", lambda m: m.types[0].traits["volume"] == 2500.0),
        ("n.PPBP.half_max", 0.4, lambda m: drive(m, "MSC", "PPBP_expression")
         .groups[0].terms[0].half_max == 0.4),
        ("n.PPBP.hill", 3, lambda m: drive(m, "MSC", "PPBP_expression")
         .groups[0].terms[0].hill == 3.0),
        ("s.PPBP.rate", "40 molecules/s", lambda m: m.secretions[0].rate == 2400.0),
        ("r.recruit.limit", "5 fold", lambda m: drive(m, "vessel", "recruitment.MSC")
         .groups[0].weight == pytest.approx(math.log(5))),
    ],
)  # fmt: skip
def test_a_scenario_can_set_any_number(
    small: Any, name: str, written: str | float, read: Callable[[Model], bool]
) -> None:
    before, after = small.compile(), small.compile(parameters={name: written})
    assert not read(before)
    assert read(after)
    assert model_fingerprint(before) != model_fingerprint(after)
    assert after.library_fingerprint == before.library_fingerprint


@pytest.mark.parametrize(
    ("name", "written", "told"),
    [
        ("stem.gian", 2.5, "Did you mean 'stem.gain'"),
        ("IL6.half_life", "2 mM", "differ in kind"),
        ("IL6.half_life", 60, "has no unit"),
        ("IL6.half_life", "0 h", "cannot be"),
        ("stem.gain", "9**9**9", "read"),
        ("stem.gain", float("nan"), "not a finite number"),
        ("CSC.volume", "1 um^3", "from 50 to 20000 um^3"),
        ("n.PPBP.half_max", "0.5 nM", "differ in kind"),
        ("n.PPBP.rate", 1, "half_max, hill, weight, ref"),
        ("r.recruit.limit", "0.5 fold", "above the base value"),
        ("n.PPBP.weight", -1, "not above 0"),
    ],
)
def test_a_number_that_cannot_be_set_names_its_key(
    small: Any, name: str, written: str | float, told: str
) -> None:
    with pytest.raises(InputError) as caught:
        small.compile(parameters={name: written})
    assert told in str(caught.value)
    assert f"parameters.{name}" in caught.value.where


def test_a_trait_whose_claim_is_off_falls_back_to_the_parent(small: Any) -> None:
    model = small.compile(claims_off=("C010",))
    assert model.types[0].traits["cycle_rate"] == pytest.approx(0.6 / 1440)
    assert "CSC.cycle_rate" in rows(small.compile())
    assert "CSC.cycle_rate" not in rows(model)


def test_a_model_survives_the_trip_through_json(small: Any) -> None:
    model = small.compile(claims_off=("C002",))
    again = from_json(to_json(model))
    assert again == model
    assert model_fingerprint(again) == model_fingerprint(model)


@given(junk=st.text(max_size=60) | st.just('{"format": 1}') | st.just('{"format": 1, "x": []}'))
def test_what_is_no_model_is_a_clean_error(junk: str) -> None:
    with pytest.raises(InputError):
        from_json(junk)


def test_the_fingerprint_ignores_notes_only(small: Any) -> None:
    plain, noted = small.compile(), small.compile(claims_off=("C021",))
    assert noted.notes
    assert model_fingerprint(plain) == model_fingerprint(noted)
    assert model_fingerprint(small.compile(claims_off=("C009",))) != model_fingerprint(plain)


@given(
    level=st.floats(0, 1e6), half=st.floats(1e-6, 1e3), power=st.floats(0.5, 16), gate=st.booleans()
)
def test_a_hill_response_is_a_share(level: float, half: float, power: float, gate: bool) -> None:
    made = {"row": "r", "signal": "s", "half_max": half, "hill": power, "reference": 0.0}
    term = Term(inverted=gate, **made)  # type: ignore[arg-type]
    assert 0.0 <= response(term, level) <= 1.0
    assert response(term, half) == pytest.approx(0.5)


@pytest.mark.parametrize("cancer", BREAST)
@pytest.mark.parametrize("policy", ["generalised", "strict"])
def test_the_shipped_library_compiles_with_all_targets_at_rest(
    shipped: Library, made_up: Any, cancer: str, policy: str
) -> None:
    model = compile_model(shipped, made_up.setting(cancer, policy=policy))
    baseline = {node.id: node.baseline for node in model.nodes}
    traits = {t.id: t.traits for t in model.types}
    for found in model.drives:
        base = traits.get(found.cell, {}).get(found.target, 1.0)
        wanted = baseline[found.target] if found.kind == "node" else base
        assert value(found) == pytest.approx(wanted), found
    assert all(math.isfinite(number) for t in model.types for number in t.traits.values())


def test_every_claim_of_the_shipped_library_can_be_left_out(shipped: Library, made_up: Any) -> None:
    whole = compile_model(shipped, made_up.setting())
    claims = sorted({claim for row in whole.rows for claim in row.claims})
    for claim in claims[:: max(1, len(claims) // 12)]:
        less = compile_model(shipped, made_up.setting(claims_off=(claim,)))
        assert all(claim not in row.claims for row in less.rows)
        kept = {note.split()[5] for note in less.notes if "stays on" in note}
        carriers = {row.id for row in whole.rows if claim in row.claims}
        assert carriers & rows(less) <= kept


def with_a_vesicle(small: Any, context: str = "general") -> Any:
    """STAT3 of tumour cells travels in vesicles and acts on AKT of other tumour cells."""
    small.swap("factors", "molar_mass_kda,description", "molar_mass_kda,carries,description")
    for name in ("oxygen,,gas,mmHg,", "glucose,,metabolite,mM,0.18", "IL6,E1,soluble,nM,21"):
        small.swap("factors", f"{name},", f"{name},,")
    small.swap("factors", "PPBP,E2,soluble,nM,7.6,", "PPBP,E2,soluble,nM,7.6,,")
    small.add("factors", "STAT3_vesicle,,vesicle,nM,,STAT3,")
    for number, unit in (("diffusivity", "um^2/min"), ("half_life", "min"), ("baseline", "nM")):
        small.add("parameters", f"vesicle.{number},60,,,{unit},assumed,assumed,")
    small.add("secretion", f"s.v,tumour,STAT3_vesicle,1 molecules/s,AKT,{context},,stated,C009,,")
    small.add(
        "network",
        f"n.v,STAT3_vesicle,AKT,tumour,+1,,60 nM,,1,,,{context},,,stated,C010,,,",
    )
    small.swap("families", "id,entity,members\n", "id,entity,members\nbags,,STAT3_vesicle\n")
    small.add("uptake", "u.v,tumour,bags,first_order,2 1/min,,assumed,,assumed")
    return small


def test_a_vesicle_is_released_with_its_cargo_and_has_the_numbers_of_its_form(small: Any) -> None:
    model = with_a_vesicle(small).compile()
    vesicle = next(f for f in model.factors if f.id == "STAT3_vesicle")
    assert (vesicle.diffusivity, vesicle.carries) == (60.0, "STAT3")
    assert vesicle.decay == pytest.approx(math.log(2) / 60)
    released = [s for s in model.secretions if s.factor == "STAT3_vesicle"]
    assert {(s.node, s.cargo, s.rate) for s in released} == {("AKT", "STAT3", 60.0)}
    assert {u.cell for u in model.uptakes if u.factor == "STAT3_vesicle"} == {"CSC", "bulk"}


def test_another_cancers_vesicle_is_not_in_the_model(small: Any) -> None:
    model = with_a_vesicle(small, "colorectal").compile()
    assert "STAT3_vesicle" not in {f.id for f in model.factors} | {u.factor for u in model.uptakes}
    left_out = small.compile("colorectal", claims_off=["C009", "C010"])
    assert "STAT3_vesicle" in {f.id for f in left_out.factors}


def test_a_vesicle_carries_something(small: Any) -> None:
    with_a_vesicle(small).swap("factors", "nM,,STAT3,", "nM,,STAT33,")
    with pytest.raises(LibraryError, match="no cargo 'STAT33'"):
        small.read()
    small.swap("factors", "STAT33", "")
    with pytest.raises(LibraryError, match="vesicle without a cargo"):
        small.read()
