"""What the report says of an evaluation."""
from collections.abc import Iterator, Sequence

from models.document.parts import Cell, Document, Picture, Section, Table
from models.evaluation import plots
from models.evaluation.calibration import BINS
from models.evaluation.result import (
    Calibration,
    Confusion,
    Evaluation,
    Group,
    Named,
    Score,
    Scores,
    Speed,
    TaskResult,
    WrongEntities,
    WrongLabel,
)

TITLE = "Evaluation"
LONGEST_TEXT = 300
"""Characters of a text that are shown."""
MOST_BARS = 60
"""Classes in a picture; more stand in the table alone."""
WHAT = {"sentiment": "answers", "topic": "answers", "intent": "answers", "entities": "entities that were found"}
NAMES = {"majority": "majority", "keyword": "keywords or names"}
HEAT = ("Rows: gold; columns: the model's answer. A cell is as strong as its share of its row, which is written in it in percent; blue is "
        "right, orange is wrong. Its count appears when it is pointed at, and stands in the table.")
RELIABLE = ("Blue: the share that is right, by the probability of the answer. Orange: the gap to that probability. On the dashed line an "
            "answer is right as often as it says. Below: how many answers there are.")


def document(found: Evaluation) -> Document:
    """The whole report."""
    return Document(TITLE, summary(found), list(sections(found)))


def summary(found: Evaluation) -> str:
    """The whole in a few sentences."""
    rows = "prepared rows" if found.is_prepared else "rows as published"
    empty = f" Left out, since they have no rows in this split: {', '.join(found.empty)}." if found.empty else ""
    seen = (f" The model may have learnt from the rows of {', '.join(found.perhaps_seen)}: they are held out of training rows here, and it "
            "was trained on others." if found.perhaps_seen else "")
    return (f"Model {found.model}, version {found.version}, on the {found.split} split of {len(found.read):,} sets ({rows}). "
            f"{speed(found.speed)}{empty}{seen} The worst errors show texts of the data: keep this file as you keep the data. "
            "scores.json holds all figures and no texts.")


def speed(of: Speed) -> str:
    """How fast the texts were tagged, and under what conditions."""
    rate = of.texts / of.seconds if of.seconds else 0.0
    return (f"Speed: {rate:,.0f} texts/s ({of.texts:,} texts in chunks of {of.chunk:,} in {of.seconds:.2f} s after one chunk to warm up, "
            f"by one caller; TensorFlow's threads: {of.threads_within} within and {of.threads_between} between operations).")


def sections(found: Evaluation) -> Iterator[Section]:
    """The sets beside the baselines, each task as a whole, its worst errors, and every part of it."""
    yield _overview(found)
    for of in found.tasks:
        yield from _task(of)
        yield _worst(of)
    yield Section("Each set, language and kind of text", "The same figures and pictures as above, of parts of the rows.")
    for of in found.tasks:
        yield from (_detail(of.task, group) for group in of.groups if group.by != "all")


def _overview(found: Evaluation) -> Section:
    columns = ["set", "task", "rows", "micro-F1", "macro-F1", *(f"{name}: {of}" for name in NAMES.values() for of in ("micro", "macro"))]
    rows = []
    for of in found.tasks:
        for group in of.groups:
            if group.by == "set":
                beside = [of.baselines[group.name].get(name) for name in NAMES]
                rows.append([group.name, of.task, group.scores.rows, group.scores.micro.f1, group.scores.macro.f1, *(
                    cell for scores in beside for cell in ((scores.micro.f1, scores.macro.f1) if scores else ("-", "-")))])
    return Section("Sets", "Micro-F1 is the accuracy of a sentiment, topic or intent (of intents among those of the set), and of entities "
                   "the F1 of exact spans. Macro-F1 is the mean over the classes that gold has. Baselines are made from the training "
                   "rows of the set: always the most frequent class; a vote of keywords; and for entities a list of the names seen there.",
                   [Table(columns, rows)])


def _task(of: TaskResult) -> Iterator[Section]:
    name, whole = of.task.capitalize(), next(group.scores for group in of.groups if group.by == "all")
    yield Section(name, f"{whole.rows:,} texts, of which {of.wrong:,} are not wholly right.", [_groups(of)])
    yield Section(f"{name} by {_class(of.task)}", "All sets together.", _by_class(of.task, "all sets", whole), 3)
    if whole.confusion:
        yield Section(f"{name}: confusion matrix", "All sets together.", _confused("all sets", whole.confusion), 3)
    if whole.calibration:
        yield Section(f"{name}: calibration", f"All sets together. {_calibration(whole.calibration)}",
                      _reliable(of.task, "all sets", whole.calibration), 3)


def _groups(of: TaskResult) -> Table:
    columns = ("by", "name", "rows", "micro-F1", "macro precision", "macro recall", "macro-F1", "weighted F1", "ECE", "Brier")
    if of.task == "entities":
        columns = ("by", "name", "rows", "precision", "recall", "micro-F1", "macro-F1", "weighted F1", "ECE", "Brier")
    return Table(columns, [_group(of.task, group) for group in of.groups])


def _group(task: str, group: Group) -> list[Cell]:
    of = group.scores
    middle = ((of.micro.precision, of.micro.recall, of.micro.f1) if task == "entities" else
              (of.micro.f1, of.macro.precision, of.macro.recall))
    calibrated = (of.calibration.ece, of.calibration.brier) if of.calibration else ("-", "-")
    return [group.by, "" if group.by == "all" else group.name, of.rows, *middle, of.macro.f1, of.weighted.f1, *calibrated]


def _by_class(task: str, where: str, of: Scores) -> list[Picture | Table]:
    rows = [*of.classes.items(), ("macro", of.macro), ("micro", of.micro), ("weighted", of.weighted)]
    table = Table((_class(task), "precision", "recall", "F1", "support"), [_score(name, score) for name, score in rows])
    if not 0 < len(of.classes) <= MOST_BARS:
        return [table]
    return [Picture(plots.f1_bars(f"F1 by {_class(task)}, {where}", of.classes), "F1, and in brackets the support."), table]


def _score(name: str, of: Score) -> list[Cell]:
    return [name, of.precision, of.recall, of.f1, of.support]


def _confused(where: str, of: Confusion) -> list[Picture | Table]:
    rows: list[list[Cell]] = [[name, *counts] for name, counts in zip(of.classes, of.counts, strict=True)]
    return [Picture(plots.heat_map(f"Confusion, {where}", of), HEAT),
            Table(("gold, down; answer, across", *of.classes), rows, "Counts", folded=True)]


def _calibration(of: Calibration) -> str:
    return f"Expected calibration error {of.ece:.3f} over {BINS} bins, Brier score {of.brier:.3f}."


def _reliable(task: str, where: str, of: Calibration) -> list[Picture | Table]:
    used = [one for one in of.bins if one.count]
    rows: list[list[Cell]] = [[f"{one.low:.2f} to {one.high:.2f}", one.count, one.confidence, one.accuracy] for one in used]
    table = Table(("confidence", WHAT[task], "mean confidence", "accuracy"), rows, "Bins", folded=True)
    return [Picture(plots.diagram(f"Calibration, {where}", of.bins), RELIABLE), table] if used else [table]


def _worst(of: TaskResult) -> Section:
    about = f"The {len(of.worst):,} of {of.wrong:,} texts with an error{{}}. Texts are cut after {LONGEST_TEXT} characters."
    labels = [one for one in of.worst if isinstance(one, WrongLabel)]
    entities = [one for one in of.worst if isinstance(one, WrongEntities)]
    if of.task == "entities":
        table = Table(("set", "row", "missed", "spurious", "text"), [
            [one.set, one.id, _named(one.text, one.missed), _named(one.text, one.spurious), _cut(one.text)] for one in entities])
        return Section("Entities: the worst errors", about.format(": those with the most missed or spurious entities"), [table], 3)
    table = Table(("set", "row", "gold", "answer", "probability", "text"), [
        [one.set, one.id, one.gold, one.said, one.probability, _cut(one.text)] for one in labels])
    return Section(f"{of.task.capitalize()}: the worst errors", about.format(": those of which the model was surest"), [table], 3)


def _named(text: str, entities: Sequence[Named]) -> str:
    raw = text.encode("utf-8", "replace")   # as the model reads it
    return "; ".join(f"{one.type}: {_cut(raw[one.start:one.end].decode('utf-8', 'replace'))}" for one in entities) or "-"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}… ({len(text):,} characters)"


def _detail(task: str, group: Group) -> Section:
    of = group.scores
    parts = _by_class(task, group.name, of)
    if of.confusion:
        parts += _confused(group.name, of.confusion)
    if of.calibration:
        parts += _reliable(task, group.name, of.calibration)
    said = _calibration(of.calibration) if of.calibration else ""
    if of.scope:
        said += (f" With the model's threshold: {of.scope.accuracy:.3f} of the texts with an intent got it, and "
                 f"{of.scope.out_of_scope_recall:.3f} of those without one got none.")
    return Section(f"{task.capitalize()}, {group.by} {group.name}", f"{of.rows:,} texts. {said}", parts, 3, folded=True)


def _class(task: str) -> str:
    return "type" if task == "entities" else "class"
