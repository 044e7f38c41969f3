"""What `textpulse train --labels` learns from the 77 intents of support_intents_en (BANKING77), and what it forgets meanwhile.

    python -m benchmarks.labels [--rows 1000] [--data FOLDER]

The labels are the published train rows without repeats, or so many of them by label; dev rows are held out of these, and the published test
rows are scored once in the end. Sentiment and entities are scored on the dev splits of the other sets, before and after.
"""
import argparse
import csv
import hashlib
import tempfile
from collections import defaultdict
from pathlib import Path

import msgspec

from models import data
from models.data import DataSet, bare, lines_of
from models.evaluation.answers import answer
from models.labels import read
from models.load import DEFAULT, load
from models.settings import Settings
from models.train import share_right
from models.tune import tune
from pipelines.commands.train import Watch

NAME = "support_intents_en"


def main() -> None:
    """Prints two Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--rows", type=int, default=0, help="of train, the same number of each label; 0: all")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        labels = read(write(args.data, args.rows, Path(scratch) / "labels.csv"))
        folder = tune(labels, "labels.csv", DEFAULT, Path(scratch) / "tuned", Settings(), Watch(None))
        metrics = msgspec.json.decode((folder / "metrics.json").read_bytes())["test"]
        print("| split | rows | accuracy | macro-F1 |\n|---|---:|---:|---:|")
        for split, found in metrics.items():
            print(f"| {split} | {found['rows']:,} | {found['accuracy']:.3f} | {found['macro_f1']:.3f} |")
        print("\n| dev of | before | after |\n|---|---:|---:|")
        sets = [dataset for dataset in data.present(args.data) if dataset.task != "topic"]
        before, after = (scores_of(model, args.data, sets) for model in (DEFAULT, folder))
        for dataset in sets:
            print(f"| {dataset.name} | {before[dataset.name]:.3f} | {after[dataset.name]:.3f} |")


def scores_of(folder: Path, data_folder: Path, sets: list[DataSet]) -> dict[str, float]:
    """Accuracy or F1 on the dev split of each set."""
    model = load(folder)
    rows = {dataset: data.dev(data_folder, dataset) for dataset in sets}
    return {dataset.name: share_right(dataset, dataset.task, examples, answer(model.tag, [example.text for example in examples]))
            for dataset, examples in rows.items()}


def write(data_folder: Path, rows: int, path: Path) -> Path:
    """The file of labels: of train those that are asked for, a tenth of them dev, and all of test."""
    (dataset,) = (one for one in data.SETS if one.name == NAME)
    taken: set[str] = set()
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(("text", "label", "split"))
        of_label: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for split in ("test", "train"):
            for line in lines_of(data.file_of(data_folder, dataset, split)):
                row = msgspec.json.decode(line)
                if bare(row["text"]) not in taken:
                    taken.add(bare(row["text"]))
                    of_label[row["label"]].append((row["text"], split))
        for label, texts in sorted(of_label.items()):
            train = sorted((text for text, split in texts if split == "train"), key=lambda text: hashlib.sha256(text.encode()).digest())
            train = train[: rows // len(of_label)] if rows else train
            dev = set(train[: max(len(train) // 10, 1)])
            out.writerows((text, label, "dev" if text in dev else "train") for text in train)
            out.writerows((text, label, "test") for text, split in texts if split == "test")
    return path


if __name__ == "__main__":
    main()
