"""Fixes: what was rejected becomes an event, nothing but what is named changes, and what cannot be used or does not fit is one line."""
import copy
import datetime as dt
import io
import json

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.archived import ArchiveDecoder
from schemas.avro import AvroDecoder, encode_wire, schema_text
from schemas.decode import MAX_RECORD_BYTES, from_mapping
from schemas.fixes import Fix, FixError, TimeFix, changes, check_fix, decode_fix, encode_fix, json_row, mended, parse_fix, summary
from schemas.json_events import MAX_VALUES, JsonDecoder, attributes
from schemas.records import FIELDS, Reason, Rejected, TextEvent

LOG_TIME_US = 1_780_315_200_000_000
GOOD = {"event_id": "e1", "event_time": "2026-06-01T12:00:00Z", "text": "the parcel is late 包裹", "source": "posts"}
ARCHIVES = ArchiveDecoder()

clean = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
names = st.sampled_from([*FIELDS, "x", "body", "created at", ""]) | clean
scalars = clean | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
rows = st.dictionaries(names, scalars | st.none() | st.lists(scalars, max_size=2), max_size=6)
times = st.builds(
    TimeFix, field=names, format=st.sampled_from(["%d.%m.%Y", "%Y-%m-%d %H:%M:%S.%f", "%a, %d %b %Y %H:%M:%S %z", "%Y年%m月%d日"]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Shanghai"]))


def usable(fix):
    """Whether check_fix lets it."""
    try:
        return check_fix(fix) is fix
    except FixError:
        return False


fixes = st.builds(
    Fix, encoding=st.sampled_from(["", "", "gb18030", "cp1252", "utf-8-sig"]), schema_id=st.none() | st.integers(0, 2**32 - 1),
    rename=st.dictionaries(names, names, max_size=3), time=st.none() | times, set=st.dictionaries(names, scalars | st.none(), max_size=3),
).filter(usable)  # fmt: skip


def line(value):
    """A record as JSON."""
    return json.dumps(value, ensure_ascii=False).encode()


def refused(action, *arguments):
    """The one line that an error says."""
    with pytest.raises(FixError) as caught:
        action(*arguments)
    said = str(caught.value)
    assert said.strip()
    assert said.isprintable()
    return said


@pytest.mark.parametrize(("value", "toml"), [
    (line(GOOD | {"event_time": "01.06.2026 14:00"}), "[time]\nformat = '%d.%m.%Y %H:%M'\nzone = 'Europe/Berlin'"),
    (line(GOOD | {"event_time": "Mon, 01 Jun 2026 14:00:00 +0200"}), "[time]\nformat = '%a, %d %b %Y %H:%M:%S %z'"),
    (line(GOOD | {"event_time": "x", "created": "2026年06月01日 20点"}),
     "[time]\nfield = 'created'\nformat = '%Y年%m月%d日 %H点'\nzone = 'Asia/Shanghai'"),
    (line({name: value for name, value in GOOD.items() if name != "event_id"}), "[set]\nevent_id = 'e1'"),
    (line(GOOD | {"source": 7}), "[set]\nsource = 'posts'"),
    (line({"id": "e1", "event_time": GOOD["event_time"], "body": GOOD["text"], "from": "posts"}),
     "[rename]\nid = 'event_id'\nbody = 'text'\nfrom = 'source'"),
    (line({"event_id": "e1", "ts": "2026-06-01 12:00:00", "body": GOOD["text"], "text": ""}),
     "[rename]\nts = 'event_time'\nbody = 'text'\n[time]\nformat = '%Y-%m-%d %H:%M:%S'\n[set]\nsource = 'posts'"),
    (json.dumps(GOOD, ensure_ascii=False).encode("gbk"), "encoding = 'gbk'"),
    (json.dumps(GOOD, ensure_ascii=False).encode("utf-16"), "encoding = 'utf-16'"),
    (json.dumps(GOOD).encode("utf-8-sig"), "encoding = 'utf-8-sig'"),
    (json.dumps(GOOD | {"source": None, "von": "posts"}, ensure_ascii=False).encode("gbk"),
     "encoding = 'GBK'\nrename.von = 'source'"),
    ({**GOOD, "event_time": "01.06.2026 12", "source": 1.5}, "set.source = 'posts'\ntime.format = '%d.%m.%Y %H'"),
])  # fmt: skip
def test_a_rejected_record_becomes_the_event_that_was_meant(value, toml):
    wrong, meant = ARCHIVES.decode(value, None), ARCHIVES.decode(line(GOOD), None)
    assert wrong != meant
    assert ARCHIVES.decode(mended(value, parse_fix(toml), json_row), None) == meant


@pytest.fixture(scope="module")
def avro(tmp_path_factory):
    """1: TextEvent. 2: with other names, and a time as text."""
    folder = tmp_path_factory.mktemp("schemas")
    other = {"type": "record", "name": "Other", "fields": [
        {"name": name, "type": "string"} for name in ("id", "created", "body")] + [{"name": "stars", "type": "int"}]}  # fmt: skip
    (folder / "1.avsc").write_text(schema_text("TextEvent"))
    (folder / "2.avsc").write_text(json.dumps(other))
    return AvroDecoder(folder)


def other_record(avro, schema_id):
    """Written with schema 2."""
    body = io.BytesIO()
    fastavro.schemaless_writer(
        body, avro.schemas.get(2), {"id": "e1", "created": "01.06.2026", "body": GOOD["text"], "stars": 4})
    return b"\0" + schema_id.to_bytes(4, "big") + body.getvalue()


def test_avro_with_a_wrong_schema_id_becomes_the_event_that_was_written(avro):
    event = TextEvent("e1", LOG_TIME_US, GOOD["text"], "posts")
    for wrong in (2, 7, 2**32 - 1):
        value = encode_wire(event, wrong)
        assert isinstance(avro.decode(value, None), Rejected)
        after = mended(value, Fix(schema_id=1), avro.row)
        assert after == encode_wire(event, 1)
        assert avro.decode(after, None) == event
        assert changes(value, after, avro.row)


def test_avro_with_another_id_other_names_and_times_becomes_an_event(avro):
    fix = parse_fix("schema_id = 2\nrename = {id = 'event_id', body = 'text'}\ntime = {field = 'created', format = '%d.%m.%Y'}")
    row = mended(other_record(avro, 9), fix, avro.row)
    midnight_us = LOG_TIME_US - 12 * 3_600_000_000
    assert ARCHIVES.decode(row, None) == TextEvent("e1", midnight_us, GOOD["text"])
    assert ARCHIVES.attributes(row) == {"created": "01.06.2026", "stars": "4"}
    assert "record" not in [name for name, _, _ in changes(other_record(avro, 2), row, avro.row)]


def test_the_row_of_avro_is_what_the_decoder_reads(avro):
    value = encode_wire(TextEvent("e1", LOG_TIME_US, "x"), 1)
    assert from_mapping(avro.row(value), None) == avro.decode(value, None)
    assert avro.row(b"") == avro.decode(b"", None)
    assert refused(mended, value, Fix(time=TimeFix(format="%Y-%m-%d")), avro.row).endswith("expected text, got a datetime")


@given(fixes)
def test_a_fix_comes_back_from_the_store(fix):
    back = decode_fix(encode_fix(fix))
    assert back == fix
    assert [type(value) for value in back.set.values()] == [type(value) for value in fix.set.values()]
    assert summary(fix).isprintable()


@given(rows, st.data())
def test_only_named_fields_change_and_the_record_given_stays_as_it_was(row, data):
    row.setdefault("x", 1)
    present = st.sampled_from(sorted(row))
    fix = data.draw(st.builds(
        Fix, rename=st.dictionaries(present, names, max_size=3), set=st.dictionaries(names | present, scalars | st.none(), max_size=3),
        time=st.none() | st.just(TimeFix(field="created", format="%d.%m.%Y"))).filter(usable))  # fmt: skip
    if fix.time and "created" not in fix.rename:
        row["created"] = "01.06.2026"
    kept = copy.deepcopy(row)
    try:
        after = mended(row, fix, json_row)
    except FixError as error:
        assert row == kept
        assert "take the place" in str(error) or "created" in str(error)
        return
    assert row == kept
    named = {*fix.rename, *fix.rename.values(), *fix.set, *(["event_time"] if fix.time else [])}
    assert {name: value for name, value in after.items() if name not in named} == {
        name: value for name, value in row.items() if name not in named}
    assert {name for name, _, _ in changes(row, after, json_row)} <= named
    assert mended(row, fix, json_row) == after
    for name, value in fix.set.items():
        assert after.get(name) == value
        assert (name in after) == (value is not None)


@given(st.fixed_dictionaries({"event_id": clean, "text": clean}, optional=dict.fromkeys(FIELDS[1:7], clean)),
       st.sampled_from(["gb18030", "utf-16", "utf-32-le", "utf-7", "utf-8"]))
def test_bytes_in_another_encoding_become_the_record_in_utf8(row, encoding):
    value = line(row)
    assert mended(value.decode().encode(encoding), Fix(encoding=encoding), json_row) == value


@given(st.datetimes(dt.datetime(1970, 1, 2), dt.datetime(9999, 12, 30)), st.sampled_from(["UTC", "Europe/Berlin", "Africa/Monrovia"]))
def test_a_time_is_read_as_it_was_written_in_any_zone(time, zone):
    time = time.replace(microsecond=0)
    fix = parse_fix(f"[time]\nformat = '%d/%m/%Y %H:%M:%S %z'\nzone = '{zone}'")
    aware = time.replace(tzinfo=dt.timezone(dt.timedelta(hours=-3)))
    said = mended({"event_time": aware.strftime("%d/%m/%Y %H:%M:%S %z")}, fix, json_row)["event_time"]
    assert dt.datetime.fromisoformat(said) == aware
    fix = Fix(time=TimeFix(format="%d/%m/%Y %H:%M:%S", zone=zone))
    local = mended({"event_time": time.strftime("%d/%m/%Y %H:%M:%S")}, fix, json_row)
    event = from_mapping(GOOD | local, None)
    assert isinstance(event, TextEvent)
    if zone == "UTC":
        assert local["event_time"] == time.replace(tzinfo=dt.UTC).isoformat()


def test_of_a_time_that_clocks_show_twice_the_first_counts():
    fix = Fix(time=TimeFix(format="%Y-%m-%d %H:%M", zone="Europe/Berlin"))
    assert mended({"event_time": "2026-10-25 02:30"}, fix, json_row) == {"event_time": "2026-10-25T00:30:00+00:00"}


def test_fields_may_change_places():
    assert mended({"a": 1, "b": 2, "c": 3}, Fix(rename={"a": "b", "b": "a"}), json_row) == {"b": 1, "a": 2, "c": 3}


@pytest.mark.parametrize(("toml", "line_number", "said"), [
    ("", 0, "empty"),
    ("# nothing\n[set]\n", 0, "empty"),
    ("encoding = ''", 0, "empty"),
    ("\nencodin = 'gbk'", 2, "unknown key 'encodin'"),
    ("[time]\nformat = '%Y-%m-%d'\nzon = 'UTC'", 3, "unknown key 'zon'"),
    ("encoding = 'klingon'", 1, "klingon"),
    ("encoding = 'base64'", 1, "base64"),
    ("encoding = 'rot13'", 1, "rot13"),
    ("encoding = 'punycode'", 1, "punycode"),
    ("encoding = 'unicode_escape'", 1, "unicode_escape"),
    ("encoding = 'undefined'", 1, "undefined"),
    ("encoding = '../x'", 1, "encoding"),
    ('encoding = "gb\\u0000k"', 1, "encoding"),
    ("schema_id = -1", 1, "from 0 to 4294967295"),
    ("schema_id = 4294967296", 1, "from 0 to 4294967295"),
    ("schema_id = true", 1, "schema_id"),
    ("schema_id = 'one'", 1, "schema_id"),
    ("schema_id = 1\nencoding = 'gbk'", 2, "leave one"),
    ("[rename]\na = 'text'\nbody = 'text'", 3, "'a' and 'body' would both become 'text'"),
    ("[rename]\ntext = 'text'", 2, "has that name already"),
    ("[rename]\ntext = 7", 1, "rename"),
    ("[time]\nzone = 'UTC'", 1, "format"),
    ("[time]\nformat = '%d %d %Y'", 2, "no format"),
    ("[time]\nformat = '%Q'", 2, "no format"),
    ("[time]\nformat = '%Y-%m-%d %'", 2, "no format"),
    ('[time]\nformat = "\\u0000%Y-%m-%d"', 2, "no format"),
    ("[time]\nformat = '%H:%M'", 2, "no whole date"),
    ("[time]\nformat = '%d.%m.'", 2, "no whole date"),
    ("[time]\nformat = ''", 2, "no whole date"),
    ("[time]\nformat = '%Y-%m-%d %Z'", 2, "%Z"),
    (f"[time]\nformat = '%Y-%m-%d{' ' * 100}'", 2, "more than 100 characters"),
    ("[time]\nformat = '%Y-%m-%d'\nzone = 'Mars/Base'", 3, "Mars/Base"),
    ("[time]\nformat = '%Y-%m-%d'\nzone = '../../etc/passwd'", 3, "zone"),
    ("[time]\nformat = '%Y-%m-%d'\nzone = ''", 3, "zone"),
    ("[time]\nformat = '%Y-%m-%d'\nzone = 'Europe'", 3, "zone"),
    ("time = 'now'", 1, "time"),
    ("set = 1", 1, "set"),
    ("[set]\nsource = ['a']", 2, "got an array"),
    ("[set]\nevent_time = 2026-06-01T12:00:00Z", 2, "got a datetime"),
    ("[set]\nstars = nan", 2, "number out of range"),
    ("[set]\nstars = 9223372036854775808", 2, "number out of range"),
    ("[set\n", 0, "line 1"),
    ("set.x = " + "9" * 5_000, 0, "too large"),
    ("set.x = " + "[" * 5_000, 0, "too large"),
    ("#" * 16_385, 0, "more than the 16384"),
    ('"a\\nb" = 1', 0, "unknown key"),
])  # fmt: skip
def test_a_fix_that_cannot_be_used_is_one_line_with_its_key_and_place(toml, line_number, said):
    message = refused(parse_fix, toml)
    assert said in message
    assert message.startswith(f"line {line_number}: ") == bool(line_number)


@pytest.mark.parametrize("text", [
    "", "{", "[]", "{}", '{"encoding": 1}', '{"more": 1}', '{"encoding": "base64"}', '{"set": {"a": [1]}}', r'{"a\nb": 1}', "\ud800"])
def test_what_a_store_holds_that_is_no_fix_is_an_error(text):
    refused(decode_fix, text)


@pytest.mark.parametrize(("value", "fix", "said"), [
    (b"{}", Fix(rename={"body": "text"}), "no field 'body'"),
    (b'{"body":"a","text":"b"}', Fix(rename={"body": "text"}), "'text', which has a value"),
    (b"{}", Fix(time=TimeFix(format="%d.%m.%Y")), "no field 'event_time'"),
    (b'{"event_time":5}', Fix(time=TimeFix(format="%d.%m.%Y")), "expected text, got a number"),
    (b'{"event_time":null}', Fix(time=TimeFix(format="%d.%m.%Y")), "expected text, got null"),
    (b'{"event_time":"Jo 12\\n"}', Fix(time=TimeFix(format="%d.%m.%Y")), r"'%d.%m.%Y' means, got 'Xx 99\n'"),
    (b'{"event_time":"01.01.0001"}', Fix(time=TimeFix(format="%d.%m.%Y", zone="Asia/Shanghai")), "99.99.9999"),
    (b"[1]", Fix(set={"source": "a"}), "expected a JSON object, got an array"),
    (b"\xff", Fix(set={"source": "a"}), "not valid UTF-8 at byte 0"),
    (b"a\xff\xff", Fix(encoding="gbk"), "not valid gbk at byte 1"),
    (b"+2D0-", Fix(encoding="utf-7"), "not valid utf-7"),
    (b"{}", Fix(schema_id=1), "begins with byte 0"),
    (b"\0\0\0\1", Fix(schema_id=1), "begins with byte 0"),
    ({"text": "a"}, Fix(schema_id=1), "leave schema_id out"),
    ({"text": "a"}, Fix(encoding="gbk"), "leave encoding out"),
])  # fmt: skip
def test_a_fix_that_does_not_fit_a_record_says_why(value, fix, said):
    assert said in refused(mended, value, fix, json_row)


objects = st.dictionaries(
    st.sampled_from([*FIELDS, "x", "y\ud800"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([2**70, 10**400, 1e308]),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2), max_leaves=4), max_size=6)  # fmt: skip


@given(objects | st.lists(objects, max_size=1) | st.none(), st.booleans(), st.sampled_from([b"", b"}", b"\xff"]))
def test_a_row_of_json_is_judged_as_its_bytes_are(value, ascii_only, more):
    written = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass") + more
    row = json_row(written)
    assert (row if isinstance(row, Rejected) else from_mapping(row, 5)) == JsonDecoder().decode(written, 5)


@given(st.dictionaries(clean, scalars | st.lists(clean)))
def test_a_row_of_json_has_every_field(row):
    assert json_row(line(row)) == row


def test_numbers_beyond_python_are_kept_as_text_where_they_are_unknown():
    value = b'{"event_id":"a","text":"b","x":1e999,"y":[%s]}' % (b"9" * 5_000)
    assert {name: json_row(value)[name] for name in "xy"} == attributes(value)
    assert json_row(b'{"event_id":1e999}').reason is Reason.MALFORMED


@pytest.mark.parametrize("value", [b"[" * (MAX_VALUES + 1), b'{"x":"' + b"," * (MAX_VALUES + 1) + b'"}', b" " * (MAX_RECORD_BYTES + 1)])
def test_a_row_of_json_has_bounds(value):
    assert json_row(value).reason is Reason.TOO_LONG


def test_json_nested_too_deeply_is_no_row():
    assert "too deeply" in json_row(b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}").detail


@pytest.mark.parametrize(("before", "after", "said"), [
    (b'{"a":1,"b":"x","c":null}', {"b": "y", "a": 1, "d": 1.5}, [("b", "x", "y"), ("c", "null", None), ("d", None, "1.5")]),
    (b'{"a":1}', {"a": "1"}, [("a", "1", "1")]),
    (b'{"a":1}', {"a": True}, [("a", "1", "true")]),
    ({"a": dt.datetime(2026, 6, 1, tzinfo=dt.UTC)}, {"a": ["\ud800"]}, [("a", "2026-06-01T00:00:00+00:00", r"['\ud800']")]),
    ({"a": float("nan"), "b": b"\xff"}, {"a": float("nan"), "b": b"\xff"}, []),
    (b"\xff", b"\xff", []),
    (b"\xff" * 300, b'{"a":1}', [("record", "\ufffd" * 200, '{"a":1}')]),
    (b"[1]", {"a": 1}, [("record", "[1]", '{"a":1}')]),
])  # fmt: skip
def test_changes_are_told_field_by_field(before, after, said):
    assert changes(before, after, json_row) == said


@pytest.mark.parametrize(("fix", "said"), [
    (Fix(set={"source": "secret"}, rename={"body": "text"}, time=TimeFix(format="%d.%m.%Y", zone="Europe/Berlin")),
     "rename body to text; event_time by '%d.%m.%Y' in Europe/Berlin; set source"),
    (Fix(encoding="gbk", time=TimeFix(field="created at", format="%Y-%m-%d %z"), set={"x": None}),
     "read as gbk; event_time from 'created at' by '%Y-%m-%d %z'; remove x"),
    (Fix(schema_id=0), "schema id 0"),
])  # fmt: skip
def test_a_summary_names_changes_and_no_values(fix, said):
    assert summary(fix) == said
