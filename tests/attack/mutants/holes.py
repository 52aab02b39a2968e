"""The holes: where a check stands, what is left when it is gone, and who must notice."""

from mutants.planting import Hole
from mutants.platform_holes import PLATFORM_HOLES

TOKENS = "kit/src/kit/tokens.py"
GATEWAY = "backend/api-gateway/src/api_gateway"
SERVED = "backend/api-gateway/tests/service"
COOKIE_TEST = f"{SERVED}/test_sign_in.py::test_the_cookie_is_out_of_reach_of_scripts_and_other_sites"
POLICY = "kit/src/kit/policy"
STORE = "backend/database-service/src/database_service"
LEDGER_TESTS = "backend/database-service/tests/integration/test_ledger.py"
INJECTION_TESTS = "backend/database-service/tests/integration/test_injection.py"
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
        "the role that the list of services needs",
        f"{POLICY}/rules.py",
        '"services.read": Rule("See which services run", _is(',
        '"services.read": Rule("See which services run", _is("viewer", ',
        "tests/attack/test_roles.py",
    ),
    _hole(
        "what no rule lists",
        f"{POLICY}/decide.py",
        'code = "unlisted" if rule is None else',
        'code = "" if rule is None else',
        "kit/tests/unit/test_policy.py",
    ),
    _hole(
        "the role of anybody",
        f"{POLICY}/decide.py",
        "if subject.role not in rule.roles:",
        "if False:",
        "tests/attack/test_roles.py",
    ),
    _hole(
        "the tenant of anybody",
        f"{POLICY}/decide.py",
        "if rule.tenants is Tenants.OWN and subject.tenant not in",
        "if False and subject.tenant not in",
        "kit/tests/unit/test_policy.py",
    ),
    _hole(
        "whether a strong proof is fresh",
        f"{POLICY}/decide.py",
        "return facts.now_ms - subject.auth_ms > rule.step_up_s * 1000",
        "return False",
        "kit/tests/unit/test_policy.py",
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
        "    return bool(knock.origin) and not ours(knock.origin, knock.host, public_origins)",
        "    return False",
        f"{SERVED}/test_hostile_sockets.py"
        "::test_W18_a_socket_from_a_foreign_or_unnamed_page_is_refused_before_it_opens",
    ),
    _hole(
        "the Content-Security-Policy of answers",
        f"{GATEWAY}/domain/headers.py",
        'headers.append((b"content-security-policy", API_POLICY))',
        "pass",
        f"{SERVED}/test_answer_headers.py",
    ),
    _hole(
        "that nobody may frame a page",
        f"{GATEWAY}/domain/headers.py",
        '(b"x-frame-options", b"DENY"),',
        "",
        f"{SERVED}/test_answer_headers.py",
    ),
    _hole(
        "that the password does not stand in for a second factor",
        f"{GATEWAY}/routes/factors.py",
        "if not methods:",
        'methods = methods or ("password",)\n        if False:',
        f"{SERVED}/test_bypasses.py",
    ),
    _hole(
        "that a session gave the second factor that its tenant requires",
        f"{GATEWAY}/routes/people.py",
        "required = MFA not in session.amr.split() and",
        "required = False and",
        f"{SERVED}/test_bypasses.py",
    ),
    _hole(
        "what changed while somebody signed in",
        f"{GATEWAY}/routes/people.py",
        "if now is None or now.disabled or stamp_of(now) != stamp_of(user) or now.password_hash != user.password_hash:",
        "if now is None:",
        f"{SERVED}/test_bypasses.py",
    ),
    _hole("HttpOnly of the cookie", f"{GATEWAY}/routes/people.py", "httponly=True, ", "", COOKIE_TEST),
    _hole("SameSite of the cookie", f"{GATEWAY}/routes/people.py", 'samesite="strict", ', "", COOKIE_TEST),
    _hole(
        "how many sign-ins a minute",
        "kit/src/kit/limits.py",
        "if len(times) >= self.per_minute:",
        "if False:",
        "backend/api-gateway/tests/unit/test_sessions.py",
    ),
    _hole(
        "how large a body may be",
        f"{GATEWAY}/routes/door.py",
        "if len(body) > most:",
        "if False:",
        f"{SERVED}/test_raw_requests.py::test_W10_an_endless_body_is_answered_with_413",
    ),
    _hole(
        "how slow a request may be",
        f"{GATEWAY}/adapters/http_connection.py",
        "self._deadline = self.loop.call_later(self.patience_s, self._late)",
        "pass",
        f"{SERVED}/test_server.py::test_slow_headers_are_cut",
    ),
    _hole(
        "a handshake that the socket's own parser refuses",
        f"{GATEWAY}/adapters/websocket_connection.py",
        "if self.conn.handshake_exc is not None and",
        "if False and",
        f"{SERVED}/test_raw_requests.py::test_W13_an_upgrade_with_a_line_that_the_socket_cannot_read_is_answered",
    ),
    _hole(
        "headers that stand twice",
        f"{GATEWAY}/domain/request_head.py",
        "if name in seen and name in _NO_LIST:",
        "if False:",
        f"{SERVED}/test_raw_requests.py::test_W12_a_request_with_two_meanings_is_refused_and_hung_up_on",
    ),
    _hole(
        "fields that stand twice in a body",
        f"{GATEWAY}/domain/strict_json.py",
        "if len(found) != len(pairs):",
        "if False:",
        "backend/api-gateway/tests/unit/test_strict_bodies.py",
    ),
    _hole(
        "how deep a body may be",
        f"{GATEWAY}/domain/strict_json.py",
        "if depth > MAX_DEPTH:",
        "if False:",
        "backend/api-gateway/tests/unit/test_strict_bodies.py",
    ),
    _hole(
        "a session that was signed out",
        f"{GATEWAY}/adapters/token_office.py",
        "refused = self._book.refuses(",
        "refused = None and self._book.refuses(",
        f"{SERVED}/test_sign_in.py::test_signing_out_clears_the_cookie_and_ends_copies_of_the_token",
    ),
    _hole(
        "a terminal that was revoked",
        "backend/data-bridge/src/data_bridge/routes.py",
        "if revocation is not None and not revocation.holds:",
        "if False:",
        "tests/attack/test_terminals.py",
    ),
    _hole(
        "that a terminal's token is bound to its certificate",
        "backend/data-bridge/src/data_bridge/routes.py",
        "if claims.cnf != {BINDING: thumbprint(peer.certificate)}:",
        "if False:",
        "tests/attack/test_token_doors.py"
        "::test_T14_a_token_bound_to_one_certificate_is_worth_nothing_over_another_of_the_same_terminal",
    ),
)

STORE_HOLES = (
    _hole(
        "that values are bound and never written into SQL",
        f"{STORE}/adapters/postgres_orders.py",
        "($2 = '' or account = $2) {still_open}",
        "($2 = '' or account = '{question.account}') {still_open}",
        INJECTION_TESTS,
    ),
    _hole(
        "the tenant of orders",
        f"{STORE}/adapters/postgres_orders.py",
        "where ($1 = '*' or tenant = $1) and ($2 = '' or account = $2) {still_open}",
        "where ($1 = '*' or $1 = $1) and ($2 = '' or account = $2) {still_open}",
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

HOLES = TOKEN_HOLES + GATEWAY_HOLES + STORE_HOLES + CLIENT_HOLES + PLATFORM_HOLES
