"""Scores a tagger on a split: by task, and within it by set, language and kind of text, beside baselines made in the same run."""
import time
from collections.abc import Callable, Iterator, Sequence

from models.evaluation.answers import CHUNK, Answers, timed
from models.evaluation.beside import baseline_scores
from models.evaluation.judged import Row, judged
from models.evaluation.result import FORMAT, Evaluation, Group, Speed, TaskResult
from models.evaluation.rows import CLASSES, Split, digests, has_labels, training_rows
from models.evaluation.summary import figures
from schemas.tagging import Tagger

WORST = 50
"""So many errors of each task are kept."""


def evaluate(
        tagger: Tagger, split: Split, *, report: Callable[[str], None] = lambda line: None,
        clock: Callable[[], float] = time.perf_counter, threads: tuple[int, int] = (0, 0),
        perhaps_seen: Sequence[str] = ()) -> Evaluation:
    """All scores of the tagger, whose labels must be those of the rows or more (see fair.py, for perhaps_seen too).

    report: gets a line for each set. clock: seconds. threads: within and between the tagger's operations, as they are said.
    Raises ValueError when the tagger fails on a text, DataError when training rows cannot be read.
    """
    rows = [(dataset, example) for dataset, examples in split.rows.items() for example in examples]
    answers, seconds = timed(tagger.tag, [example.text for _, example in rows], clock)
    tasks = []
    for task in CLASSES:
        if task == "intent" and not tagger.intents:
            continue
        if at := [number for number, (dataset, example) in enumerate(rows) if has_labels(dataset, task, example)]:
            tasks.append(_result(task, tagger, split, [rows[number] for number in at], answers.take(at), report))
    return Evaluation(FORMAT, tagger.name, tagger.version, split.name, split.is_prepared, digests(split), split.empty,
                      [*perhaps_seen], Speed(len(rows), seconds, CHUNK, *threads), tasks)


def _result(task: str, tagger: Tagger, split: Split, rows: Sequence[Row], answers: Answers, report: Callable[[str], None]) -> TaskResult:
    beside = judged(task, rows, answers, tagger)
    groups = [Group(by, name, beside.scores(numbers)) for by, name, numbers in _groups(rows)]
    baselines = {}
    for dataset in dict.fromkeys(dataset for dataset, _ in rows):
        scored, learnt = ([example for example in of if has_labels(dataset, task, example)]
                          for of in (split.rows[dataset], training_rows(split, dataset)))
        baselines[dataset.name] = baseline_scores(task, scored, learnt)
        scores = next(group.scores for group in groups if (group.by, group.name) == ("set", dataset.name))
        report(f"{dataset.title(task)}: {figures(task, scores)}")
    wrong = beside.wrong()
    return TaskResult(task, groups, baselines, len(wrong), wrong[:WORST])


def _groups(rows: Sequence[Row]) -> Iterator[tuple[str, str, list[int]]]:
    """(by, name, numbers of the rows): of all rows, then each set, language and kind."""
    yield "all", "all", list(range(len(rows)))
    for by, names in (("set", [dataset.name for dataset, _ in rows]), ("language", [example.lang for _, example in rows]),
                      ("kind", [example.kind for _, example in rows])):
        for name in dict.fromkeys(names if by == "set" else sorted(names)):
            yield by, name, [number for number, other in enumerate(names) if other == name]
