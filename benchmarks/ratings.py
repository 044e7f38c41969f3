"""Sentiment of reviews_en as the paper on VADER scores it: by domain, with its threshold on the rating.

    python -m benchmarks.ratings [--split dev] [--model FOLDER] [--data FOLDER]

A text is positive above 0.05, negative below -0.05, else neutral: by the mean of about 20 human ratings, from -4 to 4, and by the model's
probability of positive less that of negative, from -1 to 1. F1 is the mean over the three classes, weighted by their rows (C.J. Hutto,
E.E. Gilbert, VADER, ICWSM 2014, table 4).
"""

import argparse
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from models import data
from models.evaluation.answers import answer
from models.evaluation.scores import label_scores
from models.load import DEFAULT, load
from schemas.tagging import SENTIMENTS

NAME = "reviews_en"
THRESHOLD = 0.05


def classes_of(scores: ArrayLike) -> NDArray[np.int32]:
    """Places in SENTIMENTS: negative, neutral, positive."""
    scores = np.asarray(scores)
    return (1 + (scores > THRESHOLD).astype(np.int32) - (scores < -THRESHOLD)).astype(np.int32)


def main() -> None:
    """Prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--split", choices=("dev", "test"), default="dev")
    parser.add_argument("--model", type=Path, default=DEFAULT)
    args = parser.parse_args()
    (dataset,) = (one for one in data.SETS if one.name == NAME)
    model = load(args.model)
    rows = [msgspec.json.decode(line) for line in data.lines_of(data.file_of(args.data, dataset, args.split))]
    shares = answer(model.tag, [row["text"] for row in rows]).sentiment
    gold, said = classes_of([row["rating"] for row in rows]), classes_of(shares[:, 2] - shares[:, 0])
    domains = np.array([row["domain"] for row in rows])
    print(f"{model.name} {model.version}, {args.split} split of {NAME}\n")
    print("| domain | rows | weighted F1 | accuracy |\n|---|---:|---:|---:|")
    for domain in np.unique(domains).tolist():
        scores = label_scores(gold[domains == domain], said[domains == domain], SENTIMENTS)
        print(f"| {domain} | {scores.rows:,} | {scores.weighted.f1:.3f} | {scores.micro.f1:.3f} |")


if __name__ == "__main__":
    main()
