"""What `textpulse train --labels` learns from few labels, with and without `--unlabelled` for the texts that are left.

    python -m benchmarks.few_labels [--set clinc150_en] [--field domain] [--shares 0.01,0.1,1] [--epochs 12] [--data FOLDER] [--work FOLDER]

The labels are a share of the published train rows, stratified and chosen by a hash of seed and text, but 5 of a label at least, which a
file of labels needs; one in ten of each label, and at least one, is held out of these to choose epoch and round on. The other train texts
are those without labels. Both are scored on the published dev file, on which nothing is chosen; the test file is not read. Rows of the set
that are out of scope are left out. The base is trained on all sets but those of FIELDS, for BASE_EPOCHS epochs. All models stay in the work
folder, so that a run that was stopped goes on.
"""
import argparse
import csv
import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from models import data
from models.data import DataSet, bare, file_of, lines_of
from models.labels import DEV_ONE_IN, LEAST_ROWS, read
from models.self_training import unlabelled
from models.settings import Settings
from models.train import train
from models.tune import EPOCHS, tune
from pipelines.commands.train import Watch

FIELDS = {"clinc150_en": "domain", "titles_zh": "label"}
OUT_OF_SCOPE = "oos"
BASE_EPOCHS = 2
HEAD = """| share | rows | of a label | texts without | accuracy, macro-F1 | with the texts | pseudo-labels | round |
|---:|---:|---:|---:|---:|---:|---:|---:|"""


class Row(NamedTuple):
    """A published text and its label."""

    text: str
    label: str


def main() -> None:
    """Prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, default=Path(".cache/few-labels"))
    parser.add_argument("--set", choices=FIELDS, default="clinc150_en")
    parser.add_argument("--field", default="", help="of the rows, that holds the label; default: clinc150_en domain, titles_zh label")
    parser.add_argument("--shares", default="0.01,0.1,1")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    (dataset,) = (one for one in data.SETS if one.name == args.set)
    field = args.field or FIELDS[args.set]
    base = base_of_others(args.data, args.work / "base")
    dev = rows_of(args.data, dataset, "dev", field, set())
    every = rows_of(args.data, dataset, "train", field, {bare(row.text) for row in dev})
    print(HEAD)
    for share in (float(part) for part in args.shares.split(",")):
        labelled, rest = sample(every, share, args.seed)
        settings = Settings(epochs=args.epochs, seed=args.seed)
        name = f"{args.set}-{field}-{share:g}-{args.epochs}-{args.seed}"
        found = [learn(labelled, dev, texts, base, args.work / f"{name}-{kind}", settings)
                 for kind, texts in (("labels", []), ("texts", rest)) if texts or kind == "labels"]
        print(line(share, labelled, rest, found), flush=True)


def base_of_others(data_folder: Path, out: Path) -> Path:
    """A model of all sets but those that are measured here, trained unless it is there."""
    if not out.exists():
        linked = out.with_name(f"{out.name}-data")
        for one in data.present(data_folder):
            for path in [] if one.name in FIELDS else (data_folder / one.folder).glob(f"{one.name}.*.jsonl.gz"):
                (linked / one.folder).mkdir(parents=True, exist_ok=True)
                link = linked / one.folder / path.name
                link.unlink(missing_ok=True)
                link.symlink_to(path.resolve())
        train(linked, out, Settings(epochs=BASE_EPOCHS, patience=0), Watch(None))
    return out


def rows_of(folder: Path, dataset: DataSet, split: str, field: str, without: set[str]) -> list[Row]:
    """The rows of a split in scope, each text once, but for some, which are given bare."""
    found: dict[str, Row] = {}
    for row in map(msgspec.json.decode, lines_of(file_of(folder, dataset, split))):
        if row["label"] != OUT_OF_SCOPE and bare(row["text"]) not in without:
            found.setdefault(bare(row["text"]), Row(row["text"].strip(), row[field]))
    return list(found.values())


def sample(rows: Sequence[Row], share: float, seed: int) -> tuple[dict[str, list[Row]], list[str]]:
    """Of each label that share of its rows, but LEAST_ROWS at least; and the texts of the others."""
    of_label: defaultdict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: hashlib.sha256(f"{seed} {row.text}".encode()).digest()):
        of_label[row.label].append(row)
    most = {label: max(round(share * len(of)), LEAST_ROWS) for label, of in of_label.items()}
    return ({label: of[: most[label]] for label, of in sorted(of_label.items())},
            [row.text for label, of in of_label.items() for row in of[most[label] :]])


def learn(
    labelled: Mapping[str, Sequence[Row]], scored: Sequence[Row], texts: Sequence[str], base: Path, out: Path, settings: Settings,
) -> dict[str, Any]:
    """The figures of a model of these labels, which is trained unless it is there."""
    if not out.exists():
        path = out.with_suffix(".csv")
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("text", "label", "split"))
            for of in labelled.values():
                held_out = max(len(of) // DEV_ONE_IN, 1)
                writer.writerows((*row, "dev" if at < held_out else "train") for at, row in enumerate(of))
            writer.writerows((*row, "test") for row in scored)   # scored in the end, and never chosen on
        labels = read(path)
        tune(labels, path.name, base, out, settings, Watch(None), unlabelled(texts, labels, "the other rows") if texts else None)
    found: dict[str, Any] = msgspec.json.decode((out / "metrics.json").read_bytes())
    return found


def line(share: float, labelled: Mapping[str, Sequence[Row]], rest: Sequence[str], found: Sequence[dict[str, Any]]) -> str:
    """A row of the table."""
    counts = [len(of) for of in labelled.values()]
    scores = [f"{of['test']['test']['accuracy']:.3f}, {of['test']['test']['macro_f1']:.3f}" for of in found]
    rounds = found[-1].get("rounds", [])
    best = max(rounds, key=lambda one: (one["dev"], one["round"]), default=None)
    used = [f"{best['pseudo_labels']:,}", f"{best['round']} of {len(rounds) - 1}"] if best else ["-"] * 3
    few = str(min(counts)) if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    return f"| {share * 100:g} % | {sum(counts):,} | {few} | {len(rest):,} | {' | '.join([*scores, *used])} |"


if __name__ == "__main__":
    main()
