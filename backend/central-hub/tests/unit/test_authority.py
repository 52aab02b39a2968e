"""Which certificates are due, and the files of the platform's own authority."""

import contextlib
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from central_hub.adapters.ca_files import HOLDERS, CaFiles
from central_hub.domain import authority
from central_hub.domain.authority import AuthorityFault, Issued, Names, Register, due, is_due
from central_hub.ports import HubError
from kit import pki
from kit.testing.pki import handshake
from kit.tls import Identity, TlsFiles, client_context, host_of, identity_of, server_context, spki_pin

DAY_MS = 86_400_000
NOW = 1_800_000_000_000


class World:
    """An authority whose clock the test moves."""

    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.ca = CaFiles(folder / "secrets", now_ms=lambda: self.now)

    def files(self, holder: str) -> TlsFiles:
        return TlsFiles(self.ca.leaf_folder(holder))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_leaf_is_due_after_two_thirds_of_its_life() -> None:
    leaf = Issued(0, 90, "k")
    assert [is_due(leaf, now) for now in (-1, 0, 59, 60, 90)] == [True, False, False, True, True]


def test_a_leaf_is_due_without_files_without_record_or_of_another_issuer() -> None:
    fine = Issued(0, 90, "k")
    register = Register(fine, fine, "k", leafs={"a": fine, "b": fine, "d": Issued(0, 90, "old")})
    assert due(register, {"a": True, "b": False, "c": True, "d": True}, 1) == ("b", "c", "d")


@pytest.mark.parametrize(
    ("text", "found"), [("", ((), ())), (" B.example ,10.0.0.7,a", (("a", "b.example"), ("10.0.0.7",)))]
)
def test_names_are_told_apart(text: str, found: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
    assert (authority.names(text).hosts, authority.names(text).addresses) == found


@pytest.mark.parametrize("text", ["*.example", "a b", "http://x", "-x", "1.2.3.4/8", "x..y"])
def test_what_is_no_name_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(AuthorityFault, match="AITRADING_TLS_NAMES"):
        authority.names(text)


@pytest.mark.parametrize("text", ["29", "x", "-1", "86401"])
def test_a_lifetime_that_is_not_possible_is_refused(text: str) -> None:
    with pytest.raises(AuthorityFault):
        authority.lifetime_s({"AITRADING_LEAF_LIFETIME_S": text})


def test_everybody_gets_a_certificate_that_only_its_owner_may_read(world: World) -> None:
    assert set(world.ca.open()) == set(HOLDERS)
    for holder in HOLDERS:
        files = world.files(holder)
        assert host_of(holder).split(".")[0] in str(identity_of(pki.der(files.leaf())))
    loose = [p for p in world.ca.secrets.rglob("*") if stat.S_IMODE(p.stat().st_mode) & 0o077]
    assert loose == []


def test_the_second_start_makes_nothing_anew(world: World) -> None:
    world.ca.open()
    before = {p: p.read_bytes() for p in world.ca.secrets.rglob("*") if p.is_file()}
    assert world.ca.open() == ()
    assert before == {p: p.read_bytes() for p in world.ca.secrets.rglob("*") if p.is_file()}


def test_leafs_are_renewed_in_time_and_not_before(world: World) -> None:
    world.ca.open()
    old = world.files("data-bridge").cert.read_bytes()
    world.now += DAY_MS * 2 // 3 - 1
    assert world.ca.renew() == ()
    world.now += 1
    assert set(world.ca.renew()) == set(HOLDERS)
    assert world.files("data-bridge").cert.read_bytes() != old
    world.files("data-bridge").check(world.now + DAY_MS - 1)


def test_the_platform_runs_and_renews_without_the_offline_folder(world: World) -> None:
    world.ca.open()
    shutil.rmtree(world.ca.offline)
    world.now += DAY_MS
    assert set(world.ca.open()) == set(HOLDERS)


def test_what_needs_the_root_says_so_when_it_is_away(world: World) -> None:
    world.ca.open()
    shutil.rmtree(world.ca.offline)
    for act in (world.ca.renew_intermediate, world.ca.announce_next_root, world.ca.rotate_root):
        with pytest.raises(HubError, match="bring the folder `offline` back"):
            act()


def test_an_interrupted_renewal_is_done_again(world: World) -> None:
    world.ca.open()
    world.files("data-bridge").key.unlink()
    assert world.ca.open() == ("data-bridge",)


def test_a_change_of_the_intermediate_that_was_interrupted_is_done_again(present: World) -> None:
    certificate = present.ca.folder / "intermediate.pem"
    before = certificate.read_bytes()
    beside = present.ca.folder / f"intermediate.pem.{os.getpid()}.new"
    beside.mkdir()  # its key is written, and then the disk takes nothing more
    with pytest.raises(HubError):
        present.ca.renew_intermediate()
    assert certificate.read_bytes() == before
    beside.rmdir()
    assert set(present.ca.open()) == set(HOLDERS)
    meet(present, present.files("data-bridge"), present.files("api-gateway"), "data-bridge")


def meet(world: World, server: TlsFiles, client: TlsFiles, program: str) -> None:
    # the clock of the handshake is the real one: whoever uses this leaves `now` at the present
    assert world.now
    handshake(server_context(server, client_certificates=True), client_context(client), host_of(program))


@pytest.fixture
def present(tmp_path: Path) -> World:
    import time

    made = World(tmp_path)
    made.now = time.time_ns() // 1_000_000
    made.ca.open()
    return made


def copy(files: TlsFiles, to: Path) -> TlsFiles:
    shutil.copytree(files.directory, to)
    return TlsFiles(to)


def test_N11_old_and_new_leafs_meet_during_a_change_of_the_intermediate(present: World, tmp_path: Path) -> None:
    old = copy(present.files("data-bridge"), tmp_path / "old")
    assert set(present.ca.renew_intermediate()) == set(HOLDERS)
    meet(present, old, present.files("trading-engine"), "data-bridge")
    meet(present, present.files("data-bridge"), present.files("trading-engine"), "data-bridge")


def test_N11_old_and_new_leafs_meet_during_a_change_of_the_root(present: World, tmp_path: Path) -> None:
    pin = present.ca.backup_pin.read_text()
    before = copy(present.files("data-bridge"), tmp_path / "before")
    present.ca.announce_next_root()
    announced = copy(present.files("trading-engine"), tmp_path / "announced")
    meet(present, before, announced, "data-bridge")
    present.ca.rotate_root()
    meet(present, present.files("data-bridge"), announced, "data-bridge")
    root = pki.read_chain(present.ca.root.read_bytes())[0]
    assert spki_pin(pki.der(root)) == pin, "the root that was announced"
    assert present.ca.backup_pin.read_text() != pin
    present.ca.forget_old_root()
    meet(present, present.files("data-bridge"), present.files("trading-engine"), "data-bridge")
    assert len(pki.read_chain(present.files("data-bridge").ca.read_bytes())) == 1


def test_an_expired_intermediate_is_told_with_what_to_do(world: World) -> None:
    world.ca.open()
    shutil.rmtree(world.ca.offline)
    world.now += 366 * DAY_MS
    with pytest.raises(HubError, match="aitrading ca renew-intermediate"):
        world.ca.open()


def test_only_the_gateway_is_known_under_the_names_that_people_use(tmp_path: Path) -> None:
    ca = CaFiles(tmp_path, Names(("desk.example",), ("192.0.2.7",)))
    ca.open()
    gateway, bridge = (TlsFiles(ca.leaf_folder(name)) for name in ("api-gateway", "data-bridge"))
    assert b"desk.example" in pki.der(gateway.leaf())
    assert b"desk.example" not in pki.der(bridge.leaf())
    for name in ("desk.example", "192.0.2.7"):
        handshake(server_context(gateway, client_certificates=False), client_context(bridge.ca), name)


def test_a_terminal_gets_a_chain_for_the_key_it_proved_and_may_not_serve(present: World) -> None:
    key = pki.make_key()
    chain = pki.read_chain(present.ca.sign_terminal(pki.make_request(key), "ann", "1-x"))
    assert identity_of(pki.der(chain[0])) == Identity.terminal("ann", "1-x")
    assert chain[0].public_key() == key.public_key()
    assert len(chain) == 2


def test_a_root_that_was_announced_stays_the_one_that_terminals_were_told_of(present: World) -> None:
    present.ca.announce_next_root()
    told = present.ca.root.read_bytes()
    present.ca.announce_next_root()
    assert present.ca.root.read_bytes() == told
    present.ca.rotate_root()
    assert pki.read_chain(present.ca.root.read_bytes())[0] == pki.read_chain(told)[1]


POWER_CUTS = """
import os, shutil, sys
from pathlib import Path
from central_hub.adapters.ca_files import CaFiles

whole, cuts, number, ended = Path(sys.argv[1]), Path(sys.argv[2]), 0, 9
while ended:
    folder, left = cuts / str(number), number
    shutil.copytree(whole, folder)
    child = os.fork()
    if child == 0:
        def cut(event, _arguments):
            global left
            if event == "os.rename":
                left -= 1
                if left < 0:
                    os._exit(9)
        ca = CaFiles(folder / "secrets")
        sys.addaudithook(cut)
        ca.announce_next_root()
        ca.rotate_root()
        os._exit(0)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    number += 1
"""


def test_a_change_of_the_root_that_was_interrupted_anywhere_is_finished_by_the_same_command(
    present: World, tmp_path: Path
) -> None:
    cuts = tmp_path / "cuts"
    shutil.move(present.ca.secrets, tmp_path / "whole" / "secrets")
    pin = (tmp_path / "whole" / "secrets" / "ca" / "backup.pin").read_text()
    subprocess.run([sys.executable, "-c", POWER_CUTS, tmp_path / "whole", cuts], check=True, timeout=120)
    folders = sorted(cuts.iterdir(), key=lambda one: int(one.name))
    assert len(folders) > 30
    for folder in folders[:-1]:
        world = World(folder)
        world.now = present.now
        world.ca.open()
        meet(world, world.files("data-bridge"), world.files("trading-engine"), "data-bridge")
        world.ca.renew(everything=True)
        with contextlib.suppress(HubError):  # it was done but for leafs, which the start made up for
            world.ca.announce_next_root()
            world.ca.rotate_root()
        meet(world, world.files("data-bridge"), world.files("trading-engine"), "data-bridge")
        first = pki.read_chain(world.ca.root.read_bytes())[0]
        assert spki_pin(pki.der(first)) == pin, f"the announced root, after a cut before step {folder.name}"
        assert spki_pin(pki.der(first)) != world.ca.backup_pin.read_text()
        world.ca.forget_old_root()
        meet(world, world.files("data-bridge"), world.files("trading-engine"), "data-bridge")


def test_a_root_that_was_just_replaced_is_not_replaced_again_before_the_old_one_is_forgotten(present: World) -> None:
    present.ca.announce_next_root()
    present.ca.rotate_root()
    with pytest.raises(HubError, match="--forget-old"):
        present.ca.announce_next_root()
    present.ca.forget_old_root()
    present.ca.announce_next_root()
    present.ca.rotate_root()


def test_the_old_root_is_not_forgotten_before_the_next_one_signs(present: World) -> None:
    present.ca.announce_next_root()
    with pytest.raises(HubError, match="not finished"):
        present.ca.forget_old_root()
