"""Windows of a minute with something to be found in them, and the two kinds of what is judged: alerts and topics."""
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from insights.alerts import keep as alerts_keep
from insights.alerts.detect import Sensitivity
from insights.cells import Cell, Unit
from insights.emerging import keep as topics_keep
from insights.store import Store, UnitKey
from insights.tables import alert_states, alerts, emerging_states, emerging_topics

MINUTE = 60_000_000
FIRST = 29_000_003   # the first window, in minutes since 1970
LATENESS = 10        # minutes
BURST = range(100, 112)
STRIKE, STORM = ("strike", "pilots", "union"), ("storm", "snow", "roads")
THEMES = ((STRIKE, "airline", range(100, 125)), (STORM, "parcels", range(105, 130)))


def complaints(burst=BURST):
    """[the units of each window]: two sources; in the windows of `burst` complaints of soup in reviews come five times as often."""
    made = []
    for at in range(150):
        random = np.random.default_rng([1, at])
        made.append([])
        for source, rate in (("reviews", 20), ("tickets", 20)):
            many = 5 if source == "reviews" and at in burst else 1
            usual = int(random.poisson(rate))
            extra = rate * (many - 1)
            cells = {("en", "film"): Cell(usual, usual // 3, 0, usual - usual // 3, samples=((at, f"film {at}"),))}
            if extra:
                cells["en", "food"] = Cell(extra, extra, 0, 0, terms={"soup": (extra, 0, 0)}, samples=((at + 7, f"food {at}"),))
            made[at].append((UnitKey((FIRST + at) * MINUTE, "texts/0", source, "", 0), Unit(usual + extra, at, cells)))
    return made


def talk(themes=THEMES):
    """[the units of each window]: two products of tickets; themes come over twenty ordinary words."""
    made = []
    for at in range(170):
        random, of_themes = np.random.default_rng([1, at, 0]), np.random.default_rng([1, at, 1])
        made.append([])
        for product in ("airline", "parcels"):
            records, words = int(random.poisson(25)), {}
            for number in range(20):
                words[f"word{number}"] = int(random.binomial(records, 0.5 / (number + 1)))
            for theme, where, when in themes:
                of_theme = int(of_themes.poisson(8)) if where == product and at in when else 0
                records += of_theme
                for _ in range(of_theme):
                    for word in theme:
                        words[word] = words.get(word, 0) + int(of_themes.random() < 0.6)
            terms = {word: (count, 0, 0) for word, count in words.items() if count}
            key = UnitKey((FIRST + at) * MINUTE, "texts/0", "tickets", product, 0)
            made[at].append((key, Unit(records, at, {("en", "help"): Cell(records, records, 0, 0, terms=terms)})))
    return made


def open_job(url, kind="stream"):
    """A store with a job of windows of a minute."""
    made = Store(url)
    made.open_job("job", kind, MINUTE, LATENESS * MINUTE)
    return made


def write(store, units, minute):
    """Units, and the watermark at the end of a window."""
    store.write_units("job", 0, units, 1)
    store.save("job", 0, (FIRST + max(0, minute + 1 - LATENESS)) * MINUTE, (FIRST + minute + 1) * MINUTE, [])


def write_all(store, windows):
    """All windows at once."""
    write(store, [unit for units in windows for unit in units], len(windows) - 1)


@dataclass(frozen=True)
class Judged:
    """judge: (store, now_us, past, told) -> how many changed. eventful: windows with something to be found in those of `when`."""

    keep: object
    eventful: list
    quiet: list
    when: range
    table: sa.Table
    states: sa.Table
    judge: Callable

    def kept(self, store):
        """What is stored, but for when it was: rows, states."""
        with store.snapshot() as db:
            rows = db.execute(sa.select(self.table).order_by(self.table.c.id)).mappings().all()
            states = db.execute(sa.select(self.states.c.through_us, self.states.c.watched)).all()
        return [{name: value for name, value in row.items() if name != "updated_us"} for row in rows], [tuple(row) for row in states]

    def forget(self, store):
        """As if nothing had ever been judged."""
        with store.transaction() as db:
            db.execute(self.states.delete())
            db.execute(self.table.delete())


OF_ALERTS = Sensitivity(lookback=60, warm_up=20)
OF_TOPICS = Sensitivity(lookback=60, warm_up=20, widths=(1, 3, 10), gap=10, records=6)
ALERTS = Judged(
    alerts_keep, complaints(), complaints(burst=()), BURST, alerts, alert_states,
    lambda store, now_us=1, past=None, told=None, job="job": alerts_keep.judge(store, job, OF_ALERTS, now_us, past, told))
TOPICS = Judged(
    topics_keep, talk(), talk(themes=()), range(98, 130), emerging_topics, emerging_states,
    lambda store, now_us=1, past=None, told=None, job="job": topics_keep.judge_topics(store, job, now_us, past, OF_TOPICS, told))
