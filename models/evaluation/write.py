"""Writes an evaluation as a folder: the report twice, and all figures. It takes its place whole or not at all."""
from pathlib import Path

import msgspec

from models.data import DataError
from models.document import markdown, page
from models.evaluation.report import document
from models.evaluation.result import FORMAT, Evaluation, TaskResult
from models.folder import is_empty, replaced_whole, sync, write_json

MARKDOWN, PAGE, SCORES = "report.md", "report.html", "scores.json"


class _Marked(msgspec.Struct):
    format: str


def check_place(out: Path) -> None:
    """Raises DataError when something else than a report is there; a report is replaced."""
    if out.exists() and not is_report(out) and not is_empty(out):
        raise DataError(f"{out}: exists and holds something else than a report of `textpulse evaluate`, so it is not replaced; "
                        "choose another --report")


def is_report(folder: Path) -> bool:
    """Whether it is a folder that write made, and nothing was put beside what it wrote."""
    try:
        marked = msgspec.json.decode((folder / SCORES).read_bytes(), type=_Marked)
    except (OSError, ValueError, RecursionError):
        return False
    return marked.format == FORMAT and {path.name for path in folder.iterdir()} <= {MARKDOWN, PAGE, SCORES}


def write(found: Evaluation, out: Path) -> None:
    """Writes the folder. Raises DataError when something else than a report is there, OSError when the disk does not take it."""
    check_place(out)
    said = document(found)
    with replaced_whole(out.resolve()) as new:   # where a link leads to: the link stays
        (new / MARKDOWN).write_text(markdown.text(said), encoding="utf-8")
        (new / PAGE).write_text(page.text(said), encoding="utf-8")
        write_json(new / SCORES, without_texts(found))
        sync(new)


def without_texts(found: Evaluation) -> Evaluation:
    """The same without the texts of the worst errors, which their set and id name."""
    return msgspec.structs.replace(found, tasks=[_without_texts(of) for of in found.tasks])


def _without_texts(of: TaskResult) -> TaskResult:
    return msgspec.structs.replace(of, worst=[msgspec.structs.replace(one, text="") for one in of.worst])
