"""The rules of a record, checked on every format that can carry it."""
import datetime as dt
import io
import json
import pickle
from pathlib import PurePosixPath

import fastavro
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.archived import ArchiveDecoder
from schemas.avro import AvroDecoder, encode_wire, schema_text
from schemas.decode import (
    MAX_TEXT_BYTES,
    MAX_TIME_US,
    event_key,
    event_keys,
    from_mapping,
    mapping_attributes,
)
from schemas.json_events import JsonDecoder
from schemas.records import EPOCH, FIELDS, Reason, Rejected, TextEvent

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
NOON_US = 1_780_315_200_000_000
GOOD = {"event_id": "a1", "event_time": "2026-06-01T12:00:00Z", "text": "late again 又晚了"}

LOOSE = {  # a schema that can carry what ours forbids
    "type": "record", "name": "Loose", "fields": [
        {"name": name, "type": ["null", "string", "long", "double", "boolean", {"type": "array", "items": "string"}],
         "default": None} for name in FIELDS],
}  # fmt: skip


def json_form(row, folder):
    return JsonDecoder(), json.dumps(row).encode()


def utf8_json_form(row, folder):
    return JsonDecoder(), json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass")


def archive_form(row, folder):
    return ArchiveDecoder(), row


def avro_form(row, folder):
    (folder / "7.avsc").write_text(json.dumps(LOOSE))
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(LOOSE), row)
    return AvroDecoder(folder), b"\0\0\0\0\7" + body.getvalue()


FORMS = [json_form, utf8_json_form, archive_form, avro_form]


@pytest.fixture(params=FORMS, ids=lambda form: form.__name__)
def decoded(request, tmp_path):
    """Decodes GOOD with some fields changed, in one format; None as a change leaves the field out."""

    def decode(log_time_us=None, drop=(), **changes):
        row = {name: value for name, value in (GOOD | changes).items() if name not in drop}
        decoder, value = request.param(row, tmp_path)
        return decoder.decode(value, log_time_us)

    return decode


def assert_rejected(result, reason, *words):
    assert isinstance(result, Rejected), result
    assert result.reason is reason, result
    for word in words:
        assert word in result.detail


def test_a_good_record_becomes_its_event_in_every_format(decoded):
    assert decoded() == TextEvent("a1", NOON_US, "late again 又晚了")


def test_every_field_arrives_in_its_place_in_every_format(decoded):
    event = decoded(source="posts", product="p", channel="c", author_id="u", lang="zh")
    assert event == TextEvent("a1", NOON_US, GOOD["text"], "posts", "p", "c", "u", "zh")


@pytest.mark.parametrize("field", ["source", "product", "channel", "author_id", "lang"])
def test_a_null_or_empty_optional_field_is_as_good_as_absent(decoded, field):
    assert decoded(**{field: None}) == decoded(**{field: ""}) == decoded()
    assert decoded().source == "unknown"


@pytest.mark.parametrize("field", ["event_id", "text"])
def test_a_missing_or_null_required_field_is_named(decoded, field):
    assert_rejected(decoded(drop=[field]), Reason.MISSING_FIELD, field)
    assert_rejected(decoded(**{field: None}), Reason.MISSING_FIELD, field, "null")


def test_an_empty_event_id_is_missing(decoded):
    assert_rejected(decoded(event_id=""), Reason.MISSING_FIELD, "event_id", "empty")


@pytest.mark.parametrize("value", [7, 1.5, True, ["x"]])
@pytest.mark.parametrize("field", ["event_id", "text", "source", "product", "channel", "author_id", "lang"])
def test_a_wrong_type_is_named_with_what_was_expected(decoded, field, value):
    assert_rejected(decoded(**{field: value}), Reason.WRONG_TYPE, field, "expected a string")


@pytest.mark.parametrize("text", ["", " ", "\t\n\r ", "\u3000\u2003"])
def test_a_blank_text_is_empty(decoded, text):
    assert_rejected(decoded(text=text), Reason.EMPTY_TEXT, "text")


@pytest.mark.parametrize("letter", ["a", "é", "字", "😀"])
def test_a_text_may_have_the_limit_in_utf8_bytes_and_not_one_more(decoded, letter):
    whole, left = divmod(MAX_TEXT_BYTES, len(letter.encode()))
    assert decoded(text=letter * whole + "x" * left).text.startswith(letter)
    assert_rejected(decoded(text=letter * whole + "x" * (left + 1)), Reason.TOO_LONG, "text", str(MAX_TEXT_BYTES))


@pytest.mark.parametrize("field", ["event_id", "text", "source", "product", "channel", "author_id", "lang"])
def test_a_nul_inside_a_string_is_bad_encoding(decoded, field):
    assert_rejected(decoded(**{field: "a\0b"}), Reason.BAD_ENCODING)


def test_a_backslash_before_u0000_is_no_nul(decoded):
    assert decoded(text="\\u0000").text == "\\u0000"


@pytest.mark.parametrize("text", ["\ud800", "x\udfffy", "\ude00\ud83d"])
@pytest.mark.parametrize("form", [json_form, utf8_json_form, archive_form])
def test_half_a_surrogate_pair_is_bad_encoding(form, text, tmp_path):
    decoder, value = form(GOOD | {"text": text}, tmp_path)
    assert_rejected(decoder.decode(value, None), Reason.BAD_ENCODING)


@pytest.mark.parametrize(("written", "time_us"), [
    ("2026-06-01T12:00:00Z", NOON_US),
    ("2026-06-01 14:00:00+02:00", NOON_US),
    ("2026-06-01T12:00:00.123456Z", NOON_US + 123_456),
    ("1970-01-01T00:00:00Z", 0),
    ("9999-12-31T23:59:59.999999Z", MAX_TIME_US),
    (1_780_315_200_123, NOON_US + 123_000),
    (100_000_000_000, 100_000_000_000_000),
    (253_402_300_799_999, 253_402_300_799_999_000),
])  # fmt: skip
def test_a_time_is_iso_8601_with_a_zone_or_epoch_milliseconds(decoded, written, time_us):
    assert decoded(event_time=written).time_us == time_us


@pytest.mark.parametrize("written", [
    "yesterday", "", "2026-06-31T00:00:00Z", "2026-06-01T25:00:00Z", "01/06/2026", "2026-06-01", "2026-06-01T12:00:00",
    "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "10000-01-01T00:00:00Z",
    1_780_272_000, -1, 0, 99_999_999_999, 253_402_300_800_000, 1_780_315_200_000_000, 1.5, True, ["now"],
])  # fmt: skip
def test_any_other_time_is_a_wrong_type_that_names_event_time(decoded, written):
    assert_rejected(decoded(event_time=written), Reason.WRONG_TYPE, "event_time", "ISO 8601")


def test_without_an_event_time_the_logs_timestamp_counts(decoded):
    assert decoded(123, drop=["event_time"]).time_us == 123
    assert decoded(0, event_time=None).time_us == 0
    assert decoded(123).time_us == NOON_US


@pytest.mark.parametrize("log_time_us", [None, -1])
def test_without_any_time_event_time_is_missing(decoded, log_time_us):
    assert_rejected(decoded(log_time_us, event_time=None), Reason.MISSING_FIELD, "event_time")


def test_a_tombstone_is_missing_its_value(tmp_path):
    for decoder in (JsonDecoder(), ArchiveDecoder(), AvroDecoder(tmp_path)):
        assert_rejected(decoder.decode(None, 5), Reason.MISSING_FIELD, "value")


def test_a_datetime_counts_only_with_a_zone():
    assert from_mapping(GOOD | {"event_time": NOON}, None).time_us == NOON_US
    naive = from_mapping(GOOD | {"event_time": NOON.replace(tzinfo=None)}, None)
    assert_rejected(naive, Reason.WRONG_TYPE, "event_time", "zone")
    assert_rejected(from_mapping(GOOD | {"event_time": NOON.date()}, None), Reason.WRONG_TYPE, "event_time")


def test_a_boolean_time_is_called_a_boolean(decoded):
    assert_rejected(decoded(event_time=True), Reason.WRONG_TYPE, "got a boolean")


@given(st.integers(0, MAX_TIME_US))
def test_a_time_comes_back_to_the_microsecond(time_us):
    written = (EPOCH + dt.timedelta(microseconds=time_us)).isoformat()
    assert JsonDecoder().decode(json.dumps(GOOD | {"event_time": written}).encode(), None).time_us == time_us


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_the_keys_of_many_ids_are_the_key_of_each(ids):
    keys = event_keys(ids)
    assert keys.dtype == np.uint64
    assert keys.tolist() == [event_key(event_id) for event_id in ids]


def test_a_key_never_changes_between_processes_or_versions():
    assert event_key("a1") == 2_012_317_400_386_921_887


@given(st.binary(max_size=60), st.none() | st.integers())
@example(b"\0\0\0\0\1" + b"\xff" * 20, None)
@example(b"\0\0\0\0\1\x02\x80", 0)
@example(b"[" * 100_000, None)
@example(b'{"x":' * 100_000, None)
@example(b'{"event_id":"a","event_time":' + b"9" * 10_000 + b',"text":"x"}', None)
def test_no_decoder_raises_on_any_bytes(decoders, value, log_time_us):
    for decoder in decoders:
        assert isinstance(decoder.decode(value, log_time_us), TextEvent | Rejected)


@given(st.data())
def test_no_decoder_raises_on_a_good_record_with_changed_bytes(decoders, data):
    good = bytearray(data.draw(st.sampled_from([json.dumps(GOOD).encode(), encode_wire(TextEvent("a1", 5, "xyz"), 1)])))
    for at in data.draw(st.lists(st.integers(0, len(good) - 1), max_size=4)):
        good[at] = data.draw(st.integers(0, 255))
    value = bytes(good[: data.draw(st.integers(0, len(good)))])
    for decoder in decoders:
        assert isinstance(decoder.decode(value, None), TextEvent | Rejected)


@pytest.fixture(scope="module")
def decoders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("registry")
    (folder / "1.avsc").write_text(schema_text("TextEvent"))
    return [JsonDecoder(), ArchiveDecoder(), AvroDecoder(folder)]


def test_a_decoder_survives_pickling(decoders):
    for decoder in decoders:
        copy = pickle.loads(pickle.dumps(decoder))
        assert copy.max_text_bytes == decoder.max_text_bytes
        assert copy.decode(json.dumps(GOOD).encode(), None) == decoder.decode(json.dumps(GOOD).encode(), None)


def test_unknown_fields_of_a_row_are_kept_as_text():
    row = GOOD | {"path": PurePosixPath("/x"), "stars": 4, "tags": ["a"], "note": "hi", "none": None, "at": NOON}
    kept = mapping_attributes(row)
    assert kept == {"path": '"/x"', "stars": "4", "tags": '["a"]', "note": "hi", "at": '"2026-06-01T12:00:00Z"'}
    assert ArchiveDecoder().attributes(row) == kept


def test_what_the_reader_rejected_stays_rejected():
    rejected = Rejected(Reason.MALFORMED, "a.jsonl: cut short")
    assert ArchiveDecoder().decode(rejected, 5) is rejected
