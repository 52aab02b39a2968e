"""Holes in what services share: certificates, questions over the bus, revocations, second factors, risk, the trail."""

from mutants.planting import Hole

TLS = "kit/src/kit/tls.py"
EDGE = "kit/src/kit/edge.py"
QUESTIONS = "kit/src/kit/service_tokens.py"
PEOPLE = "backend/database-service/src/database_service/adapters"
RISK = "backend/trading-engine/src/trading_engine/domain/risk.py"
TLS_TESTS, EDGE_TESTS = "kit/tests/unit/test_tls.py", "kit/tests/unit/test_edge_tls.py"
QUESTION_TESTS = "kit/tests/unit/test_service_tokens.py"
PEOPLE_TESTS = "backend/database-service/tests/integration/test_people.py"
RISK_TESTS = "backend/trading-engine/tests/unit/test_risk.py"


def _hole(name: str, file: str, before: str, after: str, *caught_by: str) -> Hole:
    return Hole(name, file, ((before, after),), caught_by)


BUS_HOLES = (
    _hole(
        "the proofs of a question on the real bus",
        "kit/src/kit/nats_bus.py",
        "guard.check(method, question, msg.headers)",
        "pass",
        "tests/attack/test_rpc_tokens.py::test_W02_a_person_of_another_tenant_is_answered_nothing_by_any_service_and_it_is_audited",
    ),
)

TLS_HOLES = (
    Hole(
        "that nothing below TLS 1.3 is spoken",
        TLS,
        (
            (
                "context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3",
                "context.minimum_version = ssl.TLSVersion.TLSv1_2",
            ),
            # in TLS 1.2 the groups bind the certificate's curve as well: they would refuse by themselves
            ("context.set_ecdh_curve(GROUPS[0])", "pass"),
        ),
        (f"{TLS_TESTS}::test_N10_tls_1_2_is_refused_in_both_directions",),
    ),
    _hole(
        "that a client shows a certificate",
        TLS,
        "context.verify_mode = ssl.CERT_OPTIONAL if optional else ssl.CERT_REQUIRED",
        "context.verify_mode = ssl.CERT_OPTIONAL",
        f"{TLS_TESTS}::test_a_caller_without_certificate_is_let_in_only_where_that_is_optional",
    ),
    _hole(
        "whose certificate it is",
        TLS,
        "if found not in expected:",
        "if False:",
        f"{TLS_TESTS}::test_N09_the_right_root_but_another_tenant_or_terminal_is_refused",
    ),
    _hole(
        "whether a key is pinned",
        TLS,
        "if pins and spki_pin(certificate_der) not in pins:",
        "if False:",
        f"{TLS_TESTS}::test_N09_a_key_that_is_not_pinned_is_refused_even_under_the_right_name",
    ),
    _hole(
        "tickets that could carry early data",
        TLS,
        "context.num_tickets = 0",
        "context.num_tickets = 2",
        f"{TLS_TESTS}::test_N10_no_ticket_is_given_that_could_carry_early_data",
    ),
    _hole(
        "who may see health and metrics",
        EDGE,
        "return self._page(path) if staff else",
        "return self._page(path) if True else",
        f"{EDGE_TESTS}::test_health_and_metrics_are_for_the_platforms_own_programs",
    ),
    _hole(
        "whom an edge admits",
        EDGE,
        "if self.tls is not None and not self._admitted(peer):",
        "if False:",
        f"{EDGE_TESTS}::test_a_terminal_reaches_only_a_door_for_terminals",
    ),
)

QUESTION_HOLES = (
    _hole("which service asked", QUESTIONS, "if role not in rule.roles | ask.in_a_name:", "if False:", QUESTION_TESTS),
    _hole(
        "that a service signs with its own key",
        QUESTIONS,
        "if not any(claims.sub == name and tokens.signed_by(token) in each for name, each in self.services.items()):",
        "if False:",
        QUESTION_TESTS,
    ),
    _hole(
        "the tenant of a question asked in a person's name",
        QUESTIONS,
        "if isinstance(answer, Denied):",
        "if False:",
        QUESTION_TESTS,
    ),
    _hole(
        "a person who was revoked",
        QUESTIONS,
        "if self.revoked(claims, tokens.signed_by(token)):",
        "if False:",
        QUESTION_TESTS,
    ),
    _hole(
        "what was revoked",
        "kit/src/kit/revocations.py",
        "if always or (issued_ms < found.before_ms and not (found.lifts and terminal)):",
        "if False:",
        "kit/tests/unit/test_revocations.py",
    ),
    _hole(
        "that a revoked key is refused whatever moment its tokens state",
        "kit/src/kit/revocations.py",
        "found.holds or kind is RevocationKind.KEY",
        "found.holds",
        "kit/tests/unit/test_revocations.py",
    ),
    _hole(
        "that an older revocation takes nothing back",
        "kit/src/kit/revocations.py",
        "if known is not None and known.before_ms >= revocation.before_ms:",
        "if False:",
        "kit/tests/unit/test_revocations.py",
    ),
)

PEOPLE_HOLES = (
    _hole(
        "that a TOTP code is good once",
        f"{PEOPLE}/postgres_identity.py",
        "where tenant = $1 and id = $2 and totp_last_counter < $3",
        "where tenant = $1 and id = $2 and totp_last_counter < $3 + 1",
        f"{PEOPLE_TESTS}::test_a_totp_step_is_spent_once_and_older_steps_with_it",
    ),
    _hole(
        "that a spent refresh token ends its family",
        f"{PEOPLE}/postgres_sessions.py",
        "        if not spent:\n            return Rotated(Rotation.REFUSED, session, person)",
        "        if spent or not spent:\n            return Rotated(Rotation.REFUSED, session, person)",
        f"{PEOPLE_TESTS}::test_a_refresh_token_is_good_once_and_its_reuse_ends_the_family",
    ),
    _hole(
        "how long a session may idle",
        f"{PEOPLE}/postgres_sessions.py",
        "or wish.now_ms - session.seen_ms > wish.idle_ms",
        "",
        f"{PEOPLE_TESTS}::test_an_idle_session_or_a_disabled_persons_is_not_renewed",
    ),
    _hole(
        "how long a session may live",
        f"{PEOPLE}/postgres_sessions.py",
        "or wish.now_ms - session.created_ms > wish.absolute_ms",
        "",
        f"{PEOPLE_TESTS}::test_no_session_lives_longer_than_its_absolute_life",
    ),
    _hole(
        "that two administrators wait for each other",
        f"{PEOPLE}/postgres_identity.py",
        "not disabled order by id for update",
        "not disabled order by id",
        f"{PEOPLE_TESTS}::test_two_administrators_who_take_each_others_rights_at_the_same_moment_leave_one",
    ),
    _hole(
        "how often strangers ask to join",
        "backend/data-bridge/src/data_bridge/adapters/join_talk.py",
        "if wait_ms := self.pace.wait_ms(",
        "if wait_ms := 0 * self.pace.wait_ms(",
        "tests/attack/test_terminals.py::test_guesses_of_one_address_reach_the_hub_thirty_times_a_minute"
        "_and_terminals_renew_meanwhile",
    ),
)

ENGINE_HOLES = (
    _hole(
        "how many orders a minute",
        RISK,
        "if q.orders_last_minute < limits.max_orders_per_minute:",
        "if True:",
        RISK_TESTS,
    ),
    _hole("how old a price may be", RISK, "if abs(age) > limits.max_price_age_ms:", "if False:", RISK_TESTS),
    _hole(
        "that the trail's hashes cover what is written",
        "kit/src/kit/audit_chain.py",
        "return hashlib.sha256(previous + content(record)).digest()",
        "return hashlib.sha256(previous).digest()",
        "kit/tests/unit/test_audit_chain.py",
    ),
)

PLATFORM_HOLES = BUS_HOLES + TLS_HOLES + QUESTION_HOLES + PEOPLE_HOLES + ENGINE_HOLES
