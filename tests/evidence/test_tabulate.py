"""The evidence on the command line: every row of every table can be shown."""

import pytest

from stemniche.core.errors import InputError, StemnicheError
from stemniche.evidence import load
from stemniche.evidence.tabulate import tabulate

EVIDENCE = load()


def shown(*names: str) -> dict[str, str]:
    columns, rows = tabulate(EVIDENCE, "show", names)
    assert columns == ["column", "value"]
    return dict(rows)


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("C257", "relation", "induces_expression"),
        ("e108", "intervention", "anti-angiogenic therapy given"),
        ("T001", "nct_number", "NCT01861054"),
        ("N037", "name", "IL6"),
        ("IL-8", "id", "N049"),
        ("OCT4", "name", "POU5F1"),
    ],
)
def test_an_id_or_a_name_shows_its_row(name: str, column: str, value: str) -> None:
    assert shown(name)[column] == value


def test_no_id_stands_in_two_tables() -> None:
    ids = [str(row["id"]) for rows in EVIDENCE.records.rows.values() for row in rows]
    assert len(set(ids)) == len(ids)
    assert all(shown(ident)["id"] == ident for ident in ids[::25])


@pytest.mark.parametrize(
    ("name", "words"),
    [("E999", "E001 \\(experiments\\)"), ("CXCL", "Did you mean"), ("", "entity")],
)
def test_what_is_nowhere_is_answered_with_a_remedy(name: str, words: str) -> None:
    with pytest.raises(StemnicheError, match=words):
        shown(name)


def test_show_needs_something_to_show() -> None:
    with pytest.raises(InputError, match="an id or a name"):
        shown()
