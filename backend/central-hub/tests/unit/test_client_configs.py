"""What the operator offers to PCs: signed, numbered, an account's own before its tenant's, and nothing twice."""

import argparse

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central_hub.adapters.client_config_files import ClientConfigFiles
from central_hub.cli import client_configs
from central_hub.ports import HubError
from contracts.client_config import ClientConfigOffer, ConfigQuestion
from kit.client_config import verify_config
from kit.keys import key_id, make_private_key

KEY = Ed25519PrivateKey.generate()
KEYS = {key_id(KEY): KEY.public_key()}


def told(files: ClientConfigFiles, account: str = "1", revision: int = 0, tenant: str = "default") -> object:
    found = files.newer(ConfigQuestion(tenant, account, revision)).config
    return None if found is None else verify_config(found, KEYS)


def test_an_accounts_own_offer_counts_instead_of_its_tenants(tmp_path) -> None:
    files = ClientConfigFiles(tmp_path)
    assert told(files) is None
    files.put("default", "", {"poll_ms": 50}, KEY, 1)
    files.put("default", "1", {"poll_ms": 60}, KEY, 2)
    assert told(files) == ClientConfigOffer("default", "1", 2, 2, {"poll_ms": 60})
    assert told(files, "2") == ClientConfigOffer("default", "", 1, 1, {"poll_ms": 50})
    assert told(files, tenant="other") is None
    assert told(files, revision=2) is None
    files.put("default", "1", {}, KEY, 3)
    assert told(files, revision=2) == ClientConfigOffer("default", "1", 3, 3, {})


def test_names_that_are_no_file_names_stay_apart(tmp_path) -> None:
    files = ClientConfigFiles(tmp_path)
    files.put("a", "", {"poll_ms": 1}, KEY, 1)
    files.put("a-b", "", {"poll_ms": 2}, KEY, 1)
    assert told(files, tenant="a").values == {"poll_ms": 1}
    assert len(list((tmp_path / "client-config").iterdir())) == 2


def test_what_is_too_large_or_damaged_is_said(tmp_path) -> None:
    files = ClientConfigFiles(tmp_path)
    with pytest.raises(HubError, match="65536 are allowed"):
        files.put("default", "", {"symbols": ("X" * 30,) * 3_000}, KEY, 1)
    files.put("default", "", {}, KEY, 1)
    next((tmp_path / "client-config").iterdir()).write_text("{")
    with pytest.raises(HubError, match="can't be read"):
        told(files)


def configure(data, *values: str, account: str = "", tenant: str = "default") -> int:
    return client_configs.run(argparse.Namespace(data=data, values=list(values), account=account, tenant=tenant))


def test_the_verb_merges_signs_and_shows(tmp_path, capsys) -> None:
    make_private_key(tmp_path / "secrets" / "signal.key")
    configure(tmp_path)
    assert capsys.readouterr().out == "nothing is offered\n"
    configure(tmp_path, "poll_ms=50", 'symbols=["EURUSD","XAUUSD"]', "log_level=debug")
    configure(tmp_path, "log_level=", "news_enabled=false")
    assert capsys.readouterr().out.splitlines()[-4:] == [
        "revision 2, for every account of default:", "  news_enabled = false", "  poll_ms = 50",
        '  symbols = ["EURUSD","XAUUSD"]',
    ]  # fmt: skip
    for wrong in ({"values": ("poll_ms",)}, {"values": ("a=1",), "tenant": "No"}, {"values": ("../x=1",)}):
        with pytest.raises(HubError):
            configure(tmp_path, *wrong["values"], tenant=wrong.get("tenant", "default"))
