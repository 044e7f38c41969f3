"""What is true of a piece of the sample stream: the counts that a right pipeline must arrive at."""
from collections import Counter
from collections.abc import Iterable
from typing import Any

from pipelines.sample.stream import SampleRecord
from schemas.records import Reason


def truth(records: Iterable[SampleRecord], *, window_s: float = 60.0, backfill: bool = False) -> dict[str, Any]:
    """The counts of these records, as values for JSON.

    records: all of them; kinds and faults: of all. reasons: dead letters that must come, by reason. counted: those that
    must stand in windows, and of these source, lang, product, sentiment, topic and window (its start in microseconds,
    as text). incident: product, start_us, end_us (the times of the first and the last record that it added) and extra,
    how many it added; None when there was none. backfill: nothing is late, so the late ones are counted.
    """
    names = ("kinds", "faults", "reasons", "source", "lang", "product", "sentiment", "topic", "window")
    by: dict[str, Counter[str]] = {name: Counter() for name in names}
    extra: list[SampleRecord] = []
    total = 0
    for record in records:
        total += 1
        by["kinds"][record.kind] += 1
        if record.fault:
            by["faults"][record.fault] += 1
        if record.extra:
            extra.append(record)
        if record.reason and not (backfill and record.reason is Reason.LATE):
            by["reasons"][record.reason.value] += 1
        else:
            _count(by, record, round(window_s * 1e6))
    counts = {name: dict(sorted(counter.items())) for name, counter in by.items()}
    return {"records": total, "counted": sum(counts["source"].values()), **counts, "incident": _incident(extra)}


def _count(by: dict[str, Counter[str]], record: SampleRecord, window_us: int) -> None:
    for name in ("source", "lang", "product", "sentiment", "topic"):
        by[name][getattr(record, name)] += 1
    by["window"][str(record.time_us // window_us * window_us)] += 1


def _incident(extra: list[SampleRecord]) -> dict[str, Any] | None:
    if not extra:
        return None
    times = [record.time_us for record in extra]
    return {"product": extra[0].product, "start_us": min(times), "end_us": max(times), "extra": len(extra)}
