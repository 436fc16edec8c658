"""The tables as shipped: complete, consistent, and read without loss."""

from collections import defaultdict

from stemniche.core.identity import fingerprint_files
from stemniche.evidence.records import LISTS, TABLES, folder, read, rows_of, table_files

RECORDS = read()


def test_the_tables_are_those_that_were_given() -> None:
    assert fingerprint_files(table_files()) == "b6eee0563a95"


def test_every_table_is_read_whole() -> None:
    assert {name: len(RECORDS.rows[name]) for name in TABLES} == {
        "claims": 915, "experiments": 121, "entities": 512, "therapies": 77, "mirna_table1": 24,
        "fda_drugs_table2": 22, "trials_table3": 35,
    }  # fmt: skip


def test_splitting_lists_loses_no_text() -> None:
    for name in TABLES:
        for raw, row in zip(rows_of(folder() / f"{name}.csv"), RECORDS.rows[name], strict=True):
            for column, cell in row.items():
                text = ";".join(cell) if column in LISTS[name] else cell
                assert text == raw[column].replace("; ", ";" if column in LISTS[name] else "; ")


def test_closed_columns_use_the_words_of_the_readme() -> None:
    words = RECORDS.vocabulary
    for claim in RECORDS.claims.values():
        for column in ("relation", "kind", "sign", "level", "basis"):
            assert getattr(claim, column) in words[column], claim.id
        assert claim.sign in words["relation"][claim.relation][1].split(), claim.id
    assert {entity.kind for entity in RECORDS.entities.values()} <= set(words["class"])


def test_names_and_ids_of_a_claim_say_the_same() -> None:
    for claim in RECORDS.claims.values():
        assert claim.object_norm == tuple(RECORDS.entities[i].name for i in claim.object_ids)


def test_a_group_of_near_duplicates_is_named_by_its_first_claim() -> None:
    groups = defaultdict(list)
    for claim in RECORDS.claims.values():
        if claim.same_as:
            groups[claim.same_as].append(claim.id)
    assert all(first == min(members) for first, members in groups.items())
    assert all(len(members) > 1 for members in groups.values())
    assert sum(claim.is_first for claim in RECORDS.claims.values()) == 915 - sum(
        len(members) - 1 for members in groups.values()
    )


def test_joint_claims_have_several_subjects() -> None:
    joint = [claim for claim in RECORDS.claims.values() if claim.acts_jointly]
    assert joint
    assert all(len(claim.subject_ids) > 1 for claim in joint)


def test_a_state_is_a_state_of_a_known_entity() -> None:
    for entity in RECORDS.entities.values():
        base, _, state = entity.state_of.partition(":")
        assert not entity.state_of or (base in RECORDS.entities and state), entity.id
