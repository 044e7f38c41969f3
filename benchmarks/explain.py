"""Whether the words that `textpulse tag --explain` names carried the decision, and what naming them costs.

python -m benchmarks.explain [--data FOLDER] [--texts N]

Words are deleted from texts of the dev splits. Drop: how much the decided class's probability falls, on average. named: the first 1 and 3
words that are named. log-odds: as many terms of the text, those of the highest log-odds of the class in the training texts. random: as many
words as the named ones are, drawn anew five times. one by one: the same number of words, those that move the probability most when each is
deleted alone; it asks the model once for each word, and is about as much as there is to find.
"""
import argparse
import random
import statistics
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np

from insights.telling import terms_of
from models import data
from models.attribution import HEADS
from models.evaluation.rows import labels_of
from models.explain import Explainer, named
from models.load import encoded, load

SEED = 5
DRAWS = 5
CHUNK = 512
SHOWN = (1, 3)
WAYS = ("named", "log-odds", "random", "one by one")
BATCHES = (3, 10, 30, 60)
ROUNDS = 100


def without(text, spans):
    """The text without these bytes of it; a space keeps their neighbours apart."""
    raw = bytearray(encoded([text])[0])
    for start, end in sorted(spans, reverse=True):
        raw[start:end] = b" "
    return raw.decode("utf-8", "replace")


class Scored:
    """Texts of a set with what the model decided of them, and all their words."""

    def __init__(self, model, explainer, head, texts):
        self.model, self.head, self.texts = model, head, texts
        self.chosen, self.words, self.named = [], [], []
        for at in range(0, len(texts), CHUNK):
            tags = model.tag(texts[at:at + CHUNK])
            chosen = np.stack([getattr(tags, name).argmax(1) for name in HEADS])
            words = explainer.words(texts[at:at + CHUNK], chosen)
            spans = list(zip(words.starts.tolist(), words.ends.tolist(), strict=True))
            self.words += [spans[start:end] for start, end in pairwise(words.splits.tolist())]
            self.named += named(words, words.weights[HEADS.index(head)], max(SHOWN))
            self.chosen += chosen[HEADS.index(head)].tolist()
        self.before = self.probabilities(texts, self.chosen)

    def probabilities(self, texts, classes):
        """Of the class of each text."""
        rows = [getattr(self.model.tag(texts[at:at + CHUNK]), self.head) for at in range(0, len(texts), CHUNK)]
        return np.concatenate(rows)[np.arange(len(texts)), classes]

    def drop(self, gone):
        """The mean fall of the probabilities without these spans of each text."""
        cut = [without(text, spans) for text, spans in zip(self.texts, gone, strict=True)]
        return float((self.before - self.probabilities(cut, self.chosen)).mean())

    def sizes(self, count):
        """How many words the first so many named ones of each text are: a pair of Chinese characters is two."""
        return [sum(start <= word[0] < end for start, end, _ in spans[:count] for word in words)
                for spans, words in zip(self.named, self.words, strict=True)]

    def one_by_one(self):
        """The words of each text, those first that move its probability most alone."""
        places = [(row, word) for row, words in enumerate(self.words) for word in words]
        cut = [without(self.texts[row], [word]) for row, word in places]
        after = self.probabilities(cut, [self.chosen[row] for row, _ in places])
        fell = [[] for _ in self.texts]
        for (row, word), probability in zip(places, after.tolist(), strict=True):
            fell[row].append((self.before[row] - probability, word))
        return [[word for _, word in sorted(words, key=lambda pair: -pair[0])] for words in fell]


def log_odds(folder, dataset):
    """class -> term -> log-odds of it in the training texts of the class against the others, one added to each count."""
    rows, inside = Counter(), {}
    for example in data.train(folder, dataset, set()):
        (label,) = labels_of(dataset.task, example)
        rows[label] += 1
        inside.setdefault(label, Counter()).update({term for _, _, term in terms_of(example.text)})
    total = sum(inside.values(), Counter())
    odds = {}
    for label, counts in inside.items():
        here, others = rows[label], sum(rows.values()) - rows[label]
        odds[label] = {
            term: np.log((within + 1) / (here - within + 1)) - np.log((total[term] - within + 1) / (others - total[term] + within + 1))
            for term, within in counts.items()}
    return odds


def by_odds(scored, odds):
    """The terms of each text, those of the highest log-odds first, in bytes."""
    ranked = []
    for text, label in zip(scored.texts, scored.chosen, strict=True):
        known = odds.get(label, {})
        terms = sorted(terms_of(text), key=lambda place: -known.get(place[2], -np.inf))
        ranked.append([(len(text[:start].encode()), len(text[:end].encode())) for start, end, _ in terms])
    return ranked


def drops(scored, odds):
    """way -> the drop for each of SHOWN."""
    rng, found = random.Random(SEED), {way: [] for way in WAYS}
    alone, terms = scored.one_by_one(), by_odds(scored, odds)
    for count in SHOWN:
        sizes = scored.sizes(count)
        found["named"].append(scored.drop([[span[:2] for span in spans[:count]] for spans in scored.named]))
        found["log-odds"].append(scored.drop([spans[:count] for spans in terms]))
        drawn = [[rng.sample(words, size) for words, size in zip(scored.words, sizes, strict=True)] for _ in range(DRAWS)]
        found["random"].append(statistics.mean(map(scored.drop, drawn)))
        found["one by one"].append(scored.drop([words[:size] for words, size in zip(alone, sizes, strict=True)]))
    return found


def milliseconds(model, explainer, texts):
    """batch -> median milliseconds a text to tag it, and to explain it."""
    rng, took = random.Random(SEED), {}
    for batch in BATCHES:
        times = []
        for _ in range(ROUNDS):
            chunk = rng.sample(texts, batch)
            begin = time.perf_counter()
            tags = model.tag(chunk)
            middle = time.perf_counter()
            explainer.explain(chunk, tags)
            times.append(((middle - begin) / batch * 1e3, (time.perf_counter() - middle) / batch * 1e3))
        took[batch] = [statistics.median(column) for column in zip(*times, strict=True)]
    return took


def row(name, texts, found):
    """A line of the table."""
    cells = [f"{drop:.3f}" for way in WAYS for drop in found[way]]
    return f"| {name} | {texts:,} | " + " | ".join(cells) + " |"


def main():
    """The tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--texts", type=int, default=500, help="of each set")
    args = parser.parse_args()
    model = load()
    explainer = Explainer(model)
    print("| dev split of | texts | " + " | ".join(f"{way}, {count}" for way in WAYS for count in SHOWN) + " |")
    print("|---" + "|---:" * (1 + len(WAYS) * len(SHOWN)) + "|")
    each, found = [], []
    for dataset in data.present(args.data):
        if dataset.task not in HEADS:
            continue
        texts = [example.text for example in data.dev(args.data, dataset)]
        random.Random(SEED).shuffle(texts)
        each.append(Scored(model, explainer, dataset.task, texts[:args.texts]))
        found.append(drops(each[-1], log_odds(args.data, dataset)))
        print(row(dataset.name, len(each[-1].texts), found[-1]), flush=True)
    all_texts = [text for scored in each for text in scored.texts]
    print(row("**mean of the sets**", len(all_texts), {way: np.mean([drop[way] for drop in found], 0) for way in WAYS}))
    words = statistics.mean(len(words) for scored in each for words in scored.words)
    print(f"\nTexts of all sets, {words:.0f} words on average (a Chinese character is one):\n")
    print("| texts at once | tag, ms a text | explain, ms a text |\n|---:|---:|---:|")
    for batch, (tagged, explained) in milliseconds(model, explainer, all_texts).items():
        print(f"| {batch} | {tagged:.2f} | {explained:.2f} |")


if __name__ == "__main__":
    main()
