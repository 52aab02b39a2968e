"""Every text of the JSON corpus at the one reader of bodies, and at three bodies of the running gateway."""

import asyncio
import json
from collections.abc import Callable

import pytest
from json_corpus import corpus, is_json
from town import Town

from api_gateway.domain.strict_json import MALFORMED, NO_NUMBER, NO_TEXT, TOO_DEEP, TWICE, body_fault

Counted = Callable[[int, int], None]
REASONS = {refusal.reason for refusal in (MALFORMED, NO_NUMBER, NO_TEXT, TOO_DEEP, TWICE)}
BODIES = ("/api/v1/commands", "/api/v1/api-keys", "/api/v1/session/step-up")
LEAST = 350


def wanted(text: bytes, stricter: bool) -> bool:
    return is_json(text) and not stricter


def test_W26_W27_W28_W29_the_reader_takes_what_is_json_with_one_meaning_and_nothing_else(counted: Counted) -> None:
    cases = corpus()
    wrong = [name for name, text, stricter in cases if (body_fault(text) is None) is not wanted(text, stricter)]
    assert wrong == []
    taken = sum(wanted(text, stricter) for _, text, stricter in cases)
    assert taken > 80, "a reader that refuses everything would pass otherwise"
    counted(len(cases), LEAST)


@pytest.mark.parametrize("path", BODIES)
async def test_W26_W27_W28_W29_the_same_is_refused_by_a_body_of_the_gateway(
    town: Town, path: str, counted: Counted
) -> None:
    alice, wire, tried = town.person("alice"), town.gateway(), 0
    for name, text, stricter in corpus():
        if not text:
            continue  # no body at all is another question
        head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {alice.token}"]
        head += ["Content-Type: application/json", f"Content-Length: {len(text)}", "Idempotency-Key: json-corpus"]
        answer = await wire.ask("\r\n".join(head).encode() + b"\r\n\r\n" + text)
        assert 400 <= answer.status < 500, (name, answer.status)
        told = json.loads(answer.body)
        said = told.get("detail") or told.get("reason") or ""
        assert (said in REASONS) is not wanted(text, stricter), (name, answer.status, said)
        tried += 1
    await wire.close()
    await asyncio.sleep(0)
    counted(tried, LEAST)
