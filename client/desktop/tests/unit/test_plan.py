"""Each app gets its own port and settings, and no secret of the environment by accident."""

from pathlib import Path

import msgspec
import pytest

from config_manager.adapters.version_files import VersionFiles
from config_manager.cli import apply
from config_manager.domain.client_config import ClientConfig
from desktop.cli import given_by, parser
from desktop.plan import APPS, CONNECTOR, Chosen, environment, ports
from kit.errors import KitError
from kit.settings import load
from metatrader_connector.settings import Settings


def test_the_usual_ports_a_range_and_free_ones() -> None:
    assert list(ports(None, False).values()) == [9001, 9002, 9003, 9004]
    assert list(ports(9101, False).values()) == [9101, 9102, 9103, 9104]
    assert len(set(ports(None, True).values())) == 4


def test_the_connector_can_read_what_it_is_given(tmp_path) -> None:
    config = ClientConfig(terminal="mt5sim", terminal_path="/x.json", terminal_clock="utc", symbols=("A", "B.pro"))
    world = {"PATH": "/bin", "AITRADING_NATS_PASSWORD": "x", "AITRADING_METATRADER_CONNECTOR_POLL_MS": "5"}
    made = environment(CONNECTOR, {CONNECTOR: 9101}, tmp_path, config, world)
    settings = load(Settings, made, CONNECTOR)
    assert (settings.port, settings.symbols, settings.terminal_clock) == (9101, ("A", "B.pro"), "utc")
    assert settings.poll_ms == 5.0
    assert "AITRADING_NATS_PASSWORD" not in made


def test_every_app_has_a_module_that_python_can_run() -> None:
    for module in APPS.values():
        assert (Path(__import__(module).__file__).parent / "__main__.py").exists()


def test_options_are_remembered_and_a_missing_terminal_is_asked_for(tmp_path) -> None:
    versions = VersionFiles(tmp_path)

    def configure(*options: str) -> ClientConfig:
        return apply(versions, msgspec.json.encode(given_by(parser().parse_args(["run", *options]))), 1)

    with pytest.raises(KitError, match="--terminal-path"):
        configure()
    configure("--terminal", "mt5sim", "--terminal-path", "/t.json", "--symbols", "EURUSD, XAUUSD")
    again = configure()
    assert (again.terminal_path, again.symbols, len(versions.all())) == ("/t.json", ("EURUSD", "XAUUSD"), 1)
    assert configure("--symbols", "all").symbols == ()


def test_the_desktop_knows_every_setting_of_the_config_manager() -> None:
    assert Chosen.__struct_fields__ == ClientConfig.__struct_fields__
