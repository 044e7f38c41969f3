"""Records made to do harm: each is an event or one dead letter with its reason, at a cost that does not grow with its nesting."""
import json

import pytest

from schemas.decode import MAX_FIELD_BYTES, MAX_RECORD_BYTES
from schemas.json_events import JsonDecoder
from schemas.records import Reason, Rejected, TextEvent
from transforms.letters import SAMPLE_CHARACTERS, beginning

NOON_MS = 1_780_315_200_000
GOOD = {"event_id": "a", "event_time": NOON_MS, "text": "x"}
SHORT_FIELDS = ["event_id", "source", "product", "channel", "author_id", "lang"]


def decode(value):
    return JsonDecoder().decode(value, None)


def written(**changes):
    return json.dumps(GOOD | changes, ensure_ascii=False).encode("utf-8", "surrogatepass")


def reason_of(value):
    said = decode(value)
    assert isinstance(said, Rejected), said
    return said.reason


def with_field(name, raw):
    return b'{"event_id":"a","event_time":1780315200000,"text":"x","%s":%s}' % (name.encode(), raw)


@pytest.mark.parametrize("depth", [900, 5_000, 1_000_000])
def test_deep_nesting_is_malformed_wherever_it_stands(depth):
    deep = b"[" * depth + b"]" * depth
    for value in (deep, with_field("x", deep), with_field("text", deep), deep[:depth], b'{"a":' * depth):
        said = decode(value)
        assert isinstance(said, TextEvent) or said.reason in (Reason.MALFORMED, Reason.WRONG_TYPE)
    assert reason_of(with_field("x", b"[" * 5_000 + b"]" * 5_000)) is Reason.MALFORMED


def test_a_huge_array_in_an_unknown_field_is_not_looked_at():
    assert decode(with_field("x", b"[" + b"[]," * 1_000_000 + b"1]")) == decode(written())


@pytest.mark.parametrize("raw", [b"[" + b"{}," * 100_000 + b"1]", b"{" + b'"k":1,' * 100_000 + b'"k":1}'])
def test_a_huge_value_of_a_field_is_a_wrong_type(raw):
    assert reason_of(with_field("text", raw)) is Reason.WRONG_TYPE


def test_a_record_over_the_limit_is_too_long_and_one_at_it_is_read():
    filled = with_field("x", b'"' + b"x" * (MAX_RECORD_BYTES - len(with_field("x", b'""'))) + b'"')
    assert len(filled) == MAX_RECORD_BYTES
    assert decode(filled) == decode(written())
    assert reason_of(filled + b" ") is Reason.TOO_LONG
    assert str(MAX_RECORD_BYTES) in decode(filled + b" ").detail


@pytest.mark.parametrize("letter", ["a", "é", "字", "😀"])
@pytest.mark.parametrize("field", SHORT_FIELDS)
def test_a_field_may_have_the_limit_in_utf8_and_not_one_byte_more(field, letter):
    whole, left = divmod(MAX_FIELD_BYTES, len(letter.encode()))
    assert isinstance(decode(written(**{field: letter * whole + "x" * left})), TextEvent)
    for value in (written(**{field: letter * whole + "x" * (left + 1)}), written(**{field: letter * MAX_FIELD_BYTES * 100})):
        said = decode(value)
        assert (said.reason, said.detail.split(":")[0]) == (Reason.TOO_LONG, field)


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"1" * 5_000, b"9" * 100_000, b"18446744073709551616", b"-9223372036854775809"])
def test_a_number_beyond_range_is_malformed_or_a_wrong_type_in_a_field_and_as_written_in_others(number):
    for field in ("event_time", "text", "source"):
        assert reason_of(with_field(field, number)) in (Reason.MALFORMED, Reason.WRONG_TYPE)
    assert decode(with_field("x", number)) == decode(written())


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"01", b"0x10", b"1e", b"+1", b".5"])
def test_what_is_no_json_number_is_malformed(number):
    assert reason_of(with_field("x", number)) is Reason.MALFORMED


@pytest.mark.parametrize("time", [
    0, 1, -1, 2**63 - 1, 2**64 - 1, -(2**63), "0000-00-00T00:00:00Z", "9999-12-31T24:00:00Z", "1970-01-01T00:00:00+23:59",
    "292277026596-12-04T15:30:07Z", "-0001-01-01T00:00:00Z", "P1D", "٢٠٢٦-٠٦-٠١T00:00:00Z",
])  # fmt: skip
def test_an_extreme_time_is_a_wrong_type(time):
    assert reason_of(written(event_time=time)) is Reason.WRONG_TYPE


@pytest.mark.parametrize("half", [rb"\ud800", rb"\udfff", rb"\ud83d\u0041", rb"\ude00\ud83d", rb"\uD83Dx"])
@pytest.mark.parametrize("field", [*SHORT_FIELDS, "text", "x"])
def test_half_a_surrogate_pair_is_bad_encoding_escaped_or_raw(field, half):
    raw = b"\xed\xa0\x80" if half == rb"\ud800" else half
    for value in (half, raw):
        assert reason_of(with_field(field, b'"' + value + b'"')) is Reason.BAD_ENCODING
    assert reason_of(b'{"%s":1,"event_id":"a","text":"x"}' % half) is Reason.BAD_ENCODING


def test_half_a_surrogate_pair_in_what_is_no_json_is_malformed():
    assert reason_of(rb'{"text":"\ud800"') is Reason.MALFORMED


def test_a_written_backslash_before_a_surrogates_digits_is_a_text():
    assert decode(with_field("text", rb'"\\ud800"')).text == r"\ud800"


@pytest.mark.parametrize("overlong", [
    b"\xc0\x80", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\x80",
])  # fmt: skip
def test_overlong_and_impossible_utf8_is_bad_encoding(overlong):
    for field in ("text", "event_id", "x"):
        assert reason_of(with_field(field, b'"' + overlong + b'"')) is Reason.BAD_ENCODING


def test_a_byte_order_mark_or_another_encoding_is_refused():
    assert reason_of(b"\xef\xbb\xbf" + written()) is Reason.MALFORMED
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        assert reason_of(written().decode().encode(encoding)) in (Reason.MALFORMED, Reason.BAD_ENCODING)


def test_of_a_key_that_stands_twice_the_last_one_counts_in_both_ways_of_reading():
    assert decode(b'{"event_id":"a","text":"1","event_time":1780315200000,"text":"2"}').text == "2"
    assert decode(b'{"event_id":"a","text":"1","event_time":1780315200000,"text":7}').reason is Reason.WRONG_TYPE
    assert decode(rb'{"event_id":"a","text":"1","event_time":1780315200000,"te\u0078t":"3"}').text == "3"


def test_a_nul_is_bad_encoding_where_it_is_kept_and_nothing_where_it_is_not():
    for field in (*SHORT_FIELDS, "text"):
        assert reason_of(with_field(field, rb'"a\u0000b"')) is Reason.BAD_ENCODING
    assert decode(with_field("x", rb'"\u0000"')) == decode(written())


def test_bidirectional_controls_stay_in_the_text_as_they_came():
    assert decode(written(text="a\u202eb\u2066c\u200f")).text == "a\u202eb\u2066c\u200f"


def test_the_sample_of_a_row_is_short_however_deep_or_large_it_is():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    for value in (deep, "x" * 1_000_000, b"\0" * 1_000_000, list(range(1_000_000)), {str(n): n for n in range(100_000)}):
        shown = beginning({"event_id": value, "text": "\0\ud800"}, whole=True)
        assert len(shown) <= SAMPLE_CHARACTERS
        assert shown.startswith("{'event_id': ")
        assert "\0" not in shown
    while deep:
        deep = deep.pop()
