"""A comparison as rows of a table and as Markdown."""
from collections.abc import Iterator, Sequence

from benchmarks.compare.result import Comparison, Line
from models.evaluation.summary import Figures

NUMBERS = ("rows", "timed", "texts/s", "times as fast", "cores")
SYSTEMS = ("system", "version", "threads", "how its answers are read")


def columns(base: str) -> tuple[str, ...]:
    """Of the table. base: the model whose speed is put beside that of the others."""
    return "set", "rows", "system", "quality", "timed", "texts/s", f"{base}: times as fast", "cores"


def table(found: Comparison) -> list[tuple[str, ...]]:
    """A row for each set and system, set by set, in the order of the systems: the first of them is the base."""
    order = {system.name: at for at, system in enumerate(found.systems)}
    base = {line.set: line for line in found.lines if order[line.system] == 0}
    sets = {name: at for at, name in enumerate(dict.fromkeys(line.set for line in found.lines))}
    lines = sorted(found.lines, key=lambda line: (sets[line.set], order[line.system]))
    return [_row(line, base.get(line.set)) for line in lines]


def _row(line: Line, base: Line | None) -> tuple[str, ...]:
    times = significant(base.speed / line.speed) if base and base is not line else "-"
    return (line.set, f"{line.rows:,}", line.system, quality(line.figures), f"{line.timed:,}", significant(line.speed), times,
            f"{line.cores:.1f}")


def quality(figures: Figures) -> str:
    """accuracy / macro-F1, or F1 (precision, recall)."""
    if "f1" in figures:
        return f"{figures['f1']:.3f} ({figures['precision']:.3f}, {figures['recall']:.3f})"
    return f"{figures['accuracy']:.3f} / {figures['macro_f1']:.3f}"


def significant(value: float) -> str:
    """Three significant digits: speeds are no surer than that."""
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:g}"


def systems(found: Comparison) -> list[tuple[str, ...]]:
    """A row for each system."""
    return [(one.name, one.version, f"{one.threads}", one.how) for one in found.systems]


def remarks(found: Comparison) -> Iterator[str]:
    """What has to be known of the figures."""
    yield ("quality: accuracy / macro-F1 over the classes of the set; of entities F1 (precision, recall) of exact spans, "
           "the same measures and code for all")
    yield (f"texts/s: median of {found.rounds} rounds (of the first model: as many again after the peers), all texts handed over at once, "
           "after all rows of the set were answered to warm up")
    yield "timed: so many texts of the set; fewer than rows where a peer is slow, evenly spaced then"
    yield (f"cores: CPU seconds by second while timed; each system ran alone in a process of its own and could use all {found.cores}. "
           "threads: of that process at its end, busy or not")
    yield "a model of ours gives sentiment, topic and entities in the same pass, a peer only what the set asks for"
    if found.split == "dev":
        yield "dev: models and the C of the SVM were chosen on these rows, so all that learnt here looks a little better than it is"


def markdown(found: Comparison, command: str) -> str:
    """The report."""
    head = columns(found.systems[0].name)
    models = ", ".join(f"{one.name} {one.version}" for one in found.systems if one.is_model)
    parts = [f"    {command}", f"The {found.split} split. Models: {models}.", _table(head, table(found), NUMBERS),
             "\n".join(f"- {said}" for said in remarks(found)), _table(SYSTEMS, systems(found), (*NUMBERS, "threads"))]
    if found.notes:
        parts.append("\n".join(f"- {said}" for said in found.notes))
    return "\n\n".join(["# Comparison", *parts]) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[str]) -> str:
    marks = ["---:" if any(name in column for name in numbers) else "---" for column in head]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in [head, marks, *rows])
