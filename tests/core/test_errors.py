"""Errors are part of the interface, so their words are tested."""

import pickle

import pytest

from stemniche.core import errors


@pytest.mark.parametrize(
    "kind",
    [getattr(errors, name) for name in dir(errors) if name.endswith(("Error", "Extra"))],
)
def test_an_error_survives_the_trip_between_workers(kind: type[errors.StemnicheError]) -> None:
    sent = kind("what", "where", "mend")
    received = pickle.loads(pickle.dumps(sent))  # noqa: S301
    assert type(received) is kind
    assert str(received) == "what\n  where: where\n  mend:  mend"


def test_the_users_mistakes_exit_with_two_and_guards_with_three() -> None:
    assert errors.UnitError("", "", "").exit_code == 2
    assert errors.EvidenceError("", "", "").exit_code == 2
    assert errors.LibraryError("", "", "").exit_code == 2
    assert errors.GuardError("", "", "").exit_code == 3
