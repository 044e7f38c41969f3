"""What a report says of a job: a span of time, beside the span of the same length before it."""
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

import msgspec
import numpy as np
import sqlalchemy as sa

from insights.alerts.say import Told, headline, told
from insights.board import Change, Feeling
from insights.board.changes import changes as changes_of
from insights.cells import Cell
from insights.conservation import Audit, audit
from insights.emerging.say import Told as Topic
from insights.emerging.say import told as topics_told
from insights.letters import counted
from insights.queries import DIMENSIONS, JobRow, QueryError, WindowState, cell_rows, job_row, of_run, top_entities, top_terms
from insights.store import Store
from insights.tables import dead_letters, units
from schemas.records import time_of

DAY_US = 86_400_000_000
POINTS = 96             # at most so many stand on the time axis
FEW_POINTS = 24
NAMED = 12              # entities, terms and changes are cut to so many

Groups = dict[str, dict[str, Feeling]]   # dimension -> value -> records


class Span(msgspec.Struct, frozen=True):
    """The windows that start in [from_us, to_us), in steps of step_us, which begin at from_us; the last step may be shorter.

    first_us, last_us: where the job's records begin and end. before_us: where the span before begins; None when the store does not hold
    all of it, or holds it in hours or days that reach beyond it.
    """

    from_us: int
    to_us: int
    step_us: int
    first_us: int
    last_us: int
    before_us: int | None


class Group(msgspec.Struct):
    """A value of a dimension."""

    name: str
    now: Feeling
    before: Feeling


class Named(msgspec.Struct):
    """An entity or a term: trend holds its records in each step. type: of an entity. How an entity's records feel is not known."""

    type: str
    name: str
    now: Feeling
    before: int
    trend: list[int]


class Letters(msgspec.Struct):
    """Dead letters of a reason that count nowhere: of windows in the span, in the one before, and of the whole job; who has no time is in
    the last alone."""

    reason: str
    now: int
    before: int
    ever: int


class Incident(msgspec.Struct):
    """Alerts that opened together, the one that says most first."""

    id: str
    alerts: list[Told]


class Report(msgspec.Struct, kw_only=True):
    """All of it. groups: dimension -> its values, the largest first. changes: what is most unlike the span before, the most so first.

    topics: those that emerged, with most records first; those that went into another one are left out.
    states: how many windows that hold records are in which. books: the conservation law on the whole job.
    """

    about: JobRow
    span: Span
    all: Feeling
    before: Feeling
    authors: int
    authors_before: int
    points: list[Feeling]
    groups: dict[str, list[Group]]
    entities: list[Named]
    terms: list[Named]
    changes: list[Change]
    incidents: list[Incident]
    topics: list[Topic]
    letters: list[Letters]
    states: dict[WindowState, int]
    versions: dict[str, int]
    books: Audit


def report(store: Store, job: str, from_us: int | None = None, to_us: int | None = None) -> Report:
    """Of the windows of [from_us, to_us), widened to whole ones as they are stored, and cut to where there are records.

    None: from a day before the end, to the end of the last window. Raises QueryError where there are no records.
    """
    with store.snapshot() as db:
        about = job_row(db, job)
        span = _span(db, about, from_us, to_us)
        steps, groups, states = _read(db, about, span.from_us, span.to_us, span.step_us)
        if not states:
            raise QueryError(f"job {job!r} has no records from {time_of(span.from_us):%Y-%m-%d %H:%M} to "
                             f"{time_of(span.to_us):%Y-%m-%d %H:%M}: {_held(span.first_us, span.last_us)}")
        length = span.to_us - span.from_us
        (earlier,), groups_before, _ = (
            ([Cell.empty()], {}, {}) if span.before_us is None else _read(db, about, span.before_us, span.from_us, length))
        whole = Cell.empty()
        for step in steps:
            whole.add(step)
        found = Report(
            about=about, span=span, all=feeling(whole), before=feeling(earlier), authors=whole.authors_estimate,
            authors_before=earlier.authors_estimate, points=[feeling(step) for step in steps],
            groups={name: _ranked(groups.get(name, {}), groups_before.get(name, {})) for name in DIMENSIONS},
            entities=_entities(whole, earlier, steps), terms=_terms(whole, earlier, steps), changes=[],
            incidents=_incidents(db, about, span),
            topics=_topics(db, about, span), letters=_letters(db, about, span), states=states,
            versions=dict(sorted(whole.versions.items(), key=lambda item: (-item[1], item[0]))), books=Audit([], []))
    if span.before_us is not None:
        found.changes = changes(_counts(whole, groups), _counts(earlier, groups_before), whole.records, earlier.records)
    found.books = audit(store, job)
    return found


def _topics(db: sa.Connection, about: JobRow, span: Span) -> list[Topic]:
    own = [one for one in topics_told(db, about, from_us=span.from_us, to_us=span.to_us) if one.into is None]
    return sorted(own, key=lambda one: (-one.records, one.id))


def feeling(cell: Cell) -> Feeling:
    """How its records feel."""
    return Feeling(cell.records, cell.negative, cell.neutral, cell.positive)


def step_of(length_us: int, window_us: int) -> int:
    """A multiple of the window that cuts the length into at most POINTS steps; into equal ones where that can be."""
    windows = -(-length_us // window_us)
    least = -(-windows // POINTS)
    even = next((size for size in range(least, windows // FEW_POINTS + 1) if windows % size == 0), least)
    return even * window_us


def changes(now: Mapping[tuple[str, str], int], before: Mapping[tuple[str, str], int], records: int, records_before: int) -> list[Change]:
    """Whose part of the records is most unlike what it was: expected is its part of the records before, of as many records as now.

    now, before: (dimension, name) -> records.
    """
    if not records or not records_before:
        return []
    counts = []
    for dimension, of_dimension in groupby(sorted(now.keys() | before.keys()), key=itemgetter(0)):
        keys = list(of_dimension)
        parts = np.array([[counted.get(key, 0) for key in keys] for counted in (before, now, {})], np.int64)
        counts.append((dimension, [name for _, name in keys], parts))
    return changes_of(counts, records / records_before)[:NAMED]


def _span(db: sa.Connection, about: JobRow, from_us: int | None, to_us: int | None) -> Span:
    size = about.window_us
    first, last = db.execute(sa.select(sa.func.min(units.c.window_us), sa.func.max(units.c.window_us)).where(
        *of_run(units, about), units.c.records > 0)).one()
    if first is None:
        raise QueryError(f"job {about.job!r} has no records yet")
    marks = about.marks
    end_of_last = last + marks.span_of(last, size)
    known = end_of_last
    if about.kind == "stream":   # of a silence at the end it is known that it is one
        known = max(known, about.watermark_us // size * size)
    asked = end_of_last if to_us is None else min(to_us, known)
    last_inside = marks.span_start(asked - 1, size)
    end = last_inside + marks.span_of(last_inside, size)
    begin = max(first, marks.span_start(end - DAY_US if from_us is None else from_us, size))
    if begin >= end:
        raise QueryError(f"job {about.job!r} has no records in this time: {_held(first, end_of_last)}")
    before = begin - (end - begin)
    whole = before >= first and marks.span_start(before, size) == before
    return Span(begin, end, step_of(end - begin, marks.span_of(begin, size)), first, end_of_last, before if whole else None)


def _held(first_us: int, last_us: int) -> str:
    return f"its records are from {time_of(first_us):%Y-%m-%dT%H:%M:%SZ} to {time_of(last_us):%Y-%m-%dT%H:%M:%SZ}"


def _read(
    db: sa.Connection, about: JobRow, from_us: int, to_us: int, step_us: int,
) -> tuple[list[Cell], Groups, dict[WindowState, int]]:
    steps = [Cell.empty() for _ in range(from_us, to_us, step_us)]
    groups: Groups = {name: {} for name in DIMENSIONS}
    states: Counter[WindowState] = Counter()
    for window_us, of_window in groupby(cell_rows(db, about, from_us, to_us), lambda pair: pair[0].window_us):
        states[about.state_of(window_us + about.marks.span_of(window_us, about.window_us))] += 1
        for key, cell in of_window:
            steps[(window_us - from_us) // step_us].add(cell)
            for name in DIMENSIONS:
                _add(groups[name].setdefault(getattr(key, name), Feeling()), cell)
    return steps, groups, dict(states)


def _add(group: Feeling, cell: Cell) -> None:
    group.records += cell.records
    group.negative += cell.negative
    group.neutral += cell.neutral
    group.positive += cell.positive


def _ranked(now: Mapping[str, Feeling], before: Mapping[str, Feeling]) -> list[Group]:
    every = [Group(name, now.get(name, Feeling()), before.get(name, Feeling())) for name in now.keys() | before.keys()]
    return sorted(every, key=lambda group: (-group.now.records, -group.before.records, group.name))


def _entities(whole: Cell, earlier: Cell, steps: Sequence[Cell]) -> list[Named]:
    named = [(one, f"{one.type}\t{one.text}") for one in top_entities(whole, NAMED)]
    return [Named(one.type, one.text, Feeling(one.records), earlier.entities.get(key, 0), [step.entities.get(key, 0) for step in steps])
            for one, key in named]


def _terms(whole: Cell, earlier: Cell, steps: Sequence[Cell]) -> list[Named]:
    return [
        Named("", one.term, Feeling(one.records, one.negative, one.neutral, one.positive), sum(earlier.terms.get(one.term, ())),
              [sum(step.terms.get(one.term, ())) for step in steps])
        for one in top_terms(whole, NAMED)]


def _counts(whole: Cell, groups: Groups) -> dict[tuple[str, str], int]:
    parts: Iterator[tuple[str, str, int]] = (
        (name, value, group.records) for name, of_name in groups.items() for value, group in of_name.items())
    return ({(name, value): records for name, value, records in parts}
            | {("entity", name): records for name, records in whole.entities.items()}
            | {("term", term): sum(counts) for term, counts in whole.terms.items()})


def _incidents(db: sa.Connection, about: JobRow, span: Span) -> list[Incident]:
    found: dict[str, list[Told]] = {}
    for alert in told(db, about, from_us=span.from_us, to_us=span.to_us):
        found.setdefault(alert.incident, []).append(alert)
    firsts = [(name, headline(of_one), of_one) for name, of_one in found.items()]
    return [Incident(name, [first, *(one for one in of_one if one is not first)]) for name, first, of_one in firsts]


def _letters(db: sa.Connection, about: JobRow, span: Span) -> list[Letters]:
    at = dead_letters.c.window_us

    def between(from_us: int, to_us: int) -> sa.Label[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((sa.and_(at >= from_us, at < to_us), 1), else_=0)), 0).label(f"since_{from_us}")

    before_us = span.from_us if span.before_us is None else span.before_us
    query = (
        sa.select(dead_letters.c.reason, between(span.from_us, span.to_us), between(before_us, span.from_us), sa.func.count())
        .where(*of_run(dead_letters, about), ~counted).group_by(dead_letters.c.reason))
    found = [Letters(reason, int(now), int(before), int(ever)) for reason, now, before, ever in db.execute(query)]
    return sorted(found, key=lambda one: (-one.ever, one.reason))
