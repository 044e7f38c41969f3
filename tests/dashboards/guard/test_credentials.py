"""Who may pass: exactly who has the secret, whatever else the header holds."""
import base64
import secrets

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dashboards.guard.credentials import Credentials, Presented, authorized, presented, weakness

TOKEN, PASSWORD = "tok-8f3a9c2e71b0d465", "correct horse battery 9"
BOTH = Credentials(TOKEN, "ann", PASSWORD)


def basic(user: str, password: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{user}:{password}".encode())


@given(st.binary(max_size=200))
@example(b"Bearer ")
@example(b"Basic ====")
@example(b"Basic \xff")
@example(b"Bearer a b")
def test_any_bytes_are_read_without_an_error_and_none_of_them_passes(header: bytes) -> None:
    found = presented(header)
    assert found is None or isinstance(found, Presented)
    assert not authorized(header, BOTH)


@given(st.text(st.characters(blacklist_characters=":", blacklist_categories=("Cs",))), st.text(st.characters(blacklist_categories=("Cs",))))
def test_a_user_and_a_password_come_out_as_they_went_in(user: str, password: str) -> None:
    found = presented(basic(user, password))
    assert found is not None
    assert (found.user, found.secret) == (user.encode(), password.encode())
    assert authorized(basic(user, password), Credentials(user="u", password="p")) == ((user, password) == ("u", "p"))


@pytest.mark.parametrize("header", [
    f"Bearer {TOKEN}".encode(), f"bearer   {TOKEN} ".encode(), basic("anybody", TOKEN), basic("", TOKEN), basic("ann", PASSWORD),
    BOTH.header.encode(), Credentials(user="ann", password=PASSWORD).header.encode()])
def test_who_has_the_token_or_the_password_passes(header: bytes) -> None:
    assert authorized(header, BOTH)


@pytest.mark.parametrize("header", [
    b"", b"Bearer", f"Bearer {TOKEN}x".encode(), f"Bearer {TOKEN[:-1]}".encode(), f"Bearer {TOKEN.upper()}".encode(), TOKEN.encode(),
    f"Bearer {TOKEN}, Bearer {TOKEN}".encode(), basic("bob", PASSWORD), basic("ann", PASSWORD + " "), b"Bearer " + PASSWORD.encode(),
    f"Digest {TOKEN}".encode(), b"Basic " + base64.b64encode(TOKEN.encode())])
def test_nobody_else_does(header: bytes) -> None:
    assert not authorized(header, BOTH)


@pytest.mark.parametrize("header", [b"Basic Og==", basic("ann", ""), basic("", ""), b"Bearer =", b"Bearer " + b"=" * 8])
@pytest.mark.parametrize("wanted", [Credentials(), Credentials(token=TOKEN), Credentials(user="ann", password=PASSWORD)])
def test_what_is_not_demanded_is_not_a_way_in(header: bytes, wanted: Credentials) -> None:
    assert not authorized(header, wanted)


def test_credentials_do_not_show_themselves() -> None:
    shown = f"{BOTH} {BOTH!r} {presented(BOTH.header.encode())}"
    assert TOKEN not in shown and PASSWORD not in shown


@pytest.mark.parametrize(("secret", "why"), [
    ("", "fewer than 16"), ("short", "fewer than 16"), ("a" * 40, "different"), ("passwordpassword", "different"),
    ("changemechangeme", "different"), ("abcdefgh1!abcdefgh1!", "again and again"), ("0123456789abcdefgh", "neighbours"),
    ("qwertz\x00uiopasdfghjkl", "typed"), ("x1y2" * 2_000, "more than")])
def test_what_can_be_guessed_is_weak(secret: str, why: str) -> None:
    assert why in weakness(secret)


@given(st.integers(0, 1_000))
def test_what_openssl_and_secrets_make_is_not_weak(_: int) -> None:
    assert weakness(secrets.token_hex(32)) == weakness(secrets.token_urlsafe(24)) == ""
