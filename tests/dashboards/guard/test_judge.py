"""One order of checks: whatever is asked, only a whole request of one who may ask goes on."""
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.guard.credentials import Credentials
from dashboards.guard.hosts import Names
from dashboards.guard.judge import MOST_HEAD_BYTES, Asked, Guard, Policy
from dashboards.guard.limits import Buckets

TOKEN = "4be1a7f09c3d52e8b6401f7a"
GOOD = [(b"host", b"localhost"), (b"authorization", f"Bearer {TOKEN}".encode())]
NAMES = st.sampled_from([b"host", b"origin", b"authorization", b"content-length", b"transfer-encoding", b"accept"])
VALUES = st.one_of(st.binary(max_size=40), st.sampled_from([b"localhost", b"http://localhost", f"Bearer {TOKEN}".encode(), b"0", b"5"]))


def guard(burst: float = 1e9) -> Guard:
    return Guard(Policy(Names(), Credentials(token=TOKEN)), Buckets(1.0, burst))


def status(asked: Asked, most_body: int = 0, methods: Sequence[str] = ()) -> int:
    answer = guard().refusal(asked, 0.0, 1.0, methods, most_body)
    return answer.status if answer else 200


@given(st.text(max_size=10), st.one_of(st.just(b"/"), st.binary(max_size=40)), st.lists(st.tuples(NAMES, VALUES), max_size=6))
def test_only_a_whole_request_of_one_who_may_ask_goes_on(method: str, target: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    asked = Asked("a", method, target, headers)
    if status(asked) == 200:
        assert method in ("GET", "HEAD") and target.startswith(b"/") and b"\x00" not in target
        assert asked.all(b"authorization") == [f"Bearer {TOKEN}".encode()] and len(asked.all(b"host")) == 1


@pytest.mark.parametrize(("length", "most", "wanted"), [
    (b"0", 0, 200), (b"1", 0, 413), (b"64", 64, 200), (b"65", 64, 413), (b"-1", 64, 413), (b"", 64, 413), (b"1 1", 64, 413),
    (b"0" * 30 + b"9", 64, 413), (b"9" * 5_000, 64, 413), ("²".encode("latin-1"), 64, 413), (b"+1", 64, 413)])
def test_a_body_that_is_announced_has_a_plain_length_within_its_limit(length: bytes, most: int, wanted: int) -> None:
    assert status(Asked("a", "POST", b"/", [*GOOD, (b"content-length", length)]), most, ("POST",)) == wanted


@pytest.mark.parametrize(("size", "wanted"), [(MOST_HEAD_BYTES - 200, 200), (MOST_HEAD_BYTES, 431)])
def test_a_head_has_a_limit(size: int, wanted: int) -> None:
    assert status(Asked("a", "GET", b"/", [*GOOD, (b"x", b"y" * size)])) == wanted


def test_who_asks_too_often_is_told_when_to_come_again_before_anything_else_is_looked_at() -> None:
    busy = guard(burst=2.0)
    nonsense = Asked("a", "?", b"", [])
    answers = [busy.refusal(nonsense, now_s) for now_s in (0.0, 0.0, 0.0, 0.5, 1.0)]
    assert [answer.status for answer in answers if answer] == [400, 400, 429, 429, 400]
    assert [answer.headers.get("Retry-After") for answer in answers if answer and answer.status == 429] == ["1", "1"]
