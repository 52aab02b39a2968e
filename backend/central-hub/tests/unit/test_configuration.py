"""Rendered configuration, ports, environments and diagnoses."""

import pytest

from central_hub.domain import portplan
from central_hub.domain.diagnosis import cause
from central_hub.domain.engineconf import nats_conf, pg_hba, postgres_conf, roles_sql
from central_hub.domain.environment import Database, Platform, external_database, of_service
from central_hub.domain.rights import all_permissions
from contracts.subjects import RIGHTS


def rendered() -> str:
    keys = {name: f"U{name.upper()}" for name in RIGHTS}
    return nats_conf(4999, "/data/nats", "/data/run/nats.pid", "/data/secrets/tls/nats", keys, all_permissions())


def test_nats_listens_on_loopback_only() -> None:
    assert 'listen: "127.0.0.1:4999"' in rendered()
    assert "0.0.0.0" not in rendered()


def test_nats_has_one_user_per_service_with_its_own_key_and_no_passwords() -> None:
    text = rendered()
    for service in RIGHTS:
        assert f'nkey: "U{service.upper()}"' in text
    assert text.count("nkey:") == len(RIGHTS)
    assert "password" not in text


def test_nats_speaks_tls_1_3_first_and_asks_for_a_certificate() -> None:
    text = rendered()
    for line in ("verify: true", "handshake_first: true", 'min_version: "1.3"'):
        assert line in text


def test_a_message_may_have_eight_megabytes() -> None:
    assert "max_payload: 8388608" in rendered()


def test_postgresql_listens_on_a_socket_of_its_owner_with_passwords_and_durable_commits() -> None:
    text = postgres_conf("/data/it's/run/pg")
    assert "listen_addresses = ''" in text
    assert "unix_socket_directories = '/data/it''s/run/pg'" in text
    assert "unix_socket_permissions = 0600" in text
    assert "fsync" not in text
    assert "synchronous_commit" not in text
    assert "trust" not in pg_hba()
    assert "host" not in pg_hba()
    assert "scram-sha-256" in pg_hba()


def test_the_usual_ports_are_those_of_the_contract() -> None:
    plan = portplan.usual({})
    assert (plan["api-gateway"], plan["nats"], plan["central-hub"]) == (8000, 4222, 8010)
    assert "postgresql" not in plan


def test_a_setting_moves_one_port() -> None:
    assert portplan.usual({"AITRADING_API_GATEWAY_PORT": "9000"})["api-gateway"] == 9000


@pytest.mark.parametrize("text", ["x", "0", "65536", "-1", "8000.0"])
def test_a_setting_that_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(portplan.PortFault, match="AITRADING_NATS_PORT"):
        portplan.usual({"AITRADING_NATS_PORT": text})


def test_two_programs_on_one_port_are_refused() -> None:
    with pytest.raises(portplan.PortFault, match="nats and api-gateway would both use port 8000"):
        portplan.usual({"AITRADING_NATS_PORT": "8000"})


def test_neighbouring_ports_begin_where_asked() -> None:
    assert list(portplan.counted_from(20_000).values()) == list(range(20_000, 20_000 + len(portplan.DEFAULTS)))
    with pytest.raises(portplan.PortFault):
        portplan.counted_from(80)


def test_free_ports_are_given_out_in_order() -> None:
    free = list(range(30_000, 30_000 + len(portplan.DEFAULTS)))
    assert list(portplan.from_free(free).values()) == free


def test_a_taken_port_is_told_with_its_owner_and_what_to_do() -> None:
    said = portplan.taken_sentence("api-gateway", 8000, "nginx (process 12)")
    assert "Port 8000 for api-gateway" in said
    assert "nginx (process 12)" in said
    assert "AITRADING_API_GATEWAY_PORT" in said
    assert "another program" in portplan.taken_sentence("nats", 4222)


PLATFORM = Platform(
    "/data",
    "tls://127.0.0.1:1",
    Database("postgresql://app@/d", "/data/secrets/app", "postgresql://owner@/d", "/data/secrets/owner"),
    "",
    "/data/secrets",
    {"data-bridge": 8001, "database-service": 8008, "trading-engine": 8007, "api-gateway": 8000},
)


def test_only_the_store_gets_database_credentials() -> None:
    inherited = {
        "AITRADING_POSTGRES_URL": "postgresql://x",
        "AITRADING_CLICKHOUSE_URL": "https://x",
        "AITRADING_POSTGRES_PASSWORD_FILE": "x",
        "AITRADING_DATA_BRIDGE_SOME_PASSWORD": "b",
        "PATH": "/bin",
    }
    for service in ("data-bridge", "trading-engine", "api-gateway"):
        given = of_service(service, inherited, PLATFORM)
        assert not [name for name in given if "POSTGRES" in name or "CLICKHOUSE" in name]
        assert given["PATH"] == "/bin"
    assert of_service("database-service", {}, PLATFORM)["AITRADING_POSTGRES_URL"] == "postgresql://app@/d"
    assert "AITRADING_DATA_BRIDGE_SOME_PASSWORD" not in of_service("trading-engine", inherited, PLATFORM)


def test_an_external_clickhouse_reaches_the_store() -> None:
    platform = Platform(**{**{f: getattr(PLATFORM, f) for f in PLATFORM.__slots__}, "clickhouse_url": "https://c"})
    assert of_service("database-service", {}, platform)["AITRADING_CLICKHOUSE_URL"] == "https://c"


def test_what_the_operator_set_wins_except_for_what_all_must_share() -> None:
    inherited = {
        "AITRADING_DATA_BRIDGE_NATS_SEED": "/keys/own",
        "AITRADING_NATS_URL": "tls://else",
        "AITRADING_TOKEN_PUBLIC_KEY": "/keys/t.pub",
    }
    given = of_service("data-bridge", inherited, PLATFORM)
    assert given["AITRADING_DATA_BRIDGE_NATS_SEED"] == "/keys/own"
    assert given["AITRADING_TOKEN_PUBLIC_KEY"] == "/keys/t.pub"
    assert given["AITRADING_NATS_URL"] == "tls://127.0.0.1:1"
    assert given["AITRADING_DATA_BRIDGE_PORT"] == "8001"


def test_private_keys_are_named_to_their_owners_only() -> None:
    assert "AITRADING_SIGNAL_KEY_PATH" in of_service("trading-engine", {}, PLATFORM)
    assert "AITRADING_TOKEN_KEY" in of_service("api-gateway", {}, PLATFORM)
    assert not {"AITRADING_SIGNAL_KEY_PATH", "AITRADING_TOKEN_KEY"} & set(of_service("data-bridge", {}, PLATFORM))


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("FATAL: could not write: No space left on device", "the disk is full"),
        ("nats: bind: address already in use", "its port is taken"),
        ("a\nlast words\n\n", "last words"),
        ('{"level":"error","error":"the reason"}\n{"level":"warning","event":"bus_disconnected"}\n', "the reason"),
        ('{"level":"info","event":"stopping"}\n', "it left no message"),
        ("{not json}", "{not json}"),
        ("", "it left no message"),
    ],
)
def test_a_log_is_explained_in_plain_words(log: str, expected: str) -> None:
    assert expected in cause(log)


def test_no_secret_stands_in_the_environment_of_the_store() -> None:
    given = of_service("database-service", {}, PLATFORM)
    assert given["AITRADING_POSTGRES_PASSWORD_FILE"] == "/data/secrets/app"
    assert given["AITRADING_POSTGRES_OWNER_PASSWORD_FILE"] == "/data/secrets/owner"
    assert ":" not in given["AITRADING_POSTGRES_URL"].removeprefix("postgresql:")


def test_with_one_external_url_one_role_does_everything() -> None:
    found = external_database({"AITRADING_POSTGRES_URL": "u", "AITRADING_POSTGRES_PASSWORD_FILE": "f"})
    assert found == Database("u", "f", "u", "f")


def test_a_password_can_not_break_out_of_its_statement() -> None:
    assert all("x'y" not in line for line in roles_sql("a-b_c", "d"))
    with pytest.raises(ValueError, match="letters"):
        roles_sql("x'y", "d")
