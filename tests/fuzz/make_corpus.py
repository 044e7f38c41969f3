"""Writes the corpus that fuzzing begins from: small good inputs of each kind. Inputs that once failed are added by hand."""
import decimal
import gzip
import io
import json
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
from servers import TOKEN
from targets import LOOSE, RICH

from insights.cells import Cell, Unit
from schemas.avro import as_row, encode_wire, write_container
from schemas.records import TextEvent

CORPUS = Path(__file__).resolve().parent / "corpus"
NOON_US = 1_780_315_200_000_000
EVENTS = [TextEvent(f"e{n}", NOON_US + n, f"the parcel {n} is late 包裹", "posts", "Acme", "web", "u1", "en") for n in range(4)]
ROWS = [{name: value for name, value in as_row(event).items() if name != "offset"} for event in EVENTS]
LINES = [
    json.dumps({**row, "event_time": row["event_time"].isoformat(), "stars": 4, "tags": ["a"]}, ensure_ascii=n % 2 == 0).encode()
    for n, row in enumerate(ROWS)]


def wire(schema: dict[str, Any], number: int, row: dict[str, Any]) -> bytes:
    """The schema's number, and the body."""
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(schema), row)
    return bytes([number]) + body.getvalue()


def container(codec: str) -> bytes:
    """Our events."""
    file = io.BytesIO()
    write_container(file, "TextEvent", ROWS, codec)
    return file.getvalue()


REQUESTS = [
    b"GET /metrics HTTP/1.1\r\nHost: localhost:9464\r\nAccept: text/plain\r\nAccept-Encoding: gzip\r\n\r\n",
    b"HEAD / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", b"GET /metrics?a=%41 HTTP/1.1\r\nHost: [::1]:9464\r\nOrigin: https://a.example\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + TOKEN.encode() + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic YTpi\r\nContent-Length: 3\r\n\r\nabc"]


def rich() -> dict[str, Any]:
    """A row of RICH."""
    return {"event_id": "12345678-1234-5678-1234-567812345678", "event_time": 1, "text": "x", "price": "1.25", "day": 1, "kind": "a",
            "id": b"1234", "tags": [{"a": 1.5, "b": None}]}


def rich_container() -> bytes:
    """With logical types, an array and a map."""
    file = io.BytesIO()
    fastavro.writer(file, fastavro.parse_schema(RICH), [rich() | {"price": decimal.Decimal("1.25")}] * 2)
    return file.getvalue()


def parquet(rows: list[dict[str, Any]], **options: Any) -> bytes:
    """A file."""
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file, store_schema=False, **options)
    return file.getvalue()


def inputs() -> dict[str, list[bytes]]:
    """By target."""
    cell = Cell(1, 0, 0, 1, 9_000, {"brand\tAcme": 1}, {"late": (0, 0, 1)}, [0] * 9 + [1], (1, 2), ((7, "e1"),), {"v1": 1})
    texts = [
        "plain words", "mail me at a.b@example.com or @someone, +49 30 1234567", "card 4111 1111 1111 1111, DE89 3704 0044 0532 0130 00",
        "https://example.com/?token=abcdef0123456789abcdef0123 from 10.0.0.1 and fe80::1", "身份证 11010519491231002X 电话 13800138000",
        "x" * 700]
    return {
        "json": [*LINES, b'{"event_id":"a","event_time":1780315200000,"text":"b"}',
                 rb'{"event_id":"a","text":"\ud83d\ude00"}', b"[1]", b""],
        "avro": [
                 b"\1" + encode_wire(EVENTS[0], 1)[5:], wire(LOOSE, 2, {"event_id": "a", "event_time": None, "text": "x", "source": 1.5}),
                 wire(RICH, 3, rich() | {"price": decimal.Decimal("1.25")}), b""],
        "jsonl": [b"\n".join(LINES), b"\n".join(LINES) + b"\n", b"\n\n{}\r\n"],
        "gzip": [gzip.compress(b"\n".join(LINES), mtime=0), gzip.compress(LINES[0] + b"\n", mtime=0) * 2 + b"\0\0", b"\x1f\x8b"],
        "container": [*(container(codec) for codec in ("null", "deflate", "bzip2", "xz")), rich_container()],
        "parquet": [
            parquet(ROWS), parquet(ROWS, use_dictionary=False, compression="none"), parquet(ROWS, data_page_version="2.0"),
            parquet([{"event_id": "a", "text": ["x"], "n": 1.5, "more": {"a": 1}}] * 3),
            parquet(ROWS, use_dictionary=False, column_encoding={"text": "DELTA_BYTE_ARRAY"}, compression="gzip")],
        "address": [
            b"?range=1h&source=posts&product=Acme&lang=zh", b"from=2026-06-01T00:00Z&to=2026-06-02T00:00%2B02:00",
            b"reason=late&entity=brand:Acme&term=x",
            b"after=WzEsInRleHRzLzAiLDcsImxhdGUiXQ", b"language=&topic=%E5%8C%85"],
        "options": [b"90s", b"500ms", b"1.5h", b"64k", b"1G", b"9092", b"a.b-c_d", b"t1,t2", b"h:1,[::1]:2", b"2026-06-01T00:00Z", b"1e3"],
        "redact": [text.encode() for text in texts],
        "patterns": [text.encode() for text in (
            "order no. AB-1234-99 of 5 May 2024|订单号：2024050112345，5月1日|$1,200.50 is 12.5%", "#话题##a|@some_one@b #c http://a.example/#d|百分之五")],
        "names": [b"kettle|jo@x.org|@someone|4111 1111 1111 1111-7", b"550e8400-e29b-41d4-a716-446655440000", b"a 138123456789|10.0.0.1"],
        "policy": [
            b'default = "mask"\n[kinds]\nemail = "keep"\n[patterns.order]\npattern = "order (\\\\d{6})"\n[key]\nfile = "/a"\n',
            b'default = "keep"\nauthor_id = "keep"\nfields = "keep"\n[[examples]]\ntext = "a"\nbecomes = "a"\n'],
        "fix": [
            b"encoding = 'gb18030'\n[rename]\nbody = 'text'\nid = 'event_id'\n[set]\nsource = 'posts'\nstars = 4\nlate = true\n",
            b"schema_id = 7\n[time]\nfield = 'created'\nformat = '%d.%m.%Y %H:%M'\nzone = 'Europe/Berlin'\n",
            "time.format = '%Y年%m月%d日 %z'\nset.x = 1.5e3\nset.y = -0x1F".encode(),
            b"encoding = 'base64'", b"set = {a = [1, {b = nan}], c = 2026-06-01T12:00:00Z}"],
        "mend": [
            LINES[1], LINES[1].decode().encode("gb18030"), b'{"event_id":"a","event_time":"01.06.2026","x":"posts","text":"b"}',
            encode_wire(EVENTS[0], 1)[5:], b'{"x":1e999,"y":[' + b"9" * 50 + b"]}"],
        "metrics": REQUESTS,
        "page": [*REQUESTS, b"POST /talk HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
                 b"POST /talk/a HTTP/1.1\r\nHost: localhost:1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
                 b"GET /fail%20a?b=c HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-Prefix: /x\r\nOrigin: http://127.0.0.1\r\n\r\n"],
        "terminal": [text.encode() for text in (*texts, "\x1b[31mred\x1b[0m\r\n\u202e\u200b字")],
        "cell": [cell.to_row()["detail"].encode(), Unit(1, 5, {("en", "card"): cell}).encode()],
    }


if __name__ == "__main__":
    for target, made in inputs().items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(made):
            (folder / f"good-{number}").write_bytes(data)
