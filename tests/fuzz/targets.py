"""What is fuzzed: each target takes any bytes, asserts the law of one door of textpulse, and says which way the bytes went.

A new one is two lines: a function and its entry in TARGETS.
"""
import functools
import json
import re
import socket
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import msgspec

from dashboards.page import address
from insights.cells import Cell, Unit
from insights.redact import CHARACTERS, sample_of
from insights.store import _dead_row
from models.patterns.find import MOST, find
from pipelines import values
from pipelines.commands.output import harmless
from pipelines.commands.reading import time_us
from pipelines.commands.table import table_lines
from pipelines.errors import UsageProblem
from privacy.policy import PolicyError, parse_policy
from privacy.redact import Redactor
from schemas.archived import ArchiveDecoder
from schemas.avro import AvroDecoder, schema_text
from schemas.decode import MAX_FIELD_BYTES, MAX_TIME_US, Decoder, from_mapping
from schemas.fixes import Fix, FixError, RowOf, changes, decode_fix, encode_fix, json_row, mended, parse_fix, summary
from schemas.json_events import JsonDecoder
from schemas.records import FIELDS, DeadLetter, Reason, Rejected, TextEvent
from schemas.shape import shape
from transforms.archives import read_records
from transforms.letters import SAMPLE_CHARACTERS, beginning

sys.path.insert(0, str(Path(__file__).resolve().parent))
from servers import Servers

Target = Callable[[bytes], str]
SLOW_S = 5.0
DETAIL_CHARACTERS = 1_000
LOOSE = {
    "type": "record", "name": "Loose", "fields": [
        {"name": name, "type": ["null", "string", "long", "double", "boolean", "bytes", {"type": "array", "items": "string"}]}
        for name in ("event_id", "event_time", "text", "source")],
}  # fmt: skip
RICH = {
    "type": "record", "name": "Rich", "fields": [
        {"name": "event_id", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "event_time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "text", "type": "string"},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["a", "b"]}},
        {"name": "id", "type": {"type": "fixed", "name": "Id", "size": 4}},
        {"name": "tags", "type": {"type": "array", "items": {"type": "map", "values": ["null", "float"]}}}],
}  # fmt: skip


def judged(said: TextEvent | Rejected, value: Any) -> str:
    """The law of every decoder: an event that any store takes, or a letter that any store takes."""
    if isinstance(said, Rejected):
        assert isinstance(said.reason, Reason)
        assert said.detail
        assert len(said.detail) <= DETAIL_CHARACTERS, said.detail
        sample = beginning(value, whole=True) if isinstance(value, bytes | dict) else ""
        assert len(sample) <= SAMPLE_CHARACTERS
        for text in _dead_row(DeadLetter("o", 0, said.reason, said.detail, sample=sample)).values():
            assert not isinstance(text, str) or (b"\0" not in text.encode())
        return said.reason.value
    assert isinstance(said, TextEvent)
    assert said.event_id
    assert said.text.strip()
    assert 0 <= said.time_us <= MAX_TIME_US
    for name in ("event_id", "source", "product", "channel", "author_id", "lang", "text"):
        text = getattr(said, name)
        assert "\0" not in text
        assert len(text.encode()) <= (65_536 if name == "text" else MAX_FIELD_BYTES)   # which lone surrogates would not let
    return "event"


def decoded(decoder: Decoder, data: Any) -> str:
    """The same answer twice, and attributes of what is accepted."""
    said = decoder.decode(data, None)
    assert decoder.decode(data, None) == said
    if isinstance(said, TextEvent):
        assert all(isinstance(text, str) for pair in decoder.attributes(data).items() for text in pair)
    return judged(said, data)


def json_record(data: bytes) -> str:
    """JsonDecoder: its fast way says the same as the rules for any row."""
    outcome = decoded(_JSON, data)
    try:
        row = msgspec.json.decode(data)
    except (ValueError, RecursionError):
        return outcome
    if isinstance(row, dict):
        assert from_mapping(row, None) == _JSON.decode(data, None)
    return outcome


def avro_record(data: bytes) -> str:
    """AvroDecoder: the first byte chooses one of four schemas."""
    return decoded(_avro(), b"\0\0\0\0" + bytes([data[0] % 5 if data else 1]) + data[1:])


def of_file(ending: str, data: bytes) -> list[Any]:
    """All records of an archive. Its numbers go on, and at most the last one stands for what could not be read."""
    path = f"memory://fuzz/a{ending}"
    fsspec.filesystem("memory").pipe(path, data)
    found: list[Any] = []
    for batch in read_records(path, block_bytes=64):
        assert batch.first == len(found)
        assert 0 <= batch.bytes_read <= batch.size_bytes == len(data)
        found += batch.values
    return found


def archive(ending: str, data: bytes) -> str:
    """ArchiveDecoder over what read_records gives."""
    found = of_file(ending, data)
    outcomes = [judged(_ARCHIVED.decode(value, None), value) for value in found]
    assert sum("is lost" in value.detail for value in found[:-1] if isinstance(value, Rejected)) == 0
    return f"{min(len(found), 3)} {'-'.join(sorted(set(outcomes)))[:60]}"


def json_lines(data: bytes) -> str:
    """Plain lines: nothing is lost."""
    found = of_file(".jsonl", data)
    assert b"\n".join(found) == data.removesuffix(b"\n")
    return archive(".jsonl", data)


def gzip_lines(data: bytes) -> str:
    """Where zlib reads all of it, so do we."""
    member = zlib.decompressobj(31)
    try:
        plain = member.decompress(data, 1 << 20)
    except zlib.error:
        return archive(".jsonl.gz", data)
    if member.eof and not member.unused_data.strip(b"\0"):
        assert b"\n".join(of_file(".jsonl.gz", data)) == plain.removesuffix(b"\n")
    return archive(".jsonl.gz", data)


def page_address(data: bytes) -> str:
    """A view, whose address leads to it again, or BadAddress."""
    text = data.decode("utf-8", "replace")
    try:
        view = address.parse(text)
    except address.BadAddress as error:
        return error.expected
    assert address.parse(address.query(view)) == view
    assert address.language_of(view, text) in address.LANGUAGES
    view.filters(0, 1 << 50)
    return "view"


def option_values(data: bytes) -> str:
    """Each parser of options: a value or ValueError."""
    text = data.decode("utf-8", "replace")
    outcome = ""
    for parse in _PARSERS:
        try:
            outcome += "" if parse(text) is None else "1"
        except ValueError:
            outcome += "0"
    try:
        time_us(text, "--from")
    except UsageProblem:
        return outcome
    return outcome + "t"


def redaction(data: bytes) -> str:
    """What is hidden is in order and gone, the rest is as it was; a sample is one line of bounded length that can be printed, soon."""
    text = data.decode("utf-8", "replace")
    spans = [(at, at + 3, "person" if at % 2 else "product") for at in range(0, min(len(text) - 3, 40), 9)]
    for entities in ([], spans):
        covered = _PSEUDONYMS.redacted(text, [(start, end) for start, end, kind in entities if kind == "person"])
        bounds = [place for start, end, _ in covered.hidden for place in (start, end)]
        assert bounds == sorted(bounds)
        assert all(0 <= place <= len(text) for place in bounds)
        kept = [text[start:end] for start, end in zip([0, *bounds[1::2]], [*bounds[::2], len(text)], strict=True)]
        assert re.fullmatch(r"\[\w+(:[a-z2-7]{16})?\]".join(map(re.escape, kept)), covered.text)
        said, places = sample_of(text, entities, covered.hidden)
        assert sample_of(text, entities, covered.hidden) == (said, places)
        assert len(said) <= CHARACTERS
        assert said.isprintable()
        assert all(0 <= start < end <= len(said) for start, end, _ in places)
    return "".join(sorted(set(re.findall(r"\[[a-z]+\]", said)) & _MASKS))


def names(data: bytes) -> str:
    """Ids and names stay different, short and the same; what is taken out of them is of a kind that is sure."""
    parts = data.decode("utf-8", "replace").replace("\0", " ")[:2_000].split("|")
    values = {value for value in parts if len(value.encode()) <= MAX_FIELD_BYTES}
    changed = _PSEUDONYMS.names(values)
    assert _PSEUDONYMS.ids(list(values)) == changed == _PSEUDONYMS.names(values)
    assert changed.keys() <= values
    assert all(len(said.encode()) <= MAX_FIELD_BYTES + 500 for said in changed.values())
    shapes = {shape(value) for value in values}
    assert all(not character.isalnum() or character in "xX9字" for text in shapes for character in text) or any(name in data.decode(
        "utf-8", "replace") for name in FIELDS)
    return str(min(len(changed), 3))


def patterns(data: bytes) -> str:
    """Spans in order, apart and on characters; a text among others says what it says alone."""
    texts = data.decode("utf-8", "replace")[:4_096].split("|")
    found = [find([text]) for text in texts]
    together = find(texts)
    assert [column.tolist() for column in together[1:]] == [
        [value for one in found for value in one[at].tolist()] for at in range(1, len(together))]
    for text, one in zip(texts, found, strict=True):
        raw, at = text.encode(), 0
        assert len(one.start) <= MOST
        for start, end in zip(one.start.tolist(), one.end.tolist(), strict=True):
            assert at <= start < end <= len(raw)
            assert raw[at:start].decode() + raw[start:end].decode()
            at = end
    return "".join(sorted({str(kind) for kind in together.type.tolist()}))


def policy(data: bytes) -> str:
    """A policy at work, or one line that says what is wrong."""
    try:
        read = parse_policy(data.decode("utf-8", "replace"))
    except PolicyError as error:
        assert str(error).strip()
        return "refused"
    Redactor(read, b"0123456789abcdef").redacted("order 123456 of jo@x.org")
    return "keeps all" if read.keeps_all else "policy"


def fix_file(data: bytes) -> str:
    """A fix that comes back from the store and is told in a line, or one line that says what is wrong."""
    try:
        fix = parse_fix(data.decode("utf-8", "replace"))
    except FixError as error:
        said = str(error)
        assert said.strip()
        assert said.isprintable()
        return re.sub(r"'.*'|[^a-z ]", "", said)[:30]
    assert decode_fix(encode_fix(fix)) == fix
    assert summary(fix).isprintable()
    return re.sub(r"[^;a-z ]", "", summary(fix))[:12]


def mend(data: bytes) -> str:
    """Every fix gives what is decoded, or one line; a row of JSON is judged as its bytes are."""
    row, plainly = json_row(data), _JSON.decode(data, None)
    judged_row = row if isinstance(row, Rejected) else from_mapping(row, None)
    too_deep = any(isinstance(said, Rejected) and "nested too deeply" in said.detail for said in (judged_row, plainly))
    assert judged_row == plainly or too_deep   # how deep may be depends on how deep the stack is
    outcomes = [_mended(data, fix, json_row) for fix in _FIXES]
    outcomes += [_mended(b"\0\0\0\0\2" + data, fix, _avro().row) for fix in _AVRO_FIXES]
    if isinstance(row, dict):
        outcomes += [_mended(row, fix, json_row) for fix in _FIXES[1:]]
    return "-".join(outcomes)


def _mended(value: Any, fix: Fix, row_of: RowOf) -> str:
    try:
        after = mended(value, fix, row_of)
    except FixError as error:
        assert str(error).strip()
        assert str(error).isprintable()
        return "no"
    assert all(isinstance(name, str) for name, _, _ in changes(value, after, row_of))
    decoder = _avro() if isinstance(after, bytes) and fix.schema_id is not None else _ARCHIVED
    return judged(decoder.decode(after, None), after)[:4]


def terminal(data: bytes) -> str:
    """What is printed in tables has no control character, and its columns fit."""
    text = harmless(data.decode("utf-8", "surrogatepass" if len(data) % 2 else "replace")) if _is_text(data) else ""
    assert text.isprintable()
    text.encode()
    lines = list(table_lines([["a", "b"], [text, "1"]], {1}, 30))
    assert all(line.isprintable() for line in lines)
    return str(len(lines))


def stored_cell(data: bytes) -> str:
    """What a damaged store holds as a cell or a unit: one, or DecodeError."""
    row = {"records": 1, "negative": 0, "neutral": 0, "positive": 1, "score_sum": 1, "authors": 1, "detail": data}
    outcome = ""
    for decode in (lambda: Cell.from_row(row), lambda: Unit.decode(data)):
        try:
            decode()
            outcome += "1"
        except (msgspec.DecodeError, UnicodeDecodeError):
            outcome += "0"
    return outcome


def http_server(host: str, port: int) -> Target:
    """A target for raw bytes against a server that runs: it answers by HTTP or not at all, says nothing of its inside, and goes on."""

    def door(data: bytes) -> str:
        said = _asked(host, port, data)
        assert not said or said.startswith((b"HTTP/", b"<")), said[:80]   # to HTTP/0.9 without a status
        assert b"Traceback" not in said
        assert _asked(host, port, b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/")
        return said[9:12].decode("ascii", "replace")

    return door


def _asked(host: str, port: int, data: bytes) -> bytes:
    with socket.create_connection((host, port), timeout=SLOW_S) as server:
        try:
            server.sendall(data)
            server.shutdown(socket.SHUT_WR)
            return server.recv(1 << 16)
        except ConnectionError:
            return b""


def timed(target: Target, data: bytes) -> str:
    """The target, which must not be slow: hostile bytes may not make it so."""
    begun = time.process_time()
    outcome = target(data)
    assert time.process_time() - begun < SLOW_S, "slow"
    return outcome


@functools.cache
def _avro() -> AvroDecoder:
    folder = Path(tempfile.mkdtemp(prefix="textpulse-fuzz-"))
    for number, text in enumerate((schema_text("TextEvent"), json.dumps(LOOSE), json.dumps(RICH), schema_text("InsightCell")), 1):
        (folder / f"{number}.avsc").write_text(text, encoding="utf-8")
    return AvroDecoder(folder)


@functools.cache
def _servers() -> Servers:
    return Servers()


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


_PSEUDONYMS = Redactor(parse_policy('default = "pseudonym"'), b"0123456789abcdef")
_MASKS = {"[link]", "[email]", "[handle]", "[key]", "[address]", "[code]", "[number]", "[person]"}
_TIME_AND_NAMES = "time.format = '%d.%m.%Y'\ntime.zone = 'Europe/Berlin'\n[rename]\nx = 'source'\n"
_FIXES = [parse_fix(text) for text in ("encoding = 'gb18030'", "set = {source = 'a', x = 1}", _TIME_AND_NAMES)]
_AVRO_FIXES = [parse_fix(f"schema_id = 1\n{more}") for more in ("", "set.source = 'a'", _TIME_AND_NAMES)]
_JSON, _ARCHIVED = JsonDecoder(), ArchiveDecoder()
_PARSERS = (
    values.duration_s, values.positive_s, values.size_bytes, values.positive_bytes, values.port_number, values.count, values.pace,
    values.rate, values.poll_size, values.name, values.topic, values.topics, values.servers, values.one_of("a", "b"))

TARGETS: dict[str, Target] = {
    "json": json_record,
    "avro": avro_record,
    "jsonl": json_lines,
    "gzip": gzip_lines,
    "container": functools.partial(archive, ".avro"),
    "parquet": functools.partial(archive, ".parquet"),
    "address": page_address,
    "options": option_values,
    "redact": redaction,
    "names": names,
    "patterns": patterns,
    "policy": policy,
    "fix": fix_file,
    "mend": mend,
    "metrics": lambda data: _servers().metrics(data),
    "page": lambda data: _servers().page(data),
    "terminal": terminal,
    "cell": stored_cell,
}
