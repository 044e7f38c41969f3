"""The figures of each set beside the baselines: what `textpulse evaluate` prints, and what the card of a model shows."""
from typing import Any

from models.evaluation.result import Evaluation, Scores

Figures = dict[str, float]


def summary(found: Evaluation) -> dict[str, Any]:
    """{set: {task, rows, model, majority, keyword}}; the last three hold the figures, where there are any."""
    return {_title(of.task, group.name): {"task": of.task, "rows": group.scores.rows, "model": figures(of.task, group.scores)}
            | {name: figures(of.task, scores) for name, scores in of.baselines[group.name].items()}
            for of in found.tasks for group in of.groups if group.by == "set"}


def figures(task: str, scores: Scores) -> Figures:
    """Classification: accuracy and macro_f1. Entities: precision, recall and f1 of exact spans."""
    if task == "entities":
        return {"precision": scores.micro.precision, "recall": scores.micro.recall, "f1": scores.micro.f1}
    found = {"accuracy": scores.micro.f1, "macro_f1": scores.macro.f1}
    if scores.scope:
        found |= {"in_scope_accuracy": scores.scope.accuracy, "out_of_scope_recall": scores.scope.out_of_scope_recall}
    return found


def _title(task: str, name: str) -> str:
    """A set of topics has intents too."""
    return f"{name} intent" if task == "intent" else name


def table(metrics: dict[str, Any], split: str = "test") -> str:
    """A summary as a Markdown table: accuracy / macro-F1, or F1 (precision, recall)."""
    lines = [f"| set | task | {split} rows | model | majority | keywords or names |", "|---|---|---:|---|---|---|"]
    for name, row in metrics.items():
        cells = [_cell(row.get(column)) for column in ("model", "majority", "keyword")]
        lines.append(f"| {name} | {row['task']} | {row['rows']:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(scores: Figures | None) -> str:
    if scores is None:
        return "-"
    if "f1" in scores:
        return f"{scores['f1']:.3f} ({scores['precision']:.3f}, {scores['recall']:.3f})"
    shown = f"{scores['accuracy']:.3f} / {scores['macro_f1']:.3f}"
    if "out_of_scope_recall" in scores:
        shown += f" (in scope {scores['in_scope_accuracy']:.3f}, out {scores['out_of_scope_recall']:.3f})"
    return shown
