"""Each intervention is one frozen record, read alike from a mapping and from a line."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stemniche.core.errors import InputError
from stemniche.core.names import fold
from stemniche.evidence import load
from stemniche.spec import interventions as iv
from stemniche.spec.itemparts import Setting
from stemniche.spec.nametables import library_names
from stemniche.spec.reading import Field
from stemniche.spec.treatline import WORDS, parse_treat_line
from stemniche.spec.treatment import FORMS, YAML_ONLY, read_intervention
from stemniche.spec.yamlfile import Mark, node_from

DAY = 1440.0


def setting(**changes: Any) -> Setting:
    host: dict[str, Any] = {"mass": 70.0, "bsa": 1.8, "flat": True, "distant": True}
    return Setting(names=library_names(), **(host | changes))


def read(item: object, **changes: Any) -> Any:
    node = node_from(item, Mark("case.yaml", 5))
    return read_intervention(Field("therapy.0", node), setting(**changes))


def read_line(text: str) -> Any:
    return read_intervention(Field("therapy.0", parse_treat_line(text)), setting())


# One line and one mapping for every key, and for every word that a key takes.
PAIRS: list[tuple[str, dict[str, Any]]] = [
    (
        "drug paclitaxel 80 mg/m^2 every 7 d from 7 d",
        {"drug": "paclitaxel", "dose": "80 mg/m^2", "every": "7 d", "from": "7 d"},
    ),
    (
        "drug Taxol dose 100 mg doses 3 every 168 h over 3 h loading 150 mg route iv until 60 d",
        {
            "drug": "paclitaxel",
            "dose": "100 mg",
            "doses": 3,
            "every": "7 d",
            "over": "180 min",
            "loading": "150 mg",
            "route": "iv",
            "until": "60 d",
        },
    ),
    (
        "drug paclitaxel every 7 d pause tumour_cells < 500 resume tumour_cells > 1000",
        {
            "drug": "paclitaxel",
            "every": "7 d",
            "pause": "tumour_cells < 500",
            "resume": "tumour_cells > 1000",
        },
    ),
    ("drug paclitaxel cycle 5 d 2 d", {"drug": "paclitaxel", "cycle": ["5 d", "2 d"]}),
    ("neutralise IL-6 0.8 from 1 d", {"neutralise": "IL6", "fraction": 0.8, "from": "1 d"}),
    ("neutralise interleukin-6 80 %", {"neutralise": "IL6", "fraction": 0.8}),
    ("block CXCR4 0.9 from 3 d", {"block": "CXCR4", "fraction": 0.9, "from": "3 d"}),
    ("block CXCR4 in CSC,progenitor", {"block": "CXCR4", "in": ["CSC", "progenitor"]}),
    ("inhibit STAT3 0.5 in CAF", {"inhibit": "STAT3", "fraction": 0.5, "in": "CAF"}),
    ("inhibit HIF fraction 0.5", {"inhibit": "HIF", "fraction": "50 %"}),
    ("overexpress MIR155 4 in CSC", {"overexpress": "miR-155", "fold": 4, "in": "CSC"}),
    ("overexpress IL6 fold 20", {"overexpress": "IL6", "fold": "20 fold"}),
    ("knock_out IL6 in CSC from birth", {"knock_out": "IL6", "in": "CSC", "from": "birth"}),
    (
        "silence secretome in CAF from 1 d",
        {"silence": "secretome", "in": "CAF", "from": "1 d"},
    ),
    (
        "release_block vesicles 0.8 in CSC",
        {"release_block": "vesicles", "fraction": 0.8, "in": "CSC"},
    ),
    ("uptake_block vesicles from 2 d", {"uptake_block": "vesicles", "from": "2 d"}),
    ("add IL6 0.5 nM from 2 d", {"add": "IL6", "concentration": "0.5 nM", "from": "2 d"}),
    ("add IL6 10.5 ng/mL", {"add": "IL6", "concentration": "0.5 nM"}),
    (
        "add CXCL12 concentration 2 nM where primary cycle [1 d, 1 d]",
        {"add": "SDF-1", "concentration": "2 nM", "cycle": ["24 h", "1 d"]},
    ),
    (
        "add CXCL12 2 nM where {gradient: x}",
        {"add": "CXCL12", "concentration": "2 nM", "where": {"gradient": "x"}},
    ),
    (
        "add CXCL12 2 nM where distant",
        {"add": "CXCL12", "concentration": "2 nM", "where": "distant"},
    ),
    (
        "inject CSC 1000 route distant from 1 d every 2 d doses 3 until 9 d",
        {
            "inject": "CSC",
            "cells": 1000,
            "route": "distant",
            "from": "1 d",
            "every": "2 d",
            "doses": 3,
            "until": "9 d",
        },
    ),
    ("inject progenitor cells 10", {"inject": "progenitor", "cells": 10}),
    (
        "deplete M2 0.9 from 3 d every 2 d",
        {"deplete": "M2", "fraction": 0.9, "from": "3 d", "every": "2 d"},
    ),
    (
        "transfer CD8 cells 50 from 2 d every 1 d doses 3 until 9 d",
        {
            "transfer": "CD8",
            "cells": 50,
            "from": "2 d",
            "every": "1 d",
            "doses": 3,
            "until": "9 d",
        },
    ),
    (
        "radiation 2 Gy every 1 d doses 30 cycle 5 d 2 d from 3 d",
        {
            "radiation": "2 Gy",
            "every": "1 d",
            "doses": 30,
            "cycle": ["5 d", "2 d"],
            "from": "3 d",
        },
    ),
    (
        "deplete TAM 0.5 every 2 d doses 3",
        {"deplete": "TAMs", "fraction": 0.5, "every": "2 d", "doses": 3},
    ),
    (
        "set environment.oxygen to 20 mmHg from 5 d until hypoxic_fraction > 0.3",
        {
            "set": "environment.oxygen",
            "to": "20 mmHg",
            "from": "5 d",
            "until": "hypoxic_fraction  >  0.3",
        },
    ),
    ("set environment.pH 7", {"set": "environment.pH", "to": 7.0}),
    ("without_claim C257", {"without_claim": "C257"}),
]


@pytest.mark.parametrize(("line", "mapping"), PAIRS, ids=[line for line, _ in PAIRS])
def test_line_and_mapping_give_equal_records(line: str, mapping: dict[str, Any]) -> None:
    assert read_line(line) == read(mapping)


@pytest.mark.parametrize(("line", "_"), PAIRS, ids=[line for line, _ in PAIRS])
def test_a_record_is_written_as_a_line_that_gives_it_back(line: str, _: object) -> None:
    record = read_line(line)
    assert read_line(str(record)) == record


def test_the_pairs_cover_every_key_and_word() -> None:
    in_lines = {key: form for key, form in FORMS.items() if key not in YAML_ONLY}
    assert {next(iter(mapping)) for _, mapping in PAIRS} == set(in_lines)
    words = {word for line, _ in PAIRS for word in line.split() if word in WORDS}
    assert {word for form in in_lines.values() for word in form.words} <= words
    assert set(WORDS) == words


def test_times_and_amounts_are_in_engine_units() -> None:
    drug = read_line("drug paclitaxel 80 mg/m^2 every 7 d from 36 h over 3 h")
    assert (drug.start, drug.every, drug.over) == (1.5 * DAY, 7 * DAY, 180.0)
    assert drug.dose == iv.Dose(80.0, "mg/m^2", 144.0)
    assert read({"drug": "paclitaxel", "dose": "10 mg/kg"}, mass=0.025).dose.total == 0.25
    assert read({"drug": "paclitaxel", "dose": "0.2 g"}).dose == iv.Dose(200.0, "mg", 200.0)
    assert read({"add": "glucose", "concentration": "9 mM"}).unit == "mM"
    assert read({"add": "oxygen", "concentration": "1 kPa"}).concentration == pytest.approx(7.50062)


def test_what_is_not_said_has_one_meaning() -> None:
    assert read({"block": "CXCR4"}) == iv.Block(targets=("CXCR4",), fraction=0.9)
    assert read({"overexpress": "MYC"}).fold == 10.0
    assert read({"drug": "paclitaxel"}) == iv.GiveDrug(drug="paclitaxel")
    assert (read({"block": "CXCR4"}).start, read({"block": "CXCR4"}).until) == (0.0, None)


def test_vessels_are_told_what_to_be_like() -> None:
    found = read({"vessels": {"pericytes": 1.5, "normalise": 0.8}, "from": "2 d"})
    assert found == iv.Vessels(pericytes=1.5, normalise=0.8, start=2 * DAY)
    assert str(found) == "vessels {pericytes: 1.5, normalise: 0.8} from 2 d"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("factor.CXCL7 > 1", "factor.PPBP > 1"),
        ("cells.CD133_high > 2 * cells.CD44_high", "cells.PROM1_high > 2 * cells.CD44_high"),
        ("node.Notch1.CSC < node.NOTCH1.CSC", "node.NOTCH1.CSC < node.NOTCH1.CSC"),
        ("csc_fraction > 0.1", "csc_fraction > 0.1"),
    ],
)
def test_conditions_name_measures_in_any_spelling(written: str, meant: str) -> None:
    condition = read({"block": "CXCR4", "until": written}).until
    assert condition == read({"block": "CXCR4", "until": meant}).until
    assert condition.text == meant


def test_families_and_groups_stand_for_their_members() -> None:
    assert read({"inhibit": "HIF"}).targets == ("HIF1A", "EPAS1")
    assert read({"deplete": "TAM"}).cells == ("M1", "M2")
    assert read({"knock_out": "IL6", "in": "tumour"}).cells == (
        "CSC",
        "progenitor",
        "differentiated",
    )


def test_the_order_in_which_cells_are_named_does_not_matter() -> None:
    assert read({"block": "CXCR4", "in": ["progenitor", "CSC"]}) == read(
        {"block": "CXCR4", "in": ["CSC", "progenitor", "CSC"]}
    )


def test_times_snap_to_the_tick_with_a_note() -> None:
    here = setting()
    item = node_from({"block": "CXCR4", "from": "100 min", "until": "2.0001 d"}, Mark("f.yaml", 3))
    record = read_intervention(Field("therapy.0", item), here)
    assert (record.start, record.until) == (102.0, 2880.0)
    assert len(here.notes) == 2
    assert "therapy.0.from" in here.notes[0]
    assert "f.yaml:3" in here.notes[0]


@given(st.floats(0.0, 3000.0))
def test_every_time_lands_on_the_tick_nearest_to_it(days: float) -> None:
    start = read({"block": "CXCR4", "from": f"{days:.9f} d"}).start
    assert math.isclose(start % 6.0, 0.0, abs_tol=1e-6)
    assert abs(start - days * DAY) <= 3.0 + 1e-6


@given(
    st.sampled_from([line for line, _ in PAIRS if line.split()[0] not in ("without_claim", "set")]),
    st.integers(0, 400).map(lambda ticks: ticks * 6),
)
def test_any_start_survives_being_written(line: str, minutes: int) -> None:
    if " from " in line or " until " in line:
        return
    record = read_line(f"{line} from {minutes} min")
    assert record.start == minutes
    assert read_line(str(record)) == record


@pytest.mark.parametrize(
    "item",
    [
        {"inject": "CSC", "cells": 5},
        {"add": "IL6", "concentration": "1 nM", "where": "distant"},
        {"radiation": "2 Gy", "where": "distant"},
    ],
)
def test_without_a_distant_organ_nothing_reaches_it(item: dict[str, object]) -> None:
    with pytest.raises(InputError, match="no distant organ") as caught:
        read(item, distant=False)
    assert "distant_site: true" in caught.value.mend


@pytest.mark.parametrize(
    ("kind", "text", "ids"),
    [
        ("factor", "TGF-beta", {"TGFB1"}),
        ("factor", "TGFβ1", {"TGFB1"}),
        ("factor", "TNF-α", {"TNF"}),
        ("factor", "VEGF-A", {"VEGFA"}),
        ("factor", "chemokines", {"CXCL8", "PPBP", "CXCL12", "CCL2", "CCL5", "CCL9"}),
        ("node", "HIF-1α", {"HIF1A"}),
        ("node", "NF-kappaB", {"NFKB"}),
        ("node", "hsa-miR-21-5p", {"MIR21"}),
        ("node", "mTOR", {"AKT"}),
        ("receptor", "IL-6R", {"IL6R"}),
        ("drug", "BEZ235", {"dactolisib"}),
        ("drug", "Talimogene laherparepvec (T-VEC)", {"talimogene_laherparepvec"}),
        ("drug", "anti-CTLA-4 antibody", {"ipilimumab"}),
        ("drug", "FGFR3 inhibitors", None),
        ("drug", "CCL2 or CCR2 blockade", {"carlumab", "pf_04136309", "bms_813160"}),
        ("cell", "glioma CSCs", {"CSC"}),
        ("cancer", "metastatic gastric cancer", {"gastric"}),
    ],
)
def test_names_are_read_as_people_write_them(kind: Any, text: str, ids: set[str] | None) -> None:
    found = set(library_names().resolve(kind, text))
    assert found == ids if ids is not None else "erdafitinib" in found


def test_every_treatment_that_the_evidence_names_is_a_drug_or_says_what_to_write() -> None:
    names = library_names()
    unknown = [
        text
        for entity in load().records.entities.values()
        if entity.kind in ("drug", "therapy")
        for text in (entity.name, *entity.spellings)
        if not names.resolve("drug", text) and fold(text) not in names.elsewhere
    ]
    assert not unknown


WRONG: list[tuple[dict[str, Any], str, str, str]] = [
    ({"drug": "paclitaxle"}, "drug", "no drug", "'paclitaxel'"),
    ({"drug": "Hedgehog inhibitors"}, "drug", "stands for several: ", "Name one"),
    ({"drug": "anti-PD-1"}, "drug", "several: pembrolizumab, nivolumab", "Name one"),
    ({"drug": "anti-VEGF"}, "drug", "several: bevacizumab, aflibercept", "Name one"),
    ({"drug": "ADT"}, "drug", "several: abiraterone, enzalutamide", "Name one"),
    ({"drug": "checkpoint inhibitor"}, "drug", "several: pembrolizumab", "Name one"),
    ({"drug": "EGFR TKI"}, "drug", "several: erlotinib, gefitinib", "Name one"),
    ({"drug": "docetaxel; cisplatin"}, "drug", "no drug", "each as an item of its own"),
    ({"drug": "anastrozole or letrozole"}, "drug", "no drug", "each as an item of its own"),
    ({"drug": "VEGFA"}, "drug", "no drug", "bevacizumab, aflibercept, or use 'neutralise"),
    ({"drug": "PARP inhibitor"}, "drug", "no drug", "stemniche drugs"),
    ({"drug": "herceptine"}, "drug", "no drug", "'herceptin'"),
    ({"drug": "anti-angiogenic therapy (class)"}, "drug", "no drug", "bevacizumab"),
    ({"drug": "radiotherapy"}, "drug", "no drug", "radiation: 2 Gy"),
    ({"drug": "hyperthermia"}, "drug", "no drug", "neutralise: COL1A1"),
    ({"drug": "Treg depletion"}, "drug", "no drug", "deplete: Treg"),
    ({"block": "PDGFRA"}, "block", "no receptor of this version", "neutralise: PDGFB"),
    ({"block": "CTLA4"}, "block", "no receptor of this version", "drug: ipilimumab"),
    ({"knock_out": "p53"}, "knock_out", "no node or factor", "genotype: {TP53"),
    ({"neutralise": "CSF1"}, "neutralise", "no factor", "CSF2"),
    ({"drug": "paclitaxel", "dose": "80"}, "dose", "no dose", "mg/m^2"),
    ({"drug": "paclitaxel", "dose": "80 mgg"}, "dose", "'mgg'", "mg/m^2"),
    ({"drug": "paclitaxel", "dose": "-1 mg"}, "dose", "outside", "0 to"),
    ({"drug": "paclitaxel", "dose": "2 Gy"}, "dose", "no dose", "mg"),
    ({"drug": "paclitaxel", "doses": 0}, "doses", "outside", "1 to"),
    ({"drug": "paclitaxel", "every": "1 s"}, "every", "outside", "6 to"),
    ({"drug": "paclitaxel", "route": "nose"}, "route", "'nose'", "iv"),
    ({"drug": "paclitaxel", "fraction": 0.5}, "fraction", "no key", "Keys here"),
    ({"drug": ["paclitaxel"]}, "drug", "a list", "word"),
    ({"neutralise": "CXCR4"}, "neutralise", "no factor", "use 'block'"),
    ({"block": "IL6"}, "block", "no receptor", "use 'neutralise'"),
    ({"block": "STAT3"}, "block", "no receptor", "use 'inhibit'"),
    ({"block": "CXCR4", "fraction": 1}, "fraction", "outside", "0.999"),
    ({"block": "CXCR4", "fraction": "nan"}, "fraction", "'nan'", "Write"),
    ({"block": "CXCR4", "fraction": True}, "fraction", "true/false", "number"),
    ({"block": "CXCR4", "in": "hepatocyte"}, "in", "known to the evidence", "CSC"),
    ({"block": "CXCR4", "in": []}, "in", "empty", "at least one"),
    ({"block": "CXCR4", "from": 7}, "from", "no unit", "7 d"),
    ({"block": "CXCR4", "from": "-1 d"}, "from", "outside", "0 to"),
    ({"block": "CXCR4", "from": "3 d", "until": "2 d"}, "until", "not after", "later"),
    ({"block": "CXCR4", "until": "csc_fractoin > 1"}, "until", "no measure", "csc_fraction"),
    ({"block": "CXCR4", "until": "never"}, "until", "never", "Write"),
    ({"block": "CXCR4", "cycle": "5 d"}, "cycle", "no cycle", "[5 d, 2 d]"),
    ({"overexpress": "MYC", "fold": 0}, "fold", "outside", "1e-06"),
    ({"overexpress": "MYC", "fraction": 0.5}, "fraction", "no key", "fold"),
    ({"knock_out": "XYZ9"}, "knock_out", "no node or factor", ""),
    ({"silence": "secretome"}, "", "not said", "in: CAF"),
    ({"silence": "IL6", "in": "CAF"}, "silence", "'IL6'", "secretome"),
    ({"add": "IL6"}, "", "'concentration' is missing", "Add"),
    ({"add": "IL6", "concentration": "5 mmHg"}, "concentration", "5 mmHg", "nM"),
    ({"inject": "CD8", "cells": 5}, "inject", "no tumour cell", "transfer"),
    ({"inject": "CSC", "cells": 5, "route": "iv"}, "route", "'iv'", "circulation"),
    ({"inject": "CSC"}, "", "'cells' is missing", "Add"),
    ({"inject": "CSC", "cells": 5, "doses": 2}, "doses", "how often", "every"),
    (
        {"add": "IL6", "concentration": "1 nM", "where": {"gradient": "z"}},
        "where.gradient",
        "'z'",
        "x, y",
    ),
    ({"add": "IL6", "concentration": "1 nM", "where": "here"}, "where", "no place", "gradient"),
    ({"sort": "CD44_high"}, "sort", "CD44_high", "gate"),
    ({"sort": {"gate": "XYZ_high"}}, "sort.gate", "no marker", "CD44"),
    ({"sort": {"gate": "CD44"}}, "sort.gate", "not a cell type", "CSC"),
    ({"vessels": {}}, "vessels", "Nothing", "pericytes"),
    ({"vessels": {"pericites": 2}}, "vessels.pericites", "pericites", "pericytes"),
    ({"vessels": {"normalise": 1.5}}, "vessels.normalise", "1.5", "1"),
    ({"transfer": "CD8"}, "", "'cells' is missing", "Add"),
    ({"transfer": "T_cell", "cells": 5}, "transfer", "several", "Name one"),
    ({"transfer": "CD8", "cells": 5, "doses": 2}, "doses", "how often", "every"),
    ({"radiation": "2 Gy", "doses": 2}, "doses", "how often", "every"),
    ({"radiation": "-2 Gy"}, "radiation", "-2 Gy", "0"),
    ({"radiation": 2}, "radiation", "", "Gy"),
    ({"deplete": "M2", "doses": 3}, "doses", "how often", "every"),
    ({"set": "environment.oxigen", "to": 1}, "set", "cannot change", "environment.oxygen"),
    ({"set": "environment.oxygen", "to": "20 nM"}, "to", "20 nM", "mmHg"),
    ({"set": "environment.oxygen"}, "", "'to' is missing", "Add"),
    ({"without_claim": "C257", "from": "3 d"}, "from", "no key", "Keys here"),
    ({"without_claim": "C9999"}, "without_claim", "no claim", ""),
    ({"drug": "paclitaxel", "block": "CXCR4"}, "", "2 interventions", "own item"),
    ({"route": "iv"}, "", "no intervention", "Start with"),
    ({}, "", "no intervention", "Start with"),
]


@pytest.mark.parametrize(("item", "key", "what", "mend"), WRONG, ids=[str(w[0]) for w in WRONG])
def test_a_wrong_item_is_answered_with_line_key_value_and_remedy(
    item: dict[str, Any], key: str, what: str, mend: str
) -> None:
    with pytest.raises(InputError) as caught:
        read(item)
    error = caught.value
    assert error.where == f"case.yaml:5, key therapy.0{'.' + key if key else ''}"
    assert what in error.what
    assert mend in error.mend
    assert error.mend


def test_a_gradient_through_a_block_may_point_along_z() -> None:
    item = {"add": "IL6", "concentration": "1 nM", "where": {"gradient": "z"}}
    assert read(item, flat=False).where == "z"
