"""Rejected records are kept only sealed, and opened by their own key, in their own place."""
import datetime as dt
import decimal
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.policy import KeySource, PolicyError
from schemas.json_events import JsonDecoder
from schemas.records import TextEvent
from transforms.originals import MOST_BYTES, Original, OriginalsProblem, Seal, key_source, original_of, original_of_event

KEY = "0123456789abcdef0123456789abcdef"
PLACE = ("texts/0", 7)
values = st.one_of(
    st.binary(max_size=200), st.dictionaries(st.text(max_size=8), st.one_of(st.text(max_size=20), st.integers(-2**63, 2**64 - 1), st.none(),
                                                                          st.booleans(), st.binary(max_size=9)), max_size=5))


@pytest.fixture
def seal(monkeypatch):
    """seal(key, job): as a process makes it."""
    def made(key=KEY, job="job"):
        monkeypatch.setenv("TEXTPULSE_ORIGINALS_KEY", key)
        return Seal(job, key_source(""))
    return made


@pytest.fixture(scope="module")
def sealing(tmp_path_factory):
    file = tmp_path_factory.mktemp("key") / "key"
    file.write_text(KEY + "\n")
    return Seal("job", key_source(str(file)))


@given(value=values, time_us=st.one_of(st.none(), st.integers(0, 2**60)), offset=st.integers(0, 2**62))
def test_what_is_sealed_is_opened_and_shows_nothing(sealing, value, time_us, offset):
    original = Original(value, time_us)
    sealed = sealing.seal(original, ("texts/0", offset))
    assert sealing.open(sealed, ("texts/0", offset)) == original
    if isinstance(value, bytes) and len(value) > 8:
        assert value not in sealed


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_changed_bit_is_found(sealing, at, bit):
    sealed = bytearray(sealing.seal(Original(b"a record of somebody"), PLACE))
    sealed[at % len(sealed)] ^= 1 << bit
    with pytest.raises(OriginalsProblem):
        sealing.open(bytes(sealed), PLACE)


def test_the_same_record_is_sealed_otherwise_each_time(sealing):
    assert len({sealing.seal(Original(b"the same"), PLACE) for _ in range(20)}) == 20


def test_another_key_is_told_and_another_place_or_job_does_not_open_it(seal):
    sealed = seal().seal(Original(b"a record"), PLACE)
    with pytest.raises(OriginalsProblem, match="another key"):
        seal("fedcba9876543210fedcba9876543210").open(sealed, PLACE)
    for job, place in (("job", ("texts/0", 8)), ("job", ("texts/1", 7)), ("other", PLACE)):
        with pytest.raises(OriginalsProblem, match="damaged"):
            seal(job=job).open(sealed, place)
    with pytest.raises(OriginalsProblem):
        seal().open(b"", PLACE)


def test_what_cannot_be_mended_is_not_kept(sealing):
    for value in (None, 7, "text"):
        assert original_of(value, None) is None
    for value in (b"x" * (MOST_BYTES + 1), {"text": "\ud800"}, {"n": 1 << 70}):
        assert sealing.seal(original_of(value, None), PLACE) is None


def test_rows_of_archives_keep_what_messagepack_has_no_type_for_as_text(sealing):
    time = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
    odd = {"price": decimal.Decimal("1.50"), "id": uuid.UUID(int=1), "day": dt.date(2026, 6, 1)}
    row = {"event_time": time, **odd, "list": [1, {"a": None}]}
    opened = sealing.open(sealing.seal(original_of(row, 5), PLACE), PLACE)
    assert opened == Original({**row, "price": "1.50", "id": str(uuid.UUID(int=1)), "day": "2026-06-01"}, 5)


def test_an_event_on_which_the_model_failed_comes_back_as_it_was(sealing):
    event = TextEvent("e1", 1_780_272_000_123_456, "a \"text\" 包裹", "posts", "app", "web", "u1", "en")
    original = sealing.open(sealing.seal(original_of_event(event), PLACE), PLACE)
    assert original.as_json and JsonDecoder().decode(original.value, None) == event


def test_a_weak_or_missing_key_is_one_line_without_it(tmp_path, monkeypatch):
    monkeypatch.delenv("TEXTPULSE_ORIGINALS_KEY", raising=False)
    (tmp_path / "weak").write_text("short1")
    for file, says in (("", "variable TEXTPULSE_ORIGINALS_KEY is not set, or empty; put the key of originals there"),
                       (str(tmp_path / "weak"), "too easy to guess"), (str(tmp_path / "none"), "No such file")):
        with pytest.raises(PolicyError, match=says) as caught:
            Seal("job", key_source(file))
        assert "short1" not in str(caught.value) and "\n" not in str(caught.value)
    assert key_source("f") == KeySource(file="f")
