"""The guided set-up: wrong answers get a sentence and another try, and leaving it never leaves half a step."""

import json
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client_security.domain.enrolment import Enrolment, EnrolmentRefused, parse
from client_security.testing import enrolment_of
from desktop.questions import TRIES, Aborted, MissingAnswer, Questions, answers_of
from desktop.setup_steps import LIMITS, Look, Saved, Setup, Symbol
from kit.errors import KitError
from kit.testing.pki import TestAuthority

SERVER = "wss://trade.example:8001/terminal"


@pytest.fixture(scope="module")
def document(tmp_path_factory) -> dict[str, object]:
    return enrolment_of(TestAuthority(tmp_path_factory.mktemp("server")), SERVER, Ed25519PrivateKey.generate())


class FakePc:
    """Remembers what was kept, in order; fails where it is told to."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.enrolment: Enrolment | None = None
        self.name = ""
        self.unreachable = 0
        self.settings: dict[str, object] = {}
        self.limits: dict[str, str] = {}
        self.busy = ""
        self.trouble = ""
        self.login = 1000001
        self.causes: tuple[str, ...] = ()
        self.looks: list[tuple[tuple[str, ...], float]] = []
        self.listed: list[Path] = []

    def running(self) -> str:
        return self.busy

    def read_enrolment(self, path: Path) -> Enrolment:
        return parse(path.read_bytes())

    def enrolled(self) -> Enrolment | None:
        return self.enrolment

    def keep_enrolment(self, path: Path) -> None:
        self.kept.append("enrolment")
        self.enrolment = parse(path.read_bytes())

    def joined(self) -> str:
        return self.name

    def join(self) -> str:
        if self.unreachable:
            self.unreachable -= 1
            raise OSError("no answer in time")
        self.kept.append("join")
        self.name = "1000001-abcd"
        return self.name

    def terminals(self) -> list[Path]:
        return self.listed

    def look(self, terminal: str, path: str, symbols: tuple[str, ...], volume: float) -> Look:
        self.looks.append((symbols, volume))
        if self.trouble:
            return Look(self.trouble)
        known = {"EURUSD": "EURUSD", "GOLD": "XAUUSD.pro"}
        several = {"XAU": ("XAUUSD", "XAUEUR")}
        found = tuple(Symbol(one, known.get(one, ""), several.get(one, ()), "", 0.01, 10.0) for one in symbols)
        return Look(
            "", "MT5", 5, True, self.login, "Demo", "Broker", "USD", "a demo account, hedging", 1.0, self.causes, found,
            ("EURUSD", "XAUUSD.pro"),
        )  # fmt: skip

    def saved(self) -> Saved:
        return msgspec.structs.replace(msgspec.convert(self.settings, Saved), limits=self.limits)

    def keep_settings(self, values) -> None:
        self.kept.append("settings")
        self.settings = dict(values)

    def keep_limits(self, values) -> None:
        if float(values["max_volume_per_order"]) <= 0:
            raise KitError("max_volume_per_order and max_volume_total must be more than 0")
        self.kept.append("limits")
        self.limits = {name: values[name] for name, _, _ in LIMITS}


class Room:
    """A PC, an enrolment file, a terminal's file, and a person with a list of answers."""

    def __init__(self, folder: Path, document: dict[str, object]) -> None:
        self.pc = FakePc()
        self.said: list[str] = []
        self.enrolment = folder / "enrolment.json"
        self.enrolment.write_text(json.dumps(document))
        self.terminal = folder / "terminal.json"
        self.terminal.write_text("{}")
        self.pin = str(document["pins"][0])  # type: ignore[index]

    def right(self) -> dict[str, str]:
        return {
            "enrolment": str(self.enrolment), "fingerprint": self.pin, "terminal": "mt5sim",
            "terminal_path": str(self.terminal), "symbols": "EURUSD",
        }  # fmt: skip

    def run(self, given: dict[str, str], typed: list[str] | None = None) -> list[str]:
        def read(_: str) -> str:
            if not typed:
                raise EOFError
            return typed.pop(0)

        return Setup(self.pc, Questions(given, None if typed is None else read, self.said.append), "mt5sim").run()

    @property
    def words(self) -> str:
        return "\n".join(self.said)


@pytest.fixture
def room(tmp_path, document) -> Room:
    return Room(tmp_path, document)


def test_right_answers_go_through_and_each_step_is_kept_in_its_turn(room) -> None:
    assert room.run(room.right()) == []
    assert room.pc.kept == ["enrolment", "join", "settings", "limits"]
    assert room.pc.settings == {"terminal": "mt5sim", "terminal_path": str(room.terminal), "symbols": ["EURUSD"]}
    assert room.pc.limits["max_volume_per_order"] == "1.00"
    assert "Account 1000001 at Demo" in room.words
    assert "MT5 would take 0.01 lots" in room.words


def test_an_order_is_checked_in_the_last_step_only(room) -> None:
    room.run(room.right())
    assert [volume >= 0 for _, volume in room.pc.looks] == [False, False, True]


@pytest.mark.parametrize(
    ("answer", "wrong", "says"),
    [
        ("enrolment", "/nowhere/x.json", "There is no file /nowhere/x.json"),
        ("server", "wss://other.example:8001", "The enrolment is for wss://trade.example:8001/terminal"),
        ("fingerprint", "sha256/short", "at least 12 characters"),
        ("fingerprint", "sha256/AAAAAAAAAAAAAAAAAAAAAAAA", "This is not the fingerprint of the file"),
        ("terminal", "mt4", "Write MetaTrader5 or mt5sim"),
        ("terminal_path", "/nowhere/t.json", "There is no file /nowhere/t.json"),
        ("terminal_path", "7", "Give one of the numbers"),
        ("symbols", "NOPE", "The broker has no symbol NOPE"),
        ("symbols", "XAU", "write XAUUSD or XAUEUR"),
        ("max_volume_per_order", "much", "much is no number"),
        ("max_volume_per_order", "-1", "write 0 or more"),
        ("max_volume_per_order", "NaN", "write 0 or more"),
        ("account", "perhaps", "Please answer yes or no"),
    ],
)
def test_a_wrong_answer_gets_a_sentence_and_a_right_one_afterwards_goes_on(room, answer, wrong, says) -> None:
    right = {**room.right(), "server": SERVER, "account": "yes", **{name: usual for name, _, usual in LIMITS}}
    assert room.run({**right, answer: wrong}, [right[answer]]) == []
    assert says in room.words
    assert room.pc.kept == ["enrolment", "join", "settings", "limits"]


@pytest.mark.parametrize("answer", ["enrolment", "fingerprint", "terminal_path", "symbols"])
def test_there_is_an_end_to_wrong_answers(room, answer) -> None:
    given = {name: text for name, text in room.right().items() if name != answer}
    typed = [""] * (1 if answer != "enrolment" else 0) + ["/wrong"] * 20
    with pytest.raises(Aborted):
        room.run(given, typed)
    assert len(typed) >= 20 - TRIES


def test_what_is_refused_at_the_fingerprint_leaves_nothing_on_the_pc(room) -> None:
    with pytest.raises(Aborted, match="fingerprint"):
        room.run({**room.right(), "fingerprint": "sha256/AAAAAAAAAAAAAAAAAAAAAAAA"})
    assert room.pc.kept == []


def test_leaving_at_any_question_and_coming_back_ends_where_going_through_ends(room, document, tmp_path) -> None:
    answers = [str(room.enrolment), "", room.pin, "mt5sim", str(room.terminal), "yes", "EURUSD", "0.5", "5", "100", "9"]
    whole = Room(tmp_path, document)
    whole.run({}, list(answers))
    for count in range(len(answers)):
        again = Room(tmp_path, document)
        with pytest.raises(Aborted):
            again.run({}, answers[:count])
        assert again.pc.kept == whole.pc.kept[: len(again.pc.kept)], "a later step was kept before an earlier one"
        again.run({}, list(answers if not again.pc.enrolment else answers[3:]))
        assert (again.pc.settings, again.pc.limits, again.pc.name) == (
            whole.pc.settings, whole.pc.limits, whole.pc.name,
        )  # fmt: skip


def test_a_second_time_offers_what_was_said_before(room) -> None:
    room.run({**room.right(), "max_volume_total": "3"})
    room.run({}, [""] * 10)
    assert room.pc.limits["max_volume_total"] == "3"
    assert room.pc.settings["symbols"] == ["EURUSD"]
    assert room.pc.kept.count("join") == 1


def test_an_unreachable_server_is_tried_again_when_the_person_says_so_and_not_for_ever(room) -> None:
    room.pc.unreachable = 2
    assert room.run(room.right(), ["", "yes", "yes", *[""] * 10]) == []
    other = FakePc()
    other.unreachable = 99
    room.pc = other
    with pytest.raises(Aborted, match="the server was not reached"):
        room.run(room.right(), ["", *["yes"] * 20])
    assert other.unreachable == 99 - TRIES


def test_another_account_in_the_terminal_is_named_with_what_to_do(room) -> None:
    room.pc.login = 42
    with pytest.raises(Aborted, match="logged in to account 42"):
        room.run(room.right())
    assert "settings" not in room.pc.kept


def test_what_only_a_hand_can_do_is_listed_at_the_end(room) -> None:
    room.pc.causes = ("AutoTrading button is off in MT5",)
    assert room.run(room.right()) == ["AutoTrading button is off in MT5"]


def test_a_terminal_that_does_not_open_is_explained(room) -> None:
    room.pc.trouble = "MT5 says -10005: IPC timeout"
    with pytest.raises(Aborted, match="Login to Trade Account"):
        room.run(room.right())


def test_it_does_not_touch_a_running_client(room) -> None:
    room.pc.busy = "the client is running: stop it first"
    with pytest.raises(Aborted, match="stop it first"):
        room.run(room.right())


def test_limits_that_do_not_fit_together_are_asked_for_again(room) -> None:
    given = {**room.right(), "max_volume_per_order": "0", "account": "yes", "server": SERVER}
    assert room.run(given, ["", "", "", "0.2", "", "", ""]) == []
    assert "must be more than 0" in room.words
    assert room.pc.limits["max_volume_per_order"] == "0.2"


def test_without_a_person_a_missing_answer_is_named(room) -> None:
    with pytest.raises(MissingAnswer, match="fingerprint"):
        room.run({"enrolment": str(room.enrolment)})


def test_a_spent_enrolment_is_refused(room, document) -> None:
    room.enrolment.write_text(json.dumps({**document, "join_token": ""}))
    with pytest.raises(Aborted, match="was used before"):
        room.run(room.right())


def test_answers_are_read_from_a_file_and_the_command_line_wins(tmp_path) -> None:
    file = tmp_path / "answers.json"
    file.write_text('{"symbols": "EURUSD", "terminal": "mt5sim"}')
    assert answers_of(file, {"symbols": "XAUUSD", "server": None}) == {"symbols": "XAUUSD", "terminal": "mt5sim"}
    file.write_text("[1]")
    with pytest.raises(KitError, match="not JSON such as"):
        answers_of(file, {})
    with pytest.raises(KitError, match="can't be read"):
        answers_of(tmp_path / "missing", {})


def test_a_damaged_enrolment_says_so(room) -> None:
    room.enrolment.write_text("{")
    with pytest.raises(EnrolmentRefused):
        parse(room.enrolment.read_bytes())
    with pytest.raises(Aborted, match="This is not an enrolment file"):
        room.run(room.right())
