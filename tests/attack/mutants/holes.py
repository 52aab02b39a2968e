"""The holes: where a check stands, what is left when it is gone, and who must notice."""

from mutants.planting import Hole

TOKENS = "kit/src/kit/tokens.py"
GATEWAY = "backend/api-gateway/src/api_gateway"
SERVED = "backend/api-gateway/tests/service"
STORE = "backend/database-service/src/database_service"
LEDGER_TESTS = "backend/database-service/tests/integration/test_ledger.py"
CONNECTOR = "client/metatrader-connector/src/metatrader_connector"
SIGNALS = "client/security/src/client_security/domain/verification.py"
TRUST_TESTS = "client/security/tests/unit/test_trust.py"


def _hole(name: str, file: str, before: str, after: str, *caught_by: str) -> Hole:
    return Hole(name, file, ((before, after),), caught_by)


def _token(name: str, before: str, after: str = "if False:") -> Hole:
    return _hole(name, TOKENS, before, after, "tests/attack/test_tokens.py")


_UNSIGNED = """except (JoseError, ValueError):
        verified = jws.extract_compact(token.encode())
    if False:
        raise TokenRefused("bad_signature", "the"""

TOKEN_HOLES = (
    _token("the audience of a token", "if claims.aud != audience:"),
    _token("the issuer of a token", "if claims.iss != ISSUER:"),
    _token("the kind of a token", 'if header.get("typ") != kind:'),
    _token("how long a token may live", "if claims.exp - claims.iat > max_life_s:"),
    _token("whether a token has expired", "if claims.exp <= now_s:"),
    _token("whether a token was issued in the future", "if claims.iat > now_s + CLOCK_SKEW_S:"),
    _token("whether a token is valid already", "if not _begun(", "if False and not _begun("),
    _token("claims that stand twice", "if len(found) != len(pairs):"),
    _token("what a header may hold", "if header.keys() != HEADER:"),
    _token(
        "the signature of a token",
        'except (JoseError, ValueError):\n        raise TokenRefused("bad_signature", "the',
        _UNSIGNED,
    ),
)

GATEWAY_HOLES = (
    _hole(
        "the role that a command needs",
        f"{GATEWAY}/domain/access.py",
        '("POST", "/api/v1/commands"): Needs.TRADER',
        '("POST", "/api/v1/commands"): Needs.VIEWER',
        "tests/attack/test_roles.py",
    ),
    _hole(
        "whose account is asked about",
        f"{GATEWAY}/routes/market.py",
        "if account and account not in",
        "if False and account not in",
        f"{SERVED}/test_routes.py::test_another_tenants_account_is_the_same_as_none",
    ),
    _hole(
        "the CSRF token",
        f"{GATEWAY}/domain/access.py",
        "return None if fits else CSRF_REFUSED",
        "return None",
        f"{SERVED}/test_sign_in.py::test_changes_by_cookie_need_the_csrf_token_and_our_origin",
    ),
    _hole(
        "the Origin of a WebSocket",
        f"{GATEWAY}/domain/access.py",
        "if changes and knock.origin and not ours(",
        "if knock.method != SOCKET and changes and knock.origin and not ours(",
        f"{SERVED}/test_stream.py::test_strangers_and_foreign_pages_get_no_stream",
    ),
    _hole(
        "the Content-Security-Policy of answers",
        f"{GATEWAY}/routes/door.py",
        'headers.append((b"content-security-policy", API_POLICY))',
        "pass",
        f"{SERVED}/test_routes.py::test_every_answer_has_the_security_headers",
    ),
    _hole(
        "that nobody may frame a page",
        f"{GATEWAY}/routes/door.py",
        '(b"x-frame-options", b"DENY"),',
        "",
        f"{SERVED}/test_routes.py::test_every_answer_has_the_security_headers",
    ),
    _hole(
        "HttpOnly of the cookie",
        f"{GATEWAY}/routes/session.py",
        "; HttpOnly",
        "",
        f"{SERVED}/test_sign_in.py::test_the_cookie_is_out_of_reach_of_scripts_and_other_sites",
    ),
    _hole(
        "SameSite of the cookie",
        f"{GATEWAY}/routes/session.py",
        "; SameSite=Strict",
        "",
        f"{SERVED}/test_sign_in.py::test_the_cookie_is_out_of_reach_of_scripts_and_other_sites",
    ),
    _hole(
        "how many sign-ins a minute",
        f"{GATEWAY}/domain/limits.py",
        "if len(times) >= self.per_minute:",
        "if False:",
        f"{SERVED}/test_sign_in.py::test_the_eleventh_try_of_a_minute_is_told_to_wait",
    ),
    _hole(
        "how large a body may be",
        f"{GATEWAY}/routes/application.py",
        "request_max_body_size=MAX_BODY",
        "request_max_body_size=None",
        f"{SERVED}/test_routes.py::test_bodies_are_bounded_and_must_be_json",
    ),
    _hole(
        "how slow a head may be",
        f"{GATEWAY}/adapters/uvicorn_server.py",
        "self._deadline = self.loop.call_later(self.patience_s, self._late)",
        "pass",
        f"{SERVED}/test_server.py::test_slow_headers_are_cut",
    ),
    _hole(
        "fields that stand twice in an order",
        f"{GATEWAY}/routes/trading.py",
        "if repeats_a_key(await request.body()):",
        "if False:",
        f"{SERVED}/test_commands_over_http.py::test_a_field_that_stands_twice_is_refused",
    ),
    _hole(
        "a session that was signed out",
        f"{GATEWAY}/domain/sessions.py",
        "        if caller.token_id in self.ended:\n            return None",
        "",
        "backend/api-gateway/tests/unit/test_sessions.py",
    ),
)

STORE_HOLES = (
    _hole(
        "the tenant of orders",
        f"{STORE}/adapters/postgres_orders.py",
        "where ($1 = '*' or tenant = $1) and",
        "where ($1 = '*' or $1 = $1) and",
        f"{LEDGER_TESTS}::test_orders_are_listed_newest_first_and_by_what_is_asked",
    ),
)

CLIENT_HOLES = (
    _hole(
        "the addressee of a signal",
        SIGNALS,
        "if (signal.tenant, signal.account) != (trust.tenant, trust.account):",
        "if False:",
        TRUST_TESTS,
    ),
    _hole("whether a signal has expired", SIGNALS, "if now_ms >= signal.expires_ms:", "if False:", TRUST_TESTS),
    _hole("signals older than the journal", SIGNALS, "if signal.issued_ms < trust.since_ms:", "if False:", TRUST_TESTS),
    _hole(
        "the signature of a signal",
        "kit/src/kit/signing.py",
        "key.verify(signed.signature, SIGNING_CONTEXT + signed.payload)",
        "pass",
        "kit/tests/unit/test_signing.py",
    ),
    _hole(
        "the trader's own volume limit",
        f"{CONNECTOR}/domain/limits.py",
        "if signal.volume > limits.max_volume_per_order:",
        "if False:",
        "client/metatrader-connector/tests/unit/test_limits.py",
    ),
    _hole(
        "that the journal is on disk before an order",
        f"{CONNECTOR}/adapters/sqlite.py",
        "PRAGMA synchronous=FULL",
        "PRAGMA synchronous=OFF",
        "tests/attack/test_disk.py",
    ),
)

HOLES = TOKEN_HOLES + GATEWAY_HOLES + STORE_HOLES + CLIENT_HOLES
