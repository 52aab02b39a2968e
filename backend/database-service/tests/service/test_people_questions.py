"""Every question about people is answered, and checked before the store sees it."""

import pytest

from contracts import people
from database_service.adapters.postgres_people_store import _WORK
from database_service.people_routes import methods
from kit.errors import AnswerFault


def test_every_question_about_people_has_its_work():
    assert {method.name for method in methods()} == set(_WORK)
    assert all(method.name in _WORK for method in vars(people).values() if hasattr(method, "question"))


async def test_a_question_reaches_the_store_as_it_was_asked(app):
    question = people.UserChange("default", "u1", disabled=True)
    assert (await app.bus.ask(people.USER_CHANGE, question)).done
    assert app.ledger.people.asked == [("users.change", question)]


@pytest.mark.parametrize(
    "question",
    [
        people.UserChange("No Tenant", "u1"),
        people.UserChange("default", "u\0"),
        people.UserChange("default", "u1", not_before_ms=-1),
        people.UserChange("default", "u1", totp_secret=b"x" * 20_000),
    ],
)
async def test_a_question_that_no_store_can_hold_is_refused_in_words(app, question):
    with pytest.raises(AnswerFault) as fault:
        await app.bus.ask(people.USER_CHANGE, question)
    assert fault.value.code == "bad_request"
    assert app.ledger.people.asked == []
