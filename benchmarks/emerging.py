"""How well emerging topics find planted themes, beside each rising word as a topic of its own and all of a window as one, in one run.

python -m benchmarks.emerging [--split dev|test] [--streams N] [--quiet-days D] [--only-ours]

Which words rise is the same for all three, and so is how groups of words become topics that open, last and close.
"""
import argparse
import time
from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np

from benchmarks.themes import DAY, FIRST, WINDOW_US, quiet, themed
from insights.emerging.columns import Names, windows
from insights.emerging.find import grouped
from insights.emerging.rising import WANTED, rising
from insights.emerging.topics import Group, Topics, step

SEEDS = {"dev": 1_000_000, "test": 2_000_000}
LATE = 5   # windows after its end in which a theme may still be found


def each_alone(history, found, names):
    """Every surely rising word."""
    return [Group({name: float(excess)}, 1) for name, told, excess in zip(found.names, found.told, found.excess, strict=True) if told]


def all_as_one(history, found, names):
    """All surely rising words."""
    words = {name: float(excess) for name, told, excess in zip(found.names, found.told, found.excess, strict=True) if told}
    return [Group(words, len(words))] if words else []


WAYS = {"textpulse": grouped, "each rising word a topic": each_alone, "all of a window one topic": all_as_one}


def snapshots(stream, ways):
    """way -> for each window the topics that are told and open."""
    names = Names()
    begin, end = (FIRST - WANTED.past) * WINDOW_US, (FIRST + stream.windows) * WINDOW_US
    history = list(windows(stream.rows, begin, end, WINDOW_US, WANTED.past, names))
    topics, seen = dict.fromkeys(ways, Topics()), {way: [] for way in ways}
    for t in range(stream.windows):
        past = history[t:t + WANTED.past + 1]
        found = rising(past, WINDOW_US, WANTED, names)
        for way, make in ways.items():
            topics[way], _ = step(topics[way], "benchmark", past[-1].window_us, WINDOW_US, make(past, found, names))
            seen[way].append([topic for topic in topics[way].topics if topic.told and topic.closed_us is None])
    return seen


def own_share(topic, theme):
    """Of its weight, that of the theme's words."""
    mine = sum(weight for name, weight in topic.words.items() if name.rpartition("\t")[2] in theme.words)
    return mine / sum(topic.words.values())


class Score:
    """Of one way."""

    def __init__(self):
        self.planted, self.found = Counter(), Counter()
        self.purity, self.coverage, self.delays, self.switches, self.ids = [], [], [], [], []
        self.apart, self.pairs, self.false = Counter(), Counter(), 0

    def add(self, stream, seen, seed):
        """The topics of a themed stream."""
        right, main = set(), []
        for theme in stream.themes:
            sequence = []
            for t in range(theme.start, min(theme.end + LATE, stream.windows)):
                shares = [(own_share(topic, theme), topic) for topic in seen[t]]
                pure = [(share * sum(topic.words.values()), topic.id, share, topic) for share, topic in shares if share >= 0.5]
                right |= {topic.id for share, topic in shares if share >= 0.5}
                if pure:
                    _, name, share, topic = max(pure, key=lambda item: item[:2])
                    sequence.append((t, name, share, len([w for w in topic.words if w.rpartition("\t")[2] in theme.words])))
            self.planted[theme.size] += 1
            main.append(Counter(name for _, name, *_ in sequence).most_common(1)[0][0] if sequence else None)
            if sequence:
                self.found[theme.size] += 1
                self.delays.append(sequence[0][0] - theme.start + 1)
                self.purity.append(np.mean([share for _, _, share, _ in sequence]))
                self.coverage.append(np.mean([many / len(theme.words) for *_, many in sequence]))
                self.switches.append(sum(a[1] != b[1] for a, b in pairwise(sequence)))
                self.ids.append(len({topic.id for t in range(theme.start, min(theme.end + LATE, stream.windows)) for topic in seen[t]
                                     if own_share(topic, theme) >= 0.5}))
        for a, b in stream.pairs:
            kind = "same places" if seed % 2 == 0 else "other places"
            self.pairs[kind] += 1
            self.apart[kind] += main[a] is not None and main[b] is not None and main[a] != main[b]
        self.false += len({topic.id for of_window in seen for topic in of_window} - right)

    def line(self, name, streams, false_a_day, restless_a_day):
        """A row of the table."""
        found = sum(self.found.values()) / sum(self.planted.values())
        apart = " ".join(f"{self.apart[kind] / self.pairs[kind]:.2f}" for kind in sorted(self.pairs))
        return (f"| {name} | {found:.2f} | {np.mean(self.purity):.2f} | {np.mean(self.coverage):.2f} | {np.mean(self.ids):.2f} | "
                f"{np.mean(self.switches):.2f} | {np.median(self.delays):.0f} | {apart} | {self.false / streams:.2f} | "
                f"{false_a_day:.2f} | {restless_a_day:.2f} |")


HEAD = ("| way | found | purity | words named | topics a theme | switches a theme | median windows to find | pairs kept apart (other, same "
        "places) | false a themed stream | false a quiet day | with words that rise alone |")


def told_in(seen):
    """How many topics."""
    return len({topic.id for of_window in seen for topic in of_window})


def main():
    """The tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=list(SEEDS), default="dev")
    parser.add_argument("--streams", type=int, default=40)
    parser.add_argument("--quiet-days", type=int, default=2, help="of each kind: without anything, and with common words that rise alone")
    parser.add_argument("--only-ours", action="store_true")
    args = parser.parse_args()
    ways = {"textpulse": grouped} if args.only_ours else WAYS
    seed, scores, begun = SEEDS[args.split], defaultdict(Score), time.monotonic()
    for number in range(args.streams):
        stream = themed(seed + number)
        for way, seen in snapshots(stream, ways).items():
            scores[way].add(stream, seen, seed + number)
    false = {way: [0, 0] for way in ways}
    for day in range(args.quiet_days):
        for kind, each in enumerate((0.0, 1.0)):
            for way, seen in snapshots(quiet(seed - 1 - day, DAY + WANTED.past, each), ways).items():
                false[way][kind] += told_in(seen)
    print(f"{args.streams} streams with three themes each, split {args.split}; {time.monotonic() - begun:.0f} s")
    print(HEAD)
    print("|---" * HEAD.count(" | ") + "|---|")
    days = max(args.quiet_days, 1)
    for way in ways:
        print(scores[way].line(way, args.streams, *(number / days for number in false[way])))
    ours = scores["textpulse"]
    print("\n| records a window | found |\n|---|---|")
    for size in sorted(ours.planted):
        print(f"| {size:g} | {ours.found[size]} of {ours.planted[size]} |")


if __name__ == "__main__":
    main()
