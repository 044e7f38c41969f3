"""What the report says, from the manifest alone."""
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from models.document.bars import Bar, bars
from models.document.parts import Cell, Document, Picture, Section, Table
from models.preparation.cleaning import STEPS
from models.preparation.licences import CLASSES
from models.preparation.manifest import WHY, WHY_UNUSED, Manifest, Reason, Share, Unused
from models.preparation.row import TASKS

TITLE = "Data preparation"
SPLITS = ("train", "dev", "test")

LEGEND = "Bars: the train split, labels by hand in blue, silver ones in yellow."
Rows: TypeAlias = Sequence[Sequence[Cell]]


def document(manifest: Manifest) -> Document:
    """The whole report."""
    return Document(TITLE, summary(manifest), list(sections(manifest)))


def sections(manifest: Manifest) -> Iterator[Section]:
    """In the order of the steps."""
    yield _rows(manifest)
    yield _left_out(manifest)
    yield _cleaning(manifest)
    yield _languages(manifest)
    yield _silver(manifest)
    yield from _balance(manifest)
    yield _licences(manifest)


def summary(manifest: Manifest) -> str:
    """The whole in a few sentences."""
    read, kept = (sum(sum(getattr(one, name).values()) for one in manifest.sets) for name in ("read", "written"))
    silver = sum(file.rows for file in manifest.silver)
    ignored = f" Not read, since no set known here has such a file: {', '.join(manifest.not_read)}." if manifest.not_read else ""
    return (f"{read:,} rows of {len(manifest.sets)} sets were read, {kept:,} written and {read - kept:,} left out. "
            f"Rows with a silver label: {silver:,}. Licences: {manifest.options.licences}; seed: {manifest.options.seed}. "
            f"The digests of all files are in manifest.json.{ignored}")


def _rows(manifest: Manifest) -> Section:
    rows: Rows = [[one.name, one.task, *(one.read.get(split, 0) for split in SPLITS),
                   sum(sum(why.values()) for why in one.left_out.values()),
                   *(one.written.get(split, 0) for split in SPLITS)] for one in manifest.sets]
    return Section("Rows read and written", "Read = written + left out, for each set: this is checked before anything is written. "
                   "A set without a dev split gives a part of its train rows to one.",
                   [Table(("set", "task", *(f"read {split}" for split in SPLITS), "left out", *(f"written {split}" for split in SPLITS)),
                          rows)])


def _left_out(manifest: Manifest) -> Section:
    rows: Rows = [[one.name, split, reason, count, WHY[Reason(reason)]]
                  for one in manifest.sets for split, reasons in one.left_out.items() for reason, count in reasons.items()]
    conflicts = [f"{one.name} {split} {count:,}" for one in manifest.sets for split, count in one.conflicts.items()]
    about = f" Texts whose copies have different labels: {', '.join(conflicts)}." if conflicts else ""
    return Section("Rows left out", f"Split: the one that they were read for.{about}",
                   [Table(("set", "split", "reason", "rows", "why"), rows)])


def _cleaning(manifest: Manifest) -> Section:
    masked = sum(one.masked_entities for one in manifest.sets)
    about = f" {masked:,} entities were wholly behind a mask, such as a name in an account's, and are none any more." if masked else ""
    return Section("Changed by cleaning", f"Rows that each step changed; one row may be changed by several.{about}", [
        Table(("set", *STEPS), [[one.name, *(one.changed.get(step, 0) for step in STEPS)] for one in manifest.sets])])


def _languages(manifest: Manifest) -> Section:
    rows: Rows = [[one.name, *pair.split(", ", 1), count] for one in manifest.sets for pair, count in sorted(one.languages.items())]
    return Section("Languages that differ", "Rows whose script is not that of the language that the set states. They are kept, as what "
                   "was found.", [Table(("set", "stated", "found", "rows"), rows)])


def _silver(manifest: Manifest) -> Section:
    rows: list[Sequence[Cell]] = []
    for file in manifest.silver:
        rows += [[file.file, f"used, teacher {teacher}", count] for teacher, count in sorted(file.used.items())]
        rows += [[file.file, f"not used: {WHY_UNUSED[Unused(reason)]}", count] for reason, count in sorted(file.unused.items())]
    return Section("Silver labels", "Labels by a teacher, each marked in its row. They are given to train rows that have no gold label of "
                   "that task, and to no other.", [Table(("file", "what became of it", "labels"), rows)])


def _balance(manifest: Manifest) -> Iterator[Section]:
    counted = "Entities are counted by mention; (none) are rows without any."
    for task in TASKS:
        shares = [share for share in manifest.balance if share.task == task]
        if shares:
            yield _shares(f"Balance of {task}", f"Labels by class, over all sets. {counted if task == 'entities' else ''}",
                          "class", shares, lambda share: share.label)
    for one in manifest.sets:
        shares = [share for share in manifest.balance if share.set == one.name]
        yield _shares(f"Balance of {one.name}", "Labels by task and class.", "class", shares, lambda share: f"{share.task}: {share.label}")
    yield _shares("Balance by language", "Labels by task and language.", "language", manifest.balance,
                  lambda share: f"{share.task}: {share.lang}")
    yield _shares("Balance by kind of text", "Labels by task, language and kind.", "kind", manifest.balance,
                  lambda share: f"{share.task}: {share.lang}, {share.kind}")


def _shares(title: str, about: str, column: str, shares: Iterable[Share], name_of: Callable[[Share], str]) -> Section:
    counts: Counter[tuple[str, str]] = Counter()
    for share in shares:
        counts[name_of(share), "silver" if share.teacher else share.split] += share.count
    names = sorted({name for name, _ in counts})
    columns = ("train", "silver", "dev", "test")
    table = Table((column, "train, gold", "train, silver", "dev", "test"),
                  [[name, *(counts[name, what] for what in columns)] for name in names])
    trained = [_bar(name, counts[name, "train"], counts[name, "silver"]) for name in names]
    drawn = any(any(bar.parts) for bar in trained)
    return Section(title, about.strip(), [*([Picture(bars(f"{title}, train split", trained), LEGEND)] if drawn else []), table])


def _bar(name: str, gold: int, silver: int) -> Bar:
    return Bar(name, (gold, silver), f"{gold:,}" + (f" + {silver:,} silver" if silver else ""))


def _licences(manifest: Manifest) -> Section:
    return Section("Licences", "Rows written, by licence class, and what the set says. Keep the attribution with what you publish.",
                   [Table(("set", *CLASSES, "licence", "attribution"), [
                       [one.name, *(one.licences.get(name, 0) for name in CLASSES), one.licence, one.attribution]
                       for one in manifest.sets])])
