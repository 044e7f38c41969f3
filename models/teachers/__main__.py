"""Asks the teachers for the vectors of all training texts: python -m models.teachers --data FOLDER --files FOLDER --out FOLDER"""

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models import data
from models.taxonomy import INTENTS
from models.teachers import files
from models.teachers.encoders import PIECES, TEACHERS, Teacher
from models.teachers.guesses import guesses
from models.teachers.names import names_of
from models.teachers.parts import parts_of_all
from schemas.tagging import SENTIMENTS

CHARACTERS = 1_000
"""More than LONGEST pieces hold."""
CHUNK = 1_024
SPACY = "en_core_web_md"
NAMED = ("tweets_en", "tweets_rated_en")
"""Sets whose texts are searched for names."""


def texts_of(folder: Path, teacher: Teacher) -> list[str]:
    """The training texts that a teacher is asked about, each once, in order of length. None of them is evaluated on."""
    evaluated = data.evaluated_texts(folder)
    sets = [dataset for dataset in data.present(folder) if dataset.name.rpartition("_")[2] in teacher.languages]
    found = {example.text for dataset in sets for example in data.train(folder, dataset, evaluated)}
    if "zh" in teacher.languages:
        found |= parts_of_all(found, evaluated)
    return sorted(found, key=lambda text: (len(text), text))


def teach(teacher: Teacher, texts: list[str], holds: Path, threads: int, out: Path) -> None:
    """Writes the vectors of the texts."""
    encode = teacher.load(holds, threads)
    found = []
    for at in range(0, len(texts), CHUNK):
        found.append(encode([text[:CHARACTERS] for text in texts[at : at + CHUNK]]))
        sys.stderr.write(f"{teacher.name}: {min(at + CHUNK, len(texts)):,} of {len(texts):,}\n")
    files.write(out, texts, np.concatenate(found))


def named(folder: Path, model: Path, out: Path) -> None:
    """Writes the names in the texts of NAMED."""
    evaluated = data.evaluated_texts(folder)
    sets = [dataset for dataset in data.present(folder) if dataset.name in NAMED]
    texts = sorted({example.text for dataset in sets for example in data.train(folder, dataset, evaluated)})
    files.write_names(out, dict(names_of(texts, model)))


def guess(folder: Path, out: Path) -> None:
    """Writes soft labels of all sets with a sentiment or an intent."""
    evaluated, vectors = data.evaluated_texts(folder), {name: files.read(path) for name, path in files.found(out).items()}
    for task, classes in (("sentiment", SENTIMENTS), ("intent", INTENTS)):
        found: dict[str, NDArray[np.float32]] = {}
        for dataset in (one for one in data.present(folder) if task in one.tasks):
            rows, language = data.train(folder, dataset, evaluated), dataset.name.rpartition("_")[2]
            used, labels = np.unique([row.label(task) for row in rows], return_inverse=True)
            mine = [of for name, of in vectors.items() if language in TEACHERS[name].languages]
            shares = np.zeros((len(rows), len(classes)), np.float32)
            shares[:, used] = guesses([row.text for row in rows], labels.astype(np.int32), mine, language)
            found |= dict(zip((row.text for row in rows), shares, strict=True))
            sys.stderr.write(f"{dataset.name}: {np.mean(shares.argmax(1) == used[labels]):.3f} of the rows right that were held out\n")
        if found:
            files.write(out / f"{task}{files.GUESSES_SUFFIX}", list(found), np.stack(list(found.values())))


def main() -> None:
    """A teacher whose file is there already is not asked again."""
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
    for name in given.only or TEACHERS:
        path = given.out / f"{name}{files.SUFFIX}"
        if name in PIECES:
            files.write_pieces(given.out / f"{name}{files.PIECES_SUFFIX}", *PIECES[name](given.files))
        if not path.exists():
            teach(TEACHERS[name], texts_of(given.data, TEACHERS[name]), given.files, given.threads, path)
    if not given.only and not files.guessed(given.out):
        guess(given.data, given.out)


if __name__ == "__main__":
    main()
