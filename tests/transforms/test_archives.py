"""Archives give every good record once, in order and numbered, and one Rejected for what is damaged."""
import gzip
import io
import json
import os
import tracemalloc
import uuid
import zlib
from pathlib import Path

import fastavro
import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.archived import ArchiveDecoder
from schemas.avro import as_row, schema_text, write_container
from schemas.records import Reason, Rejected, TextEvent
from transforms.archives import ArchiveError, expand, read_records

EVENTS = [TextEvent(f"e{n}", 1_780_315_200_000_000 + n, f"text {n} 字", "posts") for n in range(5_000)]
LINES = [
    json.dumps({"event_id": event.event_id, "event_time": str(event.time_us // 1000), "text": event.text}).encode()
    for event in EVENTS
]
JSON_LINES = b"\n".join(LINES) + b"\n"


def rows():
    return [{name: value for name, value in as_row(event).items() if name != "offset"} for event in EVENTS]


def avro_bytes(codec="deflate"):
    file = io.BytesIO()
    write_container(file, "TextEvent", rows(), codec)
    return file.getvalue()


def parquet_bytes(**options):
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows()), file, row_group_size=1_000, **options)
    return file.getvalue()


def write(folder, name, data):
    path = folder / name
    path.write_bytes(data)
    return str(path)


def values(path, **options):
    batches = list(read_records(path, **options))
    assert [batch.first for batch in batches] == [
        sum(len(batch.values) for batch in batches[:at]) for at in range(len(batches))
    ]
    return [value for batch in batches for value in batch.values]


def in_memory(data, ending=".jsonl"):
    path = f"memory://{uuid.uuid4()}{ending}"
    fsspec.filesystem("memory").pipe(path, data)
    return path


def assert_last_is_the_rest(found, good, path):
    *kept, rest = found
    assert kept == good
    assert isinstance(rest, Rejected)
    assert rest.reason is Reason.MALFORMED
    assert path in rest.detail
    assert f"record {len(good)}" in rest.detail


# --- JSON lines -------------------------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b""))), st.booleans(), st.booleans(),
       st.integers(1, 40), st.integers(1, 5))  # fmt: skip
@example([b"a" * 3_000, b"b"], True, True, 1, 2)
def test_lines_come_back_however_the_blocks_cut_them(lines, newline_at_end, packed, block_bytes, batch):
    data = b"\n".join(lines) + (b"\n" if newline_at_end and lines else b"")
    expected = data.split(b"\n")
    if not expected[-1]:
        expected.pop()
    path = in_memory(gzip.compress(data) if packed else data, ".jsonl.gz" if packed else ".jsonl")
    batches = list(read_records(path, batch=batch, block_bytes=block_bytes))
    assert [value for found in batches for value in found.values] == expected
    assert all(len(found.values) == batch for found in batches[:-1])
    assert [found.first for found in batches] == list(range(0, len(expected), batch))


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json", "A.JSONL"])
def test_the_record_number_is_the_line_number_less_one(tmp_path, name):
    batches = list(read_records(write(tmp_path, name, JSON_LINES)))
    assert [batch.first for batch in batches] == [0, 2_000, 4_000]
    assert [value for batch in batches for value in batch.values] == LINES


def test_an_empty_line_in_the_middle_is_a_malformed_record(tmp_path):
    found = values(write(tmp_path, "a.jsonl", b"{}\n\n{}\n"))
    assert found == [b"{}", b"", b"{}"]
    assert ArchiveDecoder().decode(found[1], None).reason is Reason.MALFORMED


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.avro", "a.parquet"])
def test_an_empty_file_has_no_records(tmp_path, name):
    assert values(write(tmp_path, name, b"")) == []


def test_an_empty_gzip_member_has_no_records(tmp_path):
    assert values(write(tmp_path, "a.jsonl.gz", gzip.compress(b""))) == []


@given(st.integers(0, 60), st.integers(1, 40), st.integers(1, 99))
def test_a_line_over_the_limit_is_rejected_and_the_others_stay(long_bytes, limit, block_bytes):
    data = b"ok\n" + b"x" * long_bytes + b"\nalso\n"
    before, long, after = values(in_memory(data), max_record_bytes=max(4, limit), block_bytes=block_bytes)
    assert (before, after) == (b"ok", b"also")
    if long_bytes > max(4, limit):
        assert long.reason is Reason.TOO_LONG
        assert f"{long_bytes} bytes" in long.detail
    else:
        assert long == b"x" * long_bytes


def test_a_line_over_the_limit_is_never_held_in_memory(tmp_path):
    path = write(tmp_path, "a.jsonl.gz", gzip.compress(b"a\n" + b"x" * 50_000_000 + b"\nb\n", 1))
    tracemalloc.start()
    before, _, after = values(path, max_record_bytes=1 << 20)
    assert (before, after) == (b"a", b"b")
    assert tracemalloc.get_traced_memory()[1] < 12_000_000
    tracemalloc.stop()


# --- gzip -------------------------------------------------------------------------------------------------------------


def test_gzip_of_many_members_and_zeros_at_the_end_is_one_file(tmp_path):
    packed = b"".join(gzip.compress(line + b"\n") for line in LINES[:300]) + b"\0" * 700
    assert values(write(tmp_path, "a.jsonl.gz", packed)) == LINES[:300]


@pytest.mark.parametrize("block_bytes", [64, 1 << 20])
@pytest.mark.parametrize("cut", [1, 5, 12, 1_000, 20_000])
def test_gzip_cut_short_keeps_its_whole_lines_and_rejects_the_rest_once(tmp_path, cut, block_bytes):
    packed = gzip.compress(JSON_LINES)[:-cut]
    path = write(tmp_path, "a.jsonl.gz", packed)
    inflated = zlib.decompressobj(31).decompress(packed)
    found = values(path, block_bytes=block_bytes)
    assert_last_is_the_rest(found, inflated.split(b"\n")[:-1], path)
    assert f"byte {len(packed)}" in found[-1].detail


@pytest.mark.parametrize("block_bytes", [1, 8, 1 << 20])
def test_gzip_cut_short_keeps_what_zlib_still_holds_back(tmp_path, block_bytes):
    packed = gzip.compress(b"ab\n" * 1_000)[:-9]
    path = write(tmp_path, "a.jsonl.gz", packed)
    whole = zlib.decompressobj(31).decompress(packed).count(b"\n")
    assert_last_is_the_rest(values(path, block_bytes=block_bytes), [b"ab"] * whole, path)


def test_gzip_damaged_in_the_middle_keeps_what_came_before(tmp_path):
    first, second = gzip.compress(JSON_LINES), bytearray(gzip.compress(JSON_LINES))
    second[1] ^= 255
    path = write(tmp_path, "a.jsonl.gz", first + bytes(second))
    found = values(path)
    assert_last_is_the_rest(found, LINES, path)
    assert f"byte {len(first)}" in found[-1].detail or f"byte {len(first) + 1}" in found[-1].detail


def test_gzip_with_a_wrong_checksum_keeps_its_lines_and_says_so(tmp_path):
    packed = bytearray(gzip.compress(JSON_LINES))
    packed[-5] ^= 255
    path = write(tmp_path, "a.jsonl.gz", bytes(packed))
    assert_last_is_the_rest(values(path), LINES, path)


@pytest.mark.parametrize("data", [JSON_LINES, b"\0" * 100, b"\x1f"])
def test_a_file_that_is_no_gzip_at_all_is_one_rejected(tmp_path, data):
    path = write(tmp_path, "a.jsonl.gz", data)
    assert_last_is_the_rest(values(path), [], path)


@given(st.data())
def test_gzip_with_any_damage_never_raises_and_never_repeats(data):
    packed = bytearray(gzip.compress(b"\n".join(LINES[:50])))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    found = values(in_memory(bytes(packed), ".jsonl.gz"), block_bytes=data.draw(st.sampled_from([16, 300, 1 << 20])))
    assert sum(isinstance(value, Rejected) for value in found) <= 1


# --- Avro and Parquet -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz"])
def test_avro_rows_decode_to_the_events_that_were_written(tmp_path, codec):
    found = values(write(tmp_path, "a.avro", avro_bytes(codec)))
    assert [ArchiveDecoder().decode(row, None) for row in found] == EVENTS


@pytest.mark.parametrize("compression", ["snappy", "gzip", "none"])
def test_parquet_rows_decode_to_the_events_that_were_written(tmp_path, compression):
    found = values(write(tmp_path, "a.parquet", parquet_bytes(compression=compression)))
    assert [ArchiveDecoder().decode(row, None) for row in found] == EVENTS


@pytest.mark.parametrize("keep", [3, 100, 2_000, 30_000, -1])
def test_avro_cut_short_keeps_its_records_and_rejects_the_rest_once(tmp_path, keep):
    path = write(tmp_path, "a.avro", avro_bytes("null")[:keep])
    found = values(path)
    assert_last_is_the_rest(found, rows()[: len(found) - 1], path)
    assert len(found) > 100 or keep < 30_000


def test_avro_damaged_in_a_block_keeps_the_blocks_before(tmp_path):
    data = bytearray(avro_bytes())
    data[len(data) // 2] ^= 255
    path = write(tmp_path, "a.avro", bytes(data))
    found = values(path)
    assert 1 < len(found) < len(EVENTS)
    assert_last_is_the_rest(found, rows()[: len(found) - 1], path)


@given(st.data())
def test_avro_with_any_damage_never_raises(data):
    file = io.BytesIO()
    write_container(file, "TextEvent", EVENTS[:20], "null")
    raw = bytearray(file.getvalue())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    found = values(in_memory(bytes(raw), ".avro"))
    assert sum(isinstance(value, Rejected) for value in found) <= 1


def test_one_string_that_is_no_utf8_costs_avro_one_record(tmp_path):
    data = avro_bytes("null").replace(b"text 7 ", b"text \xff ")
    found = values(write(tmp_path, "a.avro", data))
    bad = ArchiveDecoder().decode(found[7], None)
    assert (bad.reason, bad.detail[:5]) == (Reason.BAD_ENCODING, "text:")
    assert len(found) == len(EVENTS)


def test_an_unknown_avro_codec_is_one_rejected_that_lists_the_known_ones(tmp_path):
    path = write(tmp_path, "a.avro", avro_bytes("null").replace(b"\x08null", b"\x0cbrotli"))
    (found,) = values(path)
    assert found.reason is Reason.MALFORMED
    assert "'brotli'; there are null, deflate, bzip2, xz, snappy" in found.detail


@pytest.mark.parametrize("codec", ["snappy", "zstandard", "lz4"])
def test_the_codecs_of_other_programs_are_read(tmp_path, codec):
    body = packed_body(avro_bytes("null"))
    size = len(body).to_bytes(4, "little")
    packed = {
        "snappy": pa.compress(body, "snappy", asbytes=True) + zlib.crc32(body).to_bytes(4, "big"),
        "zstandard": pa.compress(body, "zstd", asbytes=True), "lz4": size + pa.compress(body, "lz4_raw", asbytes=True),
    }[codec]  # fmt: skip
    found = values(write(tmp_path, "a.avro", container(codec, len(EVENTS), packed)))
    assert [ArchiveDecoder().decode(row, None) for row in found] == EVENTS


def packed_body(data):
    """The records of a container of one block or several, without what stands around them."""
    return b"".join(block.bytes_.getvalue() for block in fastavro.block_reader(io.BytesIO(data)))


def container(codec, count, body, schema=None):
    """A container of one block; schema: ours."""
    file = io.BytesIO(b"Obj\x01")
    file.seek(4)
    metadata = {"avro.schema": (schema or schema_text("TextEvent")).encode(), "avro.codec": codec.encode()}
    fastavro.schemaless_writer(file, {"type": "map", "values": "bytes"}, metadata)
    file.write(b"s" * 16)
    fastavro.schemaless_writer(file, "long", count)
    fastavro.schemaless_writer(file, "bytes", body)
    return file.getvalue() + b"s" * 16


def test_avro_of_bare_values_is_a_rejected_for_each(tmp_path):
    file = io.BytesIO()
    fastavro.writer(file, "string", ["a", "b"])
    assert [value.reason for value in values(write(tmp_path, "a.avro", file.getvalue()))] == [Reason.MALFORMED] * 2


@pytest.mark.parametrize("keep", [3, 5_000, -1])
def test_parquet_without_its_footer_is_one_rejected(tmp_path, keep):
    path = write(tmp_path, "a.parquet", parquet_bytes()[:keep])
    assert_last_is_the_rest(values(path), [], path)


def test_parquet_damaged_in_a_row_group_keeps_the_groups_before(tmp_path):
    data = parquet_bytes(compression="gzip", use_dictionary=False)
    start = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(3).column(0).data_page_offset
    path = write(tmp_path, "a.parquet", data[:start] + b"\xff" * 40 + data[start + 40 :])
    found = values(path, batch=1_000)
    assert_last_is_the_rest(found, rows()[:3_000], path)


def test_one_string_that_is_no_utf8_costs_parquet_one_record(tmp_path):
    data = parquet_bytes(compression="none", use_dictionary=False).replace(b"text 7 ", b"text \xff ")
    found = values(write(tmp_path, "a.parquet", data))
    bad = ArchiveDecoder().decode(found[7], None)
    assert (bad.reason, bad.detail[:5]) == (Reason.BAD_ENCODING, "text:")
    assert [value for at, value in enumerate(found) if at != 7] == [row for at, row in enumerate(rows()) if at != 7]


@pytest.mark.parametrize("name", ["a.parquet", "a.avro"])
def test_a_table_without_rows_has_no_records(tmp_path, name):
    file = io.BytesIO()
    if name == "a.avro":
        write_container(file, "TextEvent", [])
    else:
        pq.write_table(pa.Table.from_pylist(rows()).slice(0, 0), file)
    assert values(write(tmp_path, name, file.getvalue())) == []


def test_parquet_nanoseconds_become_microseconds(tmp_path):
    time = pa.array([1_780_315_200_000_000_999], pa.timestamp("ns", "UTC"))
    pq.write_table(pa.table({"event_id": ["a"], "event_time": time, "text": ["x"]}), tmp_path / "a.parquet")
    (row,) = values(str(tmp_path / "a.parquet"))
    assert ArchiveDecoder().decode(row, None).time_us == 1_780_315_200_000_000


# --- names, opening, progress -----------------------------------------------------------------------------------------


def test_globs_expand_sorted_and_each_file_once(tmp_path):
    paths = [write(tmp_path, name, b"{}\n") for name in ("a.jsonl", "b.jsonl", "c.avro")]
    (tmp_path / "d.jsonl").mkdir()
    assert expand([f"{tmp_path}/*.jsonl", paths[2], f"{tmp_path}/[ab].jsonl", paths[0]]) == paths


def test_a_path_relative_to_here_is_the_same_file_as_the_absolute_one(tmp_path, monkeypatch):
    path = write(tmp_path, "a.jsonl", b"{}\n")
    monkeypatch.chdir(tmp_path)
    assert expand(["a.jsonl", "*.jsonl", path, f"file://{path}"]) == [path]


def test_a_name_with_glob_letters_is_that_file_first(tmp_path):
    path = write(tmp_path, "a[1].jsonl", b"{}\n")
    assert expand([path]) == [path]


def test_a_url_stays_a_url():
    files = fsspec.filesystem("memory")
    files.pipe({"/arch/a.jsonl": b"{}\n", "/arch/b.jsonl": b"{}\n"})
    found = expand(["memory://arch/*.jsonl"])
    assert found == ["memory:///arch/a.jsonl", "memory:///arch/b.jsonl"]
    assert values(found[0]) == [b"{}"]


def test_a_glob_without_a_match_is_a_usage_error_that_names_it(tmp_path):
    write(tmp_path, "a.jsonl", b"")
    with pytest.raises(ArchiveError, match=r"\*\.avro: the glob matches no file"):
        expand([f"{tmp_path}/*.jsonl", f"{tmp_path}/*.avro"])


@pytest.mark.parametrize("pattern", ["nowhere.jsonl", "nowhere/*.jsonl", "nosuch://x/*.jsonl", "."])
def test_a_path_that_is_no_file_is_a_usage_error_that_names_it(tmp_path, monkeypatch, pattern):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArchiveError) as caught:
        expand([pattern])
    assert str(caught.value).startswith(f"{pattern}: ")


def test_a_file_that_is_gone_is_named(tmp_path):
    with pytest.raises(ArchiveError, match=r"gone\.jsonl: cannot be read"):
        values(str(tmp_path / "gone.jsonl"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_named(tmp_path):
    path = write(tmp_path, "a.jsonl", b"{}\n")
    Path(path).chmod(0)
    with pytest.raises(ArchiveError, match=r"a\.jsonl: cannot be read"):
        values(path)


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), TimeoutError("too slow"), ConnectionError("gone")])
@pytest.mark.parametrize(("ending", "data"), [
    (".jsonl", JSON_LINES), (".jsonl.gz", gzip.compress(JSON_LINES)), (".avro", avro_bytes("null")),
    (".parquet", parquet_bytes()),
])  # fmt: skip
def test_a_disk_or_network_that_fails_is_no_damage(monkeypatch, ending, data, error):
    class Failing(io.BytesIO):
        def read(self, size=-1):
            if self.tell() + size > len(data) // 2:
                raise error
            return super().read(size)

    path = in_memory(data, ending)
    monkeypatch.setattr(MemoryFileSystem, "_open", lambda *args, **options: Failing(data))
    with pytest.raises(ArchiveError, match="cannot be read"):
        values(path, block_bytes=1_000)


def test_an_unknown_ending_is_a_usage_error_that_lists_the_known_ones(tmp_path):
    with pytest.raises(ArchiveError, match=r"a\.csv: .*\.parquet"):
        values(write(tmp_path, "a.csv", b"x"))


@pytest.mark.parametrize(("name", "data"), [
    ("a.jsonl", JSON_LINES), ("a.jsonl.gz", gzip.compress(JSON_LINES)), ("a.avro", avro_bytes("null")),
    ("a.parquet", parquet_bytes()),
])  # fmt: skip
def test_progress_only_grows_and_ends_at_the_files_size(tmp_path, name, data):
    batches = list(read_records(write(tmp_path, name, data), batch=700, block_bytes=10_000))
    places = [batch.bytes_read for batch in batches]
    assert places == sorted(places)
    assert {batch.size_bytes for batch in batches} == {len(data)} == {places[-1]}
    assert places[0] < len(data)


def test_a_reader_that_stops_early_closes_its_file(tmp_path):
    reader = read_records(write(tmp_path, "a.jsonl", JSON_LINES), batch=10)
    next(reader)
    reader.close()
    open_files = [_target(link) for link in Path("/proc/self/fd").iterdir()]
    assert not [name for name in open_files if name.endswith("a.jsonl")]


def _target(link):
    try:
        return str(link.readlink())
    except OSError:
        return ""  # closed since it was listed


# --- limits; the bombs are in tests/hostile ----------------------------------------------------------------------------


def test_a_batch_is_bounded_in_bytes_too(tmp_path):
    lines = [b"x" * 9_000_000] * 5
    batches = list(read_records(write(tmp_path, "a.jsonl", b"\n".join(lines))))
    assert [value for batch in batches for value in batch.values] == lines
    assert max(sum(map(len, batch.values)) for batch in batches) < 40_000_000


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.avro", "a.parquet"])
def test_data_that_repeat_themselves_a_hundred_times_are_no_bomb(tmp_path, name):
    lines = [b'{"event_id":"e%07d","event_time":1780315200000,"text":"%s"}' % (n, b"the same text again, " * 40) for n in range(30_000)]
    if name == "a.jsonl.gz":
        data = gzip.compress(b"\n".join(lines))
    else:
        events = [as_row(ArchiveDecoder().decode(line, None)) for line in lines]
        file = io.BytesIO()
        if name == "a.avro":
            write_container(file, "TextEvent", events)
        else:
            pq.write_table(pa.Table.from_pylist(events), file)
        data = file.getvalue()
    assert len(data) * 15 < sum(map(len, lines))
    found = values(write(tmp_path, name, data))
    assert [ArchiveDecoder().decode(value, None).event_id for value in found] == [f"e{n:07}" for n in range(30_000)]


def test_a_column_of_lists_or_structs_is_not_read_and_as_a_field_it_is_a_wrong_type(tmp_path):
    one = {"event_id": "a", "event_time": 1_780_315_200_000, "text": "x", "tags": ["a", "b"], "more": {"a": 1}}
    pq.write_table(pa.Table.from_pylist([one, one | {"text": "y"}]), tmp_path / "a.parquet")
    assert [ArchiveDecoder().decode(row, None).text for row in values(str(tmp_path / "a.parquet"))] == ["x", "y"]
    pq.write_table(pa.Table.from_pylist([one | {"text": ["x"]}]), tmp_path / "b.parquet")
    (row,) = values(str(tmp_path / "b.parquet"))
    assert ArchiveDecoder().decode(row, None).detail == "text: expected a string, got an array"


@pytest.mark.parametrize("options", [
    {"use_dictionary": False}, {"use_dictionary": True}, {"data_page_version": "2.0"},
    {"data_page_size": 100, "dictionary_pagesize_limit": 500}, {"store_schema": False},
    {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY", "event_id": "DELTA_LENGTH_BYTE_ARRAY"}},
    {"write_page_index": True, "write_page_checksum": True}, {"compression": "lz4"}, {"compression": "brotli"}, {"compression": "zstd"},
], ids=str)  # fmt: skip
def test_every_way_of_writing_parquet_gives_the_same_rows(tmp_path, options):
    assert values(write(tmp_path, "a.parquet", parquet_bytes(**options))) == rows()


def test_a_column_kept_as_a_dictionary_gives_its_strings(tmp_path):
    table = pa.Table.from_pylist(rows())
    kept = table.set_column(table.schema.get_field_index("source"), "source", table["source"].dictionary_encode())
    pq.write_table(kept, tmp_path / "a.parquet")
    assert values(str(tmp_path / "a.parquet")) == rows()


@pytest.mark.parametrize("kind", ["timestamp-micros", "timestamp-millis"])
def test_one_time_beyond_the_year_9999_costs_avro_and_parquet_one_record(tmp_path, kind):
    times = [1_780_315_200_000, 2**62, -(2**62), 1_780_315_200_001]
    fields = [{"name": "event_id", "type": "string"}, {"name": "event_time", "type": {"type": "long", "logicalType": kind}},
              {"name": "text", "type": "string"}]  # fmt: skip
    body = io.BytesIO()
    plain = {"type": "record", "name": "R", "fields": [fields[0], {"name": "event_time", "type": "long"}, fields[2]]}
    for time in times:
        fastavro.schemaless_writer(body, plain, {"event_id": "a", "event_time": time, "text": "x"})
    avro = container("null", 4, body.getvalue(), json.dumps({"type": "record", "name": "R", "fields": fields}))
    column = pa.array(times, pa.int64()).cast(pa.timestamp("us" if kind.endswith("micros") else "ms", "UTC"))
    pq.write_table(pa.table({"event_id": ["a"] * 4, "event_time": column, "text": ["x"] * 4}), tmp_path / "a.parquet")
    for path in (write(tmp_path, "a.avro", avro), str(tmp_path / "a.parquet")):
        found = [ArchiveDecoder().decode(value, None) for value in values(path)]
        assert [isinstance(one, TextEvent) for one in found] == [True, False, False, True]
        assert {one.reason for one in found[1:3]} == {Reason.WRONG_TYPE}


@given(st.data())
def test_parquet_with_any_damage_never_raises(data):
    raw = bytearray(SMALL_PARQUET)
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    values(in_memory(bytes(raw), ".parquet"))


def small_parquet():
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows()[:20]), file)
    return file.getvalue()


SMALL_PARQUET = small_parquet()
