"""Writes a prepared folder: the rows, both reports and the manifest, with the digest of each file."""
import gzip
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from models.document import markdown, page
from models.folder import sync, write_json
from models.preparation import manifest
from models.preparation.manifest import Manifest
from models.preparation.read import file_name
from models.preparation.report import document
from models.preparation.row import Row

MARKDOWN, PAGE = "report.md", "report.html"


def write(new: Path, rows: Sequence[Row], result: Manifest) -> None:
    """Writes the rows to the folder, and the manifest with what was written added to it.

    Raises DataError when rows were lost on the way.
    """
    by_file: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        by_file[row.set, row.split].append(row)
    counts = {one.name: one for one in result.sets}
    for (name, split), of_file in by_file.items():
        result.written[file_name(name, split)] = _write_rows(new / file_name(name, split), of_file)
        counts[name].written[split] = len(of_file)
        for row in of_file:
            counts[name].licences[row.licence] = counts[name].licences.get(row.licence, 0) + 1
    manifest.check_accounts(result)
    report = document(result)
    for name, text in ((MARKDOWN, markdown.text(report)), (PAGE, page.text(report))):
        (new / name).write_text(text, encoding="utf-8")
        result.written[name] = digest(text.encode())
    write_json(new / manifest.NAME, result)
    sync(new)


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _write_rows(path: Path, rows: Iterable[Row]) -> str:
    """Writes them in the order of their ids, and returns the digest: the same rows give the same bytes."""
    lines = b"".join(msgspec.json.encode(row) + b"\n" for row in sorted(rows, key=lambda row: row.id))
    content = gzip.compress(lines, compresslevel=6, mtime=0)
    path.write_bytes(content)
    return digest(content)
