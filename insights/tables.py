"""The store's tables: what is durable. What each is for in the recovery protocol is in docs/architecture.md."""
import sqlalchemy as sa

SCHEMA_VERSION = 7
"""2: jobs.holder; 3: alerts; 4: alerts.incident, what is told of alerts, units.span_us; 5: topics.merged_into;
6: secrets, jobs.pseudonyms, dead_letters.author, forgotten; 7: originals, fixes, outcomes."""
START_US = -(10**18)
UNIT_KEY = ("job", "run", "window_us", "origin", "source", "product", "epoch")   # what names a unit
metadata = sa.MetaData()
Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")

schema_version = sa.Table("schema_version", metadata, sa.Column("version", sa.Integer, primary_key=True))
jobs = sa.Table(
    "jobs", metadata,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),              # stream | backfill
    sa.Column("window_us", sa.BigInteger, nullable=False),   # the base window's length
    sa.Column("lateness_us", sa.BigInteger, nullable=False),
    sa.Column("closed_us", sa.BigInteger, nullable=False),   # windows that end at or before this are closed
    sa.Column("watermark_us", sa.BigInteger, nullable=False),
    sa.Column("current_run", sa.BigInteger, nullable=False),
    sa.Column("holder", sa.BigInteger, nullable=False, server_default="0"),   # counts the processes that read for it: the last may write
    sa.Column("pseudonyms", sa.Text, nullable=False, server_default=""))      # privacy/redact.py, Redactor.mark
secrets = sa.Table(
    "secrets", metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False))
runs = sa.Table(
    "runs", metadata,
    sa.Column("run", Id, primary_key=True, autoincrement=True),
    sa.Column("job", sa.Text, nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),             # running | current
    sa.Column("started_us", sa.BigInteger, nullable=False),
    sa.Column("ended_us", sa.BigInteger),
    sqlite_autoincrement=True)   # the number of a killed run is never used again
units = sa.Table(
    "units", metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("run", sa.BigInteger, nullable=False),
    sa.Column("window_us", sa.BigInteger, nullable=False),   # where the window starts
    sa.Column("span_us", sa.BigInteger, nullable=False, server_default="0"),   # of an hour or a day, once merged; 0: a base window
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),          # of the origin; below 0: a replay of dead letters
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("last_offset", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("updated_us", sa.BigInteger, nullable=False),
    sa.Column("published", sa.BigInteger, nullable=False, server_default="0"),   # the last revision in the outbox's topic
    sa.UniqueConstraint(*UNIT_KEY, name="units_key"))
cells = sa.Table(
    "cells", metadata,
    sa.Column("unit", Id, sa.ForeignKey("units.id"), primary_key=True),
    sa.Column("lang", sa.Text, primary_key=True),
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("negative", sa.BigInteger, nullable=False),
    sa.Column("neutral", sa.BigInteger, nullable=False),
    sa.Column("positive", sa.BigInteger, nullable=False),
    sa.Column("score_sum", sa.BigInteger, nullable=False),   # ten-thousandths of the chosen sentiment's probability
    sa.Column("authors", sa.BigInteger, nullable=False),
    sa.Column("detail", sa.Text, nullable=False))            # JSON: insights/cells.py
dead_letters = sa.Table(
    "dead_letters", metadata,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("run", sa.BigInteger, primary_key=True),
    sa.Column("origin", sa.Text, primary_key=True),
    sa.Column("offset", sa.BigInteger, primary_key=True),
    sa.Column("reason", sa.Text, primary_key=True),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("window_us", sa.BigInteger),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("sample", sa.Text, nullable=False),
    sa.Column("headers", sa.Text, nullable=False),           # JSON object
    sa.Column("first_seen_us", sa.BigInteger, nullable=False),
    sa.Column("author", sa.Text, nullable=False, server_default=""))   # privacy/redact.py, Redactor.author_mark
originals = sa.Table(   # what dead letters were, encrypted: transforms/originals.py
    "originals", metadata,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("run", sa.BigInteger, primary_key=True),
    sa.Column("origin", sa.Text, primary_key=True),
    sa.Column("offset", sa.BigInteger, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False))
fixes = sa.Table(       # how dead letters are to be mended
    "fixes", metadata,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("run", sa.BigInteger, primary_key=True),
    sa.Column("origin", sa.Text, primary_key=True),
    sa.Column("offset", sa.BigInteger, primary_key=True),
    sa.Column("fix", sa.Text, nullable=False),               # JSON: schemas/fixes.py
    sa.Column("at_us", sa.BigInteger, nullable=False))
outcomes = sa.Table(    # of dead letters that are dealt with: each once
    "outcomes", metadata,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("run", sa.BigInteger, primary_key=True),
    sa.Column("origin", sa.Text, primary_key=True),
    sa.Column("offset", sa.BigInteger, primary_key=True),
    sa.Column("outcome", sa.Text, nullable=False),           # insights/mending.py, State: replayed | dropped
    sa.Column("epoch", sa.Integer, nullable=False),          # of the units that count it; 0: none does
    sa.Column("window_us", sa.BigInteger),                   # where it counts
    sa.Column("event_key", sa.BigInteger),                   # hash of its event id, as a signed number
    sa.Column("at_us", sa.BigInteger, nullable=False))
forgotten = sa.Table(   # authors of whom nothing is kept but that they are counted
    "forgotten", metadata,
    sa.Column("author", sa.Text, primary_key=True),
    sa.Column("at_us", sa.BigInteger, nullable=False))
progress = sa.Table(
    "progress", metadata,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("run", sa.BigInteger, primary_key=True),
    sa.Column("origin", sa.Text, primary_key=True),
    sa.Column("read", sa.BigInteger, nullable=False),           # everything below was decided: evidence
    sa.Column("saved", sa.BigInteger),                          # where a new process starts; null before the first save
    sa.Column("saved_records", sa.BigInteger, nullable=False),  # records read below `saved`
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("frontier", sa.BigInteger, nullable=False),       # handed on when this row was saved
    sa.Column("read_records", sa.BigInteger, nullable=False),   # records read below `frontier`
    sa.Column("open_records", sa.BigInteger, nullable=False))   # of these, in windows that were not closed
retention = sa.Table(   # how far a run is rolled up: insights/rollup.py, Marks
    "retention", metadata,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("run", sa.BigInteger, primary_key=True),
    sa.Column("merged_us", sa.BigInteger, nullable=False),
    sa.Column("days_us", sa.BigInteger, nullable=False),
    sa.Column("dropped_us", sa.BigInteger, nullable=False))
dropped = sa.Table(     # what was in units that were removed for their age
    "dropped", metadata,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("run", sa.BigInteger, primary_key=True),
    sa.Column("origin", sa.Text, primary_key=True),
    sa.Column("records", sa.BigInteger, nullable=False))
alerts = sa.Table(
    "alerts", metadata,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("run", sa.BigInteger, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("incident", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),              # insights/alerts/judge.py, Kind
    sa.Column("dimension", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("opened_us", sa.BigInteger, nullable=False),   # starts of windows
    sa.Column("last_us", sa.BigInteger, nullable=False),
    sa.Column("closed_us", sa.BigInteger),                   # null while it is open
    sa.Column("peak_us", sa.BigInteger, nullable=False),
    sa.Column("peak", sa.Text, nullable=False),              # JSON: judge.Signal
    sa.Column("reason", sa.Text, nullable=False),            # JSON: explain.Reason
    sa.Column("updated_us", sa.BigInteger, nullable=False))
alert_states = sa.Table(
    "alert_states", metadata,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("run", sa.BigInteger, primary_key=True),
    sa.Column("through_us", sa.BigInteger, nullable=False),  # windows that start before this are judged for good
    sa.Column("watched", sa.Text, nullable=False))           # JSON: judge.Watched
emerging_topics = sa.Table(
    "emerging_topics", metadata,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("run", sa.BigInteger, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),              # JSON: the members that make it
    sa.Column("opened_us", sa.BigInteger, nullable=False),   # starts of windows
    sa.Column("last_us", sa.BigInteger, nullable=False),
    sa.Column("closed_us", sa.BigInteger),                   # null while it is open
    sa.Column("merged_into", sa.Text),                       # id of the topic whose group closed it
    sa.Column("records", sa.BigInteger, nullable=False),     # more than expected, of its most frequent word
    sa.Column("members", sa.Text, nullable=False),           # JSON: word -> weight, the heaviest first
    sa.Column("updated_us", sa.BigInteger, nullable=False))
emerging_states = sa.Table(
    "emerging_states", metadata,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("run", sa.BigInteger, primary_key=True),
    sa.Column("through_us", sa.BigInteger, nullable=False),  # windows that start before this are judged for good
    sa.Column("watched", sa.Text, nullable=False))           # JSON: emerging/topics.py, Topics
announced = sa.Table(
    "announced", metadata,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("since_us", sa.BigInteger, nullable=False))    # incidents that had ended before are not told
incidents = sa.Table(   # what was told of each
    "incidents", metadata,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("run", sa.BigInteger, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),       # messages so far
    sa.Column("said", sa.Text, nullable=False))              # JSON: announce.Said
messages = sa.Table(    # the outbox
    "messages", metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("incident", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),              # JSON, as it is sent
    sa.Column("made_us", sa.BigInteger, nullable=False))
deliveries = sa.Table(
    "deliveries", metadata,
    sa.Column("message", sa.Text, sa.ForeignKey("messages.id"), primary_key=True),
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False, index=True),   # insights/alerts/outbox.py, DeliveryState
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_us", sa.BigInteger, nullable=False),      # of the next attempt
    sa.Column("done_us", sa.BigInteger),
    sa.Column("error", sa.Text, nullable=False))             # of the last attempt
acknowledgements = sa.Table(
    "acknowledgements", metadata,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("incident", sa.Text, primary_key=True),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("at_us", sa.BigInteger, nullable=False))
mutes = sa.Table(
    "mutes", metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),              # empty: any
    sa.Column("dimension", sa.Text, nullable=False),         # empty: any
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("until_us", sa.BigInteger, nullable=False),
    sa.Column("note", sa.Text, nullable=False))
