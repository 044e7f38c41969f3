"""Asks the teachers for the vectors of all training texts: python -m models.teachers --data FOLDER --files FOLDER --out FOLDER"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models import data
from models.data import DataSet, Example
from models.taxonomy import INTENTS
from models.teachers import files
from models.teachers.encoders import PIECES, TEACHERS, Teacher
from models.teachers.guesses import guesses
from models.teachers.names import names_of
from models.teachers.parts import parts_of_all
from models.teachers.variants import varied
from schemas.tagging import SENTIMENTS

CHARACTERS = 1_000
"""More than LONGEST pieces hold."""
CHUNK = 1_024
SPACY = "en_core_web_md"
NAMED = ("tweets_en", "tweets_rated_en")
"""Sets whose texts are searched for names."""


class Asked(NamedTuple):
    """What teachers are asked about. rows: of training. made: their variants. evaluated: bare texts, none of which is among either."""

    rows: dict[DataSet, list[Example]]
    made: dict[DataSet, dict[str, Sequence[str]]]
    evaluated: set[str]


def read(folder: Path, out: Path) -> Asked:
    """Of all sets of the data folder. out: where the teachers' pieces are. Raises DataError."""
    evaluated = data.evaluated_texts(folder)
    rows = {dataset: data.train(folder, dataset, evaluated) for dataset in data.present(folder)}
    return Asked(rows, varied(rows, out, evaluated), evaluated)


def texts_of(asked: Asked, teacher: Teacher) -> list[str]:
    """Those of a teacher's languages, each once, in order of length."""
    mine = [dataset for dataset in asked.rows if dataset.language in teacher.languages]
    found = {example.text for dataset in mine for example in asked.rows[dataset]}
    if "zh" in teacher.languages:
        found |= parts_of_all(found, asked.evaluated)
    found |= {text for dataset in mine for text in asked.made.get(dataset, ())}
    return sorted(found, key=lambda text: (len(text), text))


def teach(teacher: Teacher, texts: list[str], holds: Path, threads: int, out: Path) -> bool:
    """Writes the vectors of the texts; those that are in the file already are not asked for again. False where all are."""
    before = files.read(out) if out.exists() else None
    rows = files.rows_of(before, texts) if before else np.full(len(texts), -1)
    new = [text for text, row in zip(texts, rows, strict=True) if row < 0]
    if before and not new and len(before.keys) == len(texts):
        return False
    found = [before.values[rows[rows >= 0]].astype(np.float32)] if before else []
    if new:
        encode = teacher.load(holds, threads)
        for at in range(0, len(new), CHUNK):
            found.append(encode([text[:CHARACTERS] for text in new[at : at + CHUNK]]))
            sys.stderr.write(f"{teacher.name}: {min(at + CHUNK, len(new)):,} of {len(new):,}\n")
    files.write(out, [*(text for text, row in zip(texts, rows, strict=True) if row >= 0), *new], np.concatenate(found))
    return True


def named(folder: Path, model: Path, out: Path) -> None:
    """Writes the names in the texts of NAMED."""
    evaluated = data.evaluated_texts(folder)
    sets = [dataset for dataset in data.present(folder) if dataset.name in NAMED]
    texts = sorted({example.text for dataset in sets for example in data.train(folder, dataset, evaluated)})
    files.write_names(out, dict(names_of(texts, model)))


def guess(asked: Asked, out: Path) -> None:
    """Writes soft labels of the rows of all sets with a sentiment or an intent, and of their variants."""
    vectors = {name: files.read(path) for name, path in files.found(out).items()}
    for task, classes in (("sentiment", SENTIMENTS), ("intent", INTENTS)):
        found: dict[str, NDArray[np.float32]] = {}
        for dataset, rows in ((dataset, rows) for dataset, rows in asked.rows.items() if task in dataset.tasks):
            used, labels = np.unique([row.label(task) for row in rows], return_inverse=True)
            mine = [of for name, of in vectors.items() if dataset.language in TEACHERS[name].languages]
            texts, others = [row.text for row in rows], list(asked.made.get(dataset, ()))
            shares = np.zeros((len(texts) + len(others), len(classes)), np.float32)
            shares[:, used] = guesses(texts, labels.astype(np.int32), mine, dataset.language, others)
            found |= dict(zip([*texts, *others], shares, strict=True))
            right = np.mean(shares[: len(texts)].argmax(1) == used[labels])
            sys.stderr.write(f"{dataset.name}: {right:.3f} of the rows right that were held out; {len(others):,} variants\n")
        if found:
            files.write(out / f"{task}{files.GUESSES_SUFFIX}", list(found), np.stack(list(found.values())))


def main() -> None:
    """A teacher is asked about texts that it has said nothing of."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--files", type=Path, required=True, help="folder of files that no Python package holds")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=TEACHERS, action="append")
    given = parser.parse_args()
    try:
        data.present(given.data)
    except data.DataError as error:
        parser.error(str(error))
    given.out.mkdir(parents=True, exist_ok=True)
    if not (given.out / files.NAMES).exists():
        named(given.data, given.files / SPACY, given.out / files.NAMES)
    for name, pieces in PIECES.items():
        files.write_pieces(given.out / f"{name}{files.PIECES_SUFFIX}", *pieces(given.files))
    asked = read(given.data, given.out)
    changed = [
        teach(TEACHERS[name], texts_of(asked, TEACHERS[name]), given.files, given.threads, given.out / f"{name}{files.SUFFIX}")
        for name in given.only or TEACHERS]
    if not given.only and (any(changed) or not files.guessed(given.out)):
        guess(asked, given.out)


if __name__ == "__main__":
    main()
