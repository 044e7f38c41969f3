"""The shape of a series' day, from the whole days before it as they are stored."""
from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from insights.alerts import baseline
from insights.alerts.baseline import Floats
from insights.alerts.judge import ALL, Series
from insights.queries import JobRow, of_run
from insights.tables import units

DAYS = 14   # before the day in question


class DayShapes:
    """Callable: (series of all, sources or products, day since 1970) -> float64[S, bins]. first_us: the job's first window."""

    def __init__(self, db: sa.Connection, about: JobRow, first_us: int) -> None:
        self.db, self.about, self.first_us = db, about, first_us
        self._of_day: tuple[int | None, dict[Series, Floats], Floats] = (None, {}, np.zeros(0))

    def __call__(self, names: Sequence[Series], day: int) -> Floats:
        if self._of_day[0] != day:
            self._of_day = (day, *self._sums(day))
        _, sums, windows = self._of_day
        nothing = np.zeros_like(windows)
        of_names = np.array([sums.get(name, nothing) for name in names]).reshape(len(names), len(windows))
        return baseline.day_shapes(of_names, windows, sums.get(ALL, nothing))

    def _sums(self, day: int) -> tuple[dict[Series, Floats], Floats]:
        """Records by bin of the day, and how many windows these come from."""
        size, bins = self.about.window_us, baseline.bins_of(self.about.window_us)
        begin, end = max((day - DAYS) * baseline.DAY_US, -(-self.first_us // size) * size), day * baseline.DAY_US
        at = baseline.bin_of(np.arange(begin, end, size, dtype=np.int64), bins)
        of_bin = (units.c.window_us % baseline.DAY_US) * bins // baseline.DAY_US
        rows = self.db.execute(
            sa.select(of_bin, units.c.source, units.c.product, sa.func.sum(units.c.records))
            .where(*of_run(units, self.about), units.c.window_us >= begin, units.c.window_us < end)
            .group_by(of_bin, units.c.source, units.c.product))
        sums: dict[Series, Floats] = {}
        for place, source, product, records in rows:
            for series in (ALL, Series("source", source), Series("product", product)):
                sums.setdefault(series, np.zeros(bins))[place] += float(records)
        return sums, np.bincount(at, minlength=bins).astype(np.float64)
