"""A treatment line is taken apart by its words, or refused with the line in the message."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stemniche.core.errors import InputError
from stemniche.spec.treatline import WORDS, parse_setting, parse_treat_line
from stemniche.spec.treatment import FORMS
from stemniche.spec.yamlfile import Mark


@pytest.mark.parametrize(
    ("line", "mapping"),
    [
        ("block CXCR4", {"block": "CXCR4"}),
        ("  block   CXCR4\t0.9 ", {"block": "CXCR4", "fraction": 0.9}),
        ("drug 5-FU 80mg/m^2", {"drug": "5-FU", "dose": "80mg/m^2"}),
        ("deplete cancer stem cell 0.5", {"deplete": "cancer stem cell", "fraction": 0.5}),
        ("inhibit let-7 in non-CSC", {"inhibit": "let-7", "in": "non-CSC"}),
        ("add IL6 .5 nM", {"add": "IL6", "concentration": ".5 nM"}),
        ("add IL6 1e-3 nM", {"add": "IL6", "concentration": "1e-3 nM"}),
        ("set environment.oxygen 20 mmHg", {"set": "environment.oxygen", "to": "20 mmHg"}),
        ("block A until x > 3 and y < 2", {"block": "A", "until": "x > 3 and y < 2"}),
        ("drug a cycle 5 d 2 d", {"drug": "a", "cycle": ["5 d", "2 d"]}),
        ("drug a cycle 5d, 2d", {"drug": "a", "cycle": ["5d", "2d"]}),
    ],
)
def test_a_line_becomes_the_mapping_of_a_file(line: str, mapping: dict[str, object]) -> None:
    assert parse_treat_line(line).plain == mapping


@pytest.mark.parametrize(
    ("line", "what", "mend"),
    [
        ("", "empty", "drug paclitaxel"),
        ("   ", "empty", "drug paclitaxel"),
        ("drugg paclitaxel", "'drugg' is no intervention", "'drug'"),
        ("sort CD44_high", "cannot be written in a line", "file"),
        ("80 mg/m^2", "'80' is no intervention", "Start with"),
        ("block", "What to block is missing", "Write it as in"),
        ("block from 3 d", "What to block is missing", "Write it as in"),
        ("block CXCR4 from", "'from' has no value", "Write it as in"),
        ("block CXCR4 from until 3 d", "'from' has no value", "Write it as in"),
        ("block CXCR4 every 3 d", "'every' does not fit 'block'", "Words of 'block'"),
        ("block CXCR4 from 3 d from 4 d", "'from' of 'block' is given twice", "Keep one"),
        ("block CXCR4 0.9 fraction 0.8", "'fraction' of 'block' is given twice", "Keep one"),
        ("knock_out IL6 0.9", "takes no number", "Leave it out"),
        ("without_claim C257 from 3 d", "does not fit", "takes no words"),
        ("block CXCR4 in [CSC", "not YAML", "Correct"),
        ("block " + "x" * 600, "606 characters", "500"),
    ],
)
def test_a_bad_line_is_answered_with_the_line_and_a_remedy(line: str, what: str, mend: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_treat_line(line)
    assert what in caught.value.what
    assert mend in caught.value.mend
    assert caught.value.where.startswith("--treat '")


def test_a_line_in_a_file_is_blamed_on_its_place_there() -> None:
    with pytest.raises(InputError) as caught:
        parse_treat_line("blok CXCR4", mark=Mark("case.yaml", 12))
    assert caught.value.where == "case.yaml:12"


@given(st.text(max_size=80))
def test_any_text_gives_a_mapping_or_a_clean_error(text: str) -> None:
    for read in (parse_treat_line, parse_setting):
        with contextlib.suppress(InputError):
            read(text)


TOKENS = st.sampled_from(
    [*FORMS, *WORDS, "CXCR4", "IL6", "0.9", "7", "d", "5 d", "[", "{", "<", "-"]
)


@given(st.lists(TOKENS, max_size=12).map(" ".join))
def test_any_row_of_words_gives_a_mapping_or_a_clean_error(text: str) -> None:
    try:
        found = parse_treat_line(text).plain
    except InputError:
        return
    key = next(iter(found))
    assert set(found) <= {key, *FORMS[key].words}
