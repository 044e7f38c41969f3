"""JSON at the door: the fast pass gives the same answer as the rules, and the slow pass says what was wrong."""
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.decode import from_mapping
from schemas.json_events import JsonDecoder, attributes
from schemas.records import FIELDS, Reason, Rejected, TextEvent

GOOD = b'{"event_id":"a1","event_time":"2026-06-01T12:00:00Z","text":"hello"%s}'

corners = ["", " ", "a\0b", "\\u0000", "\ud800", "字", "2026-06-01T12:00:00Z", "2026-06-01"]
strings = st.text() | st.sampled_from(corners)
values = (
    strings | st.none() | st.booleans() | st.integers() | st.integers(10**11, 10**14) | st.floats(allow_nan=False)
    | st.lists(strings, max_size=2) | st.dictionaries(strings, strings, max_size=2)
)  # fmt: skip
objects = st.dictionaries(st.sampled_from(FIELDS), values) | st.fixed_dictionaries(
    {"event_id": strings, "text": strings}, optional=dict.fromkeys(FIELDS[1:7], values)
)


@given(objects, st.booleans(), st.none() | st.integers(-5, 10**16))
@example({"event_id": "a", "text": "x", "event_time": float("inf")}, True, None)
@example({"event_id": "a", "text": "x", "event_time": "\ud800"}, False, None)
def test_the_fast_pass_agrees_with_the_rules(row, ascii_only, log_time_us):
    value = json.dumps(row, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    fast = JsonDecoder(12).decode(value, log_time_us)
    slow = from_mapping(row, log_time_us, 12)
    if isinstance(slow, Rejected) and isinstance(fast, Rejected):
        unreadable = {Reason.BAD_ENCODING, Reason.MALFORMED}  # of any string in it, before any other rule
        assert fast.reason is slow.reason or fast.reason in unreadable
    elif isinstance(slow, Rejected):
        pytest.fail(f"accepted {value!r}: {slow}")
    else:
        assert fast == slow


@pytest.mark.parametrize("value", [
    b"", b" ", b"{", b"event lost, see log", b"{'event_id': 'a'}", GOOD % b"}", GOOD[:-3], GOOD % b',"x":01',
    GOOD % b',"x":NaN', GOOD % b',"x":"a\nb"', b"\xef\xbb\xbf" + GOOD % b"",
])  # fmt: skip
def test_invalid_json_is_malformed(value):
    assert JsonDecoder().decode(value, None).reason is Reason.MALFORMED


@pytest.mark.parametrize("value", [b"[]", b"[" + GOOD % b"" + b"]", b"null", b"3", b'"text"', b"true"])
def test_json_that_is_no_object_is_malformed_and_says_so(value):
    rejected = JsonDecoder().decode(value, None)
    assert rejected.reason is Reason.MALFORMED
    assert "expected a JSON object" in rejected.detail


@pytest.mark.parametrize("value", [
    b"1e999", b'{"event_id":1e999,"text":"x"}', b'{"event_id":"a","text":"x","event_time":1e400}',
    b'{"event_id":"a","text":"x","event_time":%s}' % (b"9" * 5000),
])  # fmt: skip
def test_a_number_too_large_is_malformed(value):
    assert JsonDecoder().decode(value, 5).reason is Reason.MALFORMED


@pytest.mark.parametrize("value", [b"\0", b"\0" * 40, GOOD % b"\0", GOOD.replace(b"hello", b"he\0llo") % b""])
def test_a_raw_nul_byte_is_malformed(value):
    assert JsonDecoder().decode(value, None).reason is Reason.MALFORMED


@pytest.mark.parametrize("value", [
    b"\xff", GOOD.replace(b"hello", b"h\xe9llo") % b"", GOOD % b',"x":"\xff"', GOOD % b',"\xff":1',
    GOOD.replace(b"hello", b"\xed\xa0\x80") % b"",
])  # fmt: skip
def test_invalid_utf8_anywhere_is_bad_encoding_with_its_place(value):
    rejected = JsonDecoder().decode(value, None)
    assert rejected.reason is Reason.BAD_ENCODING
    assert "at byte" in rejected.detail


def test_half_a_surrogate_pair_in_an_unknown_field_is_bad_encoding():
    assert JsonDecoder().decode(GOOD % rb',"x":"\ud83d"', None).reason is Reason.BAD_ENCODING


def test_a_whole_surrogate_pair_is_one_character():
    assert JsonDecoder().decode(GOOD.replace(b"hello", rb"\ud83d\ude00") % b"", None).text == "😀"


def test_json_nested_too_deeply_is_malformed():
    deep = GOOD % (b',"x":' + b"[" * 100_000 + b"]" * 100_000)
    rejected = JsonDecoder().decode(deep, None)
    assert (rejected.reason, "deep" in rejected.detail) == (Reason.MALFORMED, True)


def test_unknown_fields_do_not_change_the_event():
    assert JsonDecoder().decode(GOOD % b',"stars":4,"x":{"text":null}', None) == JsonDecoder().decode(GOOD % b"", None)


def test_unknown_fields_are_kept_as_text():
    value = GOOD % rb',"stars":4,"tags":["a", 1],"note":"h\u00e9","none":null,"big":1e999'
    assert attributes(value) == {"stars": "4", "tags": '["a", 1]', "note": "hé", "big": "1e999"}
    assert JsonDecoder().attributes(value) == attributes(value)


clean = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(clean, clean.filter(lambda text: not text.isspace()), clean, st.dictionaries(clean, clean), st.booleans())
def test_what_is_written_as_json_comes_back(event_id, text, source, unknown, ascii_only):
    extra = {name: value for name, value in unknown.items() if name not in FIELDS}
    row = {"event_id": event_id, "text": text, "source": source} | extra
    value = json.dumps(row, ensure_ascii=ascii_only).encode()
    assert JsonDecoder().decode(value, 9) == TextEvent(event_id, 9, text, source)
    assert attributes(value) == extra
