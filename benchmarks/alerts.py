"""How well alerts find planted incidents, beside a plain z-score and the detectors of river and beam.ml.anomaly, in one run.

python -m benchmarks.alerts [--split dev|test] [--streams N] [--quiet-days D] [--only-ours]

Every detector says of every window of every series whether it stands out; from there on all go the same way: the product's own
opening and closing of alerts. A detector's second line has the threshold that gives it 0.2 false alerts a day on the quiet streams of
the dev split (500 series); the first has its usual one.
"""
import argparse
import time
from collections import defaultdict

import numpy as np

from benchmarks.incidents import DAY, SHAPES, WINDOW_US, silent, stream
from insights.alerts import baseline
from insights.alerts.detect import Sensitivity, Windows, volumes
from insights.alerts.judge import Kind, Series, Signal, Watched, step

SEEDS = {"dev": 1_000_000, "test": 2_000_000}
FACTORS = {"step": (2.0, 3.0, 5.0), "ramp": (2.0, 3.0, 5.0), "spike": (2.0, 3.0, 5.0), "silence": (0.2,)}
ALLOWED_A_DAY, SERIES = 0.2, 500
LOOKBACK = Sensitivity().lookback


def ours(counts):
    """(told, direction), bool and int [S, T]: nothing on the first day, whose shape the second is judged by, and so on."""
    series, length = counts.shape
    starts = np.arange(length) * WINDOW_US
    season = np.ones_like(counts)
    for day in range(1, length // DAY):
        bins = baseline.bin_of(starts[:day * DAY])
        sums = np.stack([np.bincount(bins, row[:day * DAY], baseline.BINS) for row in counts])
        shapes = baseline.day_shapes(sums, np.bincount(bins, minlength=baseline.BINS).astype(np.float64))
        season[:, day * DAY:(day + 1) * DAY] = baseline.season(shapes, starts[day * DAY:(day + 1) * DAY], WINDOW_US)
    told, weak, direction = np.zeros((series, length), bool), np.zeros((series, length), bool), np.zeros((series, length), int)
    windows = Windows(np.arange(length), np.ones(length, bool), DAY, WINDOW_US)
    for t, said in volumes(counts, season, windows, Sensitivity()):
        told[:, t], weak[:, t], direction[:, t] = said.told, said.weak, said.direction
    return told, weak, direction


def z_scores(counts):
    """Of each window against the LOOKBACK before it, [S, T]."""
    sums, squares = (np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1) for values in (counts, counts ** 2))
    mean = (sums[:, LOOKBACK:-1] - sums[:, :-LOOKBACK - 1]) / LOOKBACK
    spread = np.sqrt(np.maximum((squares[:, LOOKBACK:-1] - squares[:, :-LOOKBACK - 1]) / LOOKBACK - mean ** 2, 1e-9))
    return np.pad((counts[:, LOOKBACK:] - mean) / spread, ((0, 0), (LOOKBACK, 0)))


def one_by_one(make):
    """Scores of a detector of one series that learns as it goes; signed by the side of the mean on which the count lies."""
    def scores(counts):
        found = np.zeros_like(counts)
        for row, series in enumerate(counts):
            detector = make()
            found[row] = [detector(value) for value in series.tolist()]
        return np.nan_to_num(np.abs(found)) * np.sign(z_scores(counts))
    return scores


def river_gaussian():
    """The quantile of a normal distribution of the last LOOKBACK values, as -log10 of what is beyond it."""
    from river import anomaly

    scorer = anomaly.GaussianScorer(window_size=LOOKBACK, grace_period=30)

    def score(value):
        found = scorer.score_one(None, value)
        scorer.learn_one(None, value)
        return -np.log10(max(1 - found, 1e-16))
    return score


def beam_detector(name, make):
    """One of beam.ml.anomaly, with windows of LOOKBACK."""
    def made():
        import apache_beam as beam

        detector = make()

        def score(value):
            row = beam.Row(x=value)
            found = detector.score_one(row)
            detector.learn_one(row)
            return 0.0 if found is None else found
        return score
    return name, one_by_one(made)


def others():
    """name -> (scores, the usual threshold)."""
    from apache_beam.ml.anomaly.detectors.iqr import IQR
    from apache_beam.ml.anomaly.detectors.robust_zscore import RobustZScore
    from apache_beam.ml.anomaly.detectors.zscore import ZScore
    from apache_beam.ml.anomaly.univariate.mad import MadTracker
    from apache_beam.ml.anomaly.univariate.mean import IncSlidingMeanTracker
    from apache_beam.ml.anomaly.univariate.median import MedianTracker
    from apache_beam.ml.anomaly.univariate.quantile import BufferedSlidingQuantileTracker
    from apache_beam.ml.anomaly.univariate.stdev import IncSlidingStdevTracker

    def quantile(q):
        return BufferedSlidingQuantileTracker(LOOKBACK, q)

    def median():
        return MedianTracker(quantile(0.5))

    return {
        "z-score": (z_scores, 3.0),
        "river GaussianScorer": (one_by_one(river_gaussian), 2.57),   # beyond 3 standard deviations
        **{name: (scores, 3.0 if "IQR" not in name else 1.5) for name, scores in (
            beam_detector("Beam ZScore", lambda: ZScore(IncSlidingMeanTracker(LOOKBACK), IncSlidingStdevTracker(LOOKBACK))),
            beam_detector("Beam RobustZScore", lambda: RobustZScore(MadTracker(median(), median()))),
            beam_detector("Beam IQR", lambda: IQR(quantile(0.25), quantile(0.75))))}}


def alerts(told, weak, direction):
    """[(series, rise?, window at which it was told, window from which it counts)] of one stream's second day and after."""
    watched, found, first = Watched(), [], {}
    any_at = (told | weak).any(axis=0)
    for t in range(DAY, told.shape[1]):
        if not any_at[t] and not watched.alerts:
            continue
        signals = [
            Signal(Kind.SPIKE if direction[row, t] > 0 else Kind.SILENCE, Series("series", f"{row:05}"), bool(told[row, t]),
                   width=1, observed=0, expected=0.0, whole=0, p=0.0, size=1.0)
            for row in np.flatnonzero(told[:, t] | weak[:, t])]
        watched, changed = step(watched, "benchmark", t, 1, signals)
        for alert in changed:
            if alert.id not in first:
                first[alert.id] = t
                found.append((int(alert.series.value), alert.kind is Kind.SPIKE, t))
    return found


class Score:
    """Of one detector."""

    def __init__(self):
        self.found, self.planted, self.delays = defaultdict(int), defaultdict(int), defaultdict(list)
        self.right = self.wrong = 0

    def add(self, made, said):
        """The alerts of one stream. Those of its incident's series and direction from its start to 5 windows past its end are right."""
        incident = made.incident
        kind = (incident.shape, incident.factor)
        right = [t for series, rise, t in said if series == incident.series and rise == (incident.factor > 1)
                 and incident.start <= t < incident.start + incident.length + 5]
        self.planted[kind] += 1
        self.right += len(right)
        self.wrong += len(said) - len(right)
        if right:
            self.found[kind] += 1
            self.delays[kind].append(min(right) - incident.start + 1)

    def line(self, name, false_a_day):
        """A row of the table."""
        recall = sum(self.found.values()) / sum(self.planted.values())
        headline = self.found["step", 3.0] / self.planted["step", 3.0]
        delays = self.delays["step", 3.0] or [np.nan]
        precision = self.right / max(self.right + self.wrong, 1)
        return (f"| {name} | {precision:.2f} | {recall:.2f} | {headline:.3f} | {np.median(delays):.0f} | "
                f"{np.mean(np.array(delays) <= 2):.2f} | {false_a_day:.2f} |")


def by_threshold(scores, threshold):
    """(told, weak, direction)."""
    told = np.abs(scores) >= threshold
    return told, told, np.sign(scores).astype(int)


def main():
    """The tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=list(SEEDS), default="dev")
    parser.add_argument("--streams", type=int, default=300)
    parser.add_argument("--quiet-days", type=int, default=2, help="of 500 quiet series, after the first day, for ours ten times as many")
    parser.add_argument("--only-ours", action="store_true")
    args = parser.parse_args()
    seed = SEEDS[args.split]
    kinds = [(shape, factor) for shape in SHAPES for factor in FACTORS[shape]]
    made = [stream(seed + number, *kinds[number % len(kinds)]) for number in range(args.streams)]
    print(f"{args.streams} streams of 5 series with one incident each, split {args.split}")
    print("| detector | precision | recall | recall, step x 3 | its median windows to detect | within 2 | "
          "false alerts a day, 500 quiet series |")
    print("|---|---|---|---|---|---|---|")
    score, begun = Score(), time.monotonic()
    for one in made:
        score.add(one, alerts(*ours(one.counts)))
    days = args.quiet_days * 10
    calm = silent(seed - 1, SERIES, 1 + days)
    print(score.line("textpulse", len(alerts(*ours(calm.counts))) / days), flush=True)
    spent = time.monotonic() - begun
    if not args.only_ours:
        calm, dev = (silent(at - 1, SERIES, 1 + args.quiet_days).counts for at in (seed, SEEDS["dev"]))
        for name, (scores, usual) in others().items():
            of_calm, of_dev = scores(calm), scores(dev)
            of_streams = [scores(one.counts) for one in made]
            strict = next(t for t in np.geomspace(usual, usual * 100, 60)
                          if len(alerts(*by_threshold(of_dev, t))) / args.quiet_days <= ALLOWED_A_DAY)
            for threshold in (usual, strict):
                score_of = Score()
                for one, values in zip(made, of_streams, strict=True):
                    score_of.add(one, alerts(*by_threshold(values, threshold)))
                false = len(alerts(*by_threshold(of_calm, threshold))) / args.quiet_days
                print(score_of.line(f"{name} > {threshold:.3g}", false), flush=True)
    print("\ntextpulse by kind of incident:\n| shape | factor | found | median windows to detect |\n|---|---|---|---|")
    for kind in kinds:
        delays = score.delays[kind] or [np.nan]
        print(f"| {kind[0]} | {kind[1]:g} | {score.found[kind]} of {score.planted[kind]} | {np.median(delays):.0f} |")
    print(f"\n{spent:.0f} s for ours")


if __name__ == "__main__":
    main()
