"""Facts about keys of NATS users."""

import base64

import pytest

from kit import nkeys

# made with the library `nkeys` 0.2.1
SEED = "SUAAQIWMYE6NC7IL5PK3IY4OK4H25USXIMENDJLD5E7ZU4IFUWPCYQOLBA"
PUBLIC = "UAFI77A2M3BI25IQE3XHQFWCF227LS7WABYETDYLGVXBZIW63BEA7PIV"


def test_a_seed_of_the_library_names_the_same_user() -> None:
    assert nkeys.public_of(SEED) == PUBLIC


def test_a_seed_of_ours_signs_what_its_public_key_verifies() -> None:
    seed = nkeys.make_seed()
    assert seed.startswith("SU")
    signature = base64.b64decode(nkeys.sign(seed, b"nonce"))
    nkeys.read_seed(seed).public_key().verify(signature, b"nonce")


@pytest.mark.parametrize("wrong", ["", "SU", SEED[:-1] + "B", SEED[:20] + "A" + SEED[21:], PUBLIC])
def test_a_damaged_seed_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"seed|[Pp]adding|[Nn]on-base32|Incorrect"):
        nkeys.read_seed(wrong)
