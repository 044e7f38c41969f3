"""The steps in their order: read and clean, licences, copies, the dev split, what is evaluated on, silver labels."""
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from models.data import SETS, DataError, DataSet, key_of, present
from models.folder import is_empty, replaced_whole
from models.preparation import silver
from models.preparation.balance import balance
from models.preparation.cleaning import clean
from models.preparation.duplicates import Candidate, apart, unique
from models.preparation.language import language
from models.preparation.licences import allowed, licence_class
from models.preparation.manifest import FORMAT, Manifest, Options, Reason, SetCounts
from models.preparation.near_duplicates import near
from models.preparation.read import is_prepared
from models.preparation.row import Entity, Row
from models.preparation.sources import Published, files, published
from models.preparation.splits import held_out
from models.preparation.write import digest, write
from models.taxonomy import ENTITY_TYPES

SPLITS = ("train", "dev", "test")

Rows = dict[str, list[Candidate]]
"""By split."""


class Work:
    """One set on its way: its rows by split, and the counts of what was done to them."""

    def __init__(self, dataset: DataSet) -> None:
        self.dataset = dataset
        self.rows: Rows = {split: [] for split in SPLITS}
        self.counts = SetCounts(name=dataset.name, task=dataset.task, licence=dataset.licence, attribution=dataset.attribution)

    def leave_out(self, split: str, reason: Reason, rows: Sequence[object] = (None,)) -> None:
        """Notes that these rows of the split go no further."""
        if rows:
            reasons = self.counts.left_out.setdefault(split, {})
            reasons[reason] = reasons.get(reason, 0) + len(rows)


def prepare(
        data: Path, out: Path, *, seed: int = 7, licences: str = "all", silver_files: Sequence[Path] = (),
        report: Callable[[str], None] = print) -> Manifest:
    """Prepares the sets of the data folder, and writes the folder `out`, whole or not at all.

    seed: of the rows that are held out for dev. licences: "all", or "permissive" for rows of that class alone. report: gets a line
    after each step. Raises DataError for a folder without sets, for a line that is none of its set, for bad silver labels, and
    when something else than prepared data is at `out`.
    """
    sets = present(data)
    with written(out) as new:
        labels = [(path.as_posix(), silver.read(path)) for path in silver_files]
        works = [Work(dataset) for dataset in sets]
        for work in works:
            read_set(work, data, licences)
            report(f"{work.dataset.name}: {sum(work.counts.read.values()):,} rows read and cleaned")
        for work in works:
            drop_copies(work)
            hold_out_dev(work, seed)
        drop_evaluated(works)
        report("copies and near copies of evaluated texts left out")
        rows, silver_counts = silver.join([candidate.row for work in works for split in SPLITS for candidate in work.rows[split]], labels)
        read = {f"{work.dataset.folder}/{path.name}": path for work in works for path in files(data, work.dataset).values()}
        result = Manifest(
            format=FORMAT, options=Options(seed, licences), written={}, sets=[work.counts for work in works], silver=silver_counts,
            read={name: digest(path.read_bytes()) for name, path in (read | {path.as_posix(): path for path in silver_files}).items()},
            not_read=sorted(_row_files(data) - read.keys()),
            balance=balance(rows))
        write(new, rows, result)
        report(f"{len(rows):,} rows written")
    return result


def _row_files(data: Path) -> set[str]:
    """All files of rows beside those of the sets that are known."""
    folders = {dataset.folder for dataset in SETS}
    return {f"{folder}/{path.name}" for folder in folders for path in (data / folder).glob("*.jsonl.gz")}


def written(out: Path) -> AbstractContextManager[Path]:
    """A folder that takes the place of `out` when all went well. Raises DataError when something else than prepared data is there."""
    if out.exists() and not is_prepared(out) and not is_empty(out):
        raise DataError(f"{out}: exists and holds something else than prepared data, so it is not replaced; choose another --out")
    return replaced_whole(out)


def read_set(work: Work, data: Path, licences: str) -> None:
    """Its rows, cleaned, of the licences that were asked for."""
    for split, path in files(data, work.dataset).items():
        for row in published(path, work.dataset):
            work.counts.read[split] = work.counts.read.get(split, 0) + 1
            candidate = _cleaned(work, row, split)
            if not candidate.row.text.strip():
                work.leave_out(split, Reason.EMPTY)
            elif not allowed(licences, work.dataset.name, row.kind):
                work.leave_out(split, Reason.LICENCE)
            else:
                work.rows[split].append(candidate)


def _cleaned(work: Work, row: Published, split: str) -> Candidate:
    text, spots, changed = clean(row.text, row.spots or ())
    for step in changed:
        work.counts.changed[step] = work.counts.changed.get(step, 0) + 1
    work.counts.masked_entities += len(row.spots or ()) - len(spots)
    lang = language(text)
    if text.strip() and row.lang and row.lang != lang:
        pair = f"{row.lang}, {lang}"
        work.counts.languages[pair] = work.counts.languages.get(pair, 0) + 1
    entities = None if row.spots is None else tuple(Entity(ENTITY_TYPES[kind], start, end) for kind, start, end in spots)
    made = Row(
        id=row.id, set=work.dataset.name, split=split, text=text, lang=lang, kind=row.kind,
        licence=licence_class(work.dataset.name, row.kind), source_label=row.source_label, sentiment=row.sentiment, topic=row.topic,
        entities=entities)
    return Candidate(made, key_of(text))


def drop_copies(work: Work) -> None:
    """Leaves one row for each text of a split, and in train none where the labels of its copies differ."""
    for split, rows in work.rows.items():
        found = unique(rows, trained_on=split == "train")
        work.rows[split] = found.kept
        work.leave_out(split, Reason.REPEATED, found.repeated)
        work.leave_out(split, Reason.CONFLICTING, found.conflicting)
        if found.conflicts:
            work.counts.conflicts[split] = found.conflicts


def hold_out_dev(work: Work, seed: int) -> None:
    """Moves a stratified part of train to dev, where the set has no dev split. Its texts are all different by now."""
    if work.dataset.has_dev:
        return
    keys = held_out(((candidate.key, _stratum(candidate.row)) for candidate in work.rows["train"]), seed)
    for candidate in work.rows["train"]:
        if candidate.key in keys:
            work.rows["dev"].append(candidate._replace(row=msgspec.structs.replace(candidate.row, split="dev")))
    work.rows["train"] = [candidate for candidate in work.rows["train"] if candidate.key not in keys]


def _stratum(row: Row) -> str:
    return row.source_label if row.entities is None else str(bool(row.entities))


def drop_evaluated(works: Sequence[Work]) -> None:
    """Takes out of train what any set evaluates on, or nearly so, and out of dev what any set tests on."""
    tested = {candidate.key for work in works for candidate in work.rows["test"]}
    for work in works:
        work.rows["dev"], also = apart(work.rows["dev"], tested)
        work.leave_out("dev", Reason.IN_TEST, also)
    evaluated = tested | {candidate.key for work in works for candidate in work.rows["dev"]}
    for work in works:
        work.rows["train"], also = apart(work.rows["train"], evaluated)
        work.leave_out("train", Reason.EVALUATED, also)
    nearly = near((candidate.key for work in works for candidate in work.rows["train"]), sorted(evaluated))
    for work in works:
        work.rows["train"], also = apart(work.rows["train"], nearly)
        work.leave_out("train", Reason.NEAR, also)
