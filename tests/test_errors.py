"""Every expected failure is one family, and says in one line what to do."""

from __future__ import annotations

import pytest

from anontui import errors
from anontui.errors import AnonTUIError, CallRefused, ServerError, ServerUnreachable


@pytest.mark.parametrize(
    ("message", "cause", "advice", "sentence"),
    [
        ("It broke", "", "", "It broke."),
        ("It broke.", "", "", "It broke."),
        ("It broke", "errno 5.", "", "It broke (errno 5)."),
        ("It broke", "", "Try again.", "It broke. Try again."),
        ("It broke", "errno 5", "Try again.", "It broke (errno 5). Try again."),
    ],
)
def test_message_cause_and_advice_make_one_sentence(
    message: str, cause: str, advice: str, sentence: str
) -> None:
    error = AnonTUIError(message, cause=cause, advice=advice)
    assert error.sentence() == sentence
    assert str(error) == message


def test_all_are_one_family() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert len(kinds) > 10
    assert all(issubclass(kind, AnonTUIError) for kind in kinds)


def test_trouble_with_a_server_is_a_server_error() -> None:
    unreachable = ServerUnreachable("Gone", advice="Wait.", may_have_arrived=True)
    refused = CallRefused("No", errors={"job_id": "unknown"})
    assert isinstance(unreachable, ServerError)
    assert unreachable.may_have_arrived
    assert not ServerUnreachable("Gone").may_have_arrived
    assert isinstance(refused, ServerError)
    assert refused.errors == {"job_id": "unknown"}
