"""textpulse backfill: archives through the same steps as the stream, into a new run that replaces the old one at its end."""
import argparse
import functools
import sys
import time
from collections.abc import Sequence

from insights.store import Store
from pipelines.commands.quiet import quiet_beam, quiet_import, quiet_kafka
from pipelines.policy import originals_of, policy_of
from privacy.policy import KeySource, Policy
from transforms.archives import expand
from transforms.job import redactor_of

S = 1_000_000


class Progress:
    """One line on stderr: records, rate, and the time left by bytes."""

    def __init__(self, paths: Sequence[str], every_s: float = 1.0) -> None:
        self.paths, self.every_s = list(paths), every_s
        self.records: dict[str, int] = {}
        self.begun = self.due = time.monotonic()

    def __call__(self, path: str, records: int, bytes_read: int, size_bytes: int) -> None:
        """After each batch."""
        self.records[path] = records
        now = time.monotonic()
        if now < self.due or not sys.stderr.isatty():
            return
        self.due = now + self.every_s
        done = (self.paths.index(path) + bytes_read / max(size_bytes, 1)) / len(self.paths)
        left = (now - self.begun) * (1 - done) / done if done else 0.0
        total = sum(self.records.values())
        sys.stderr.write(f"\r{total:,} records, {total / (now - self.begun):,.0f}/s, {done:.0%}, {left:.0f} s left   ")
        sys.stderr.flush()

    def end(self) -> None:
        """Goes to a new line."""
        if sys.stderr.isatty():
            sys.stderr.write("\n")


def run(args: argparse.Namespace) -> int:
    """The command. Raises UsageProblem, ArchiveError, StoreError, ModelError or JobFailed."""
    quiet_kafka()
    paths = expand(args.files)
    policy, originals = policy_of(args.policy), originals_of(args)
    check_loads(args.model)
    check_sinks(args)
    store = Store(args.store)
    store.open_job(args.job, "backfill", int(args.window * S), 0, redactor_of(policy, store).mark)
    run_number = store.begin_run(args.job, time.time_ns() // 1_000)
    records, seconds = run_graph(args, paths, run_number, policy, originals)
    store.finish_run(args.job, run_number, time.time_ns() // 1_000)
    publish(store, args, run_number)
    sys.stderr.write(summary(store, args.job, records, seconds) + "\n")
    store.close()
    return 0


def run_graph(
    args: argparse.Namespace, paths: Sequence[str], run_number: int, policy: Policy, originals: KeySource | None,
) -> tuple[int, float]:
    """(records read, seconds from the first record read to the last row committed). Beam and TensorFlow are imported here."""
    with quiet_import():
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions

        from pipelines.graph import Steps, loader_of, make_decoder
    from pipelines.sinks import sinks_of
    from transforms.job import JobSettings, running_jobs
    from transforms.ledger import FOREVER_US
    from transforms.read import ReadArchives, on_progress

    settings = JobSettings(
        args.store, args.job, "backfill", run_number, int(args.window * S), FOREVER_US, 0, sample_texts=not args.no_sample_texts,
        policy=policy, originals=originals)
    decoder = functools.partial(make_decoder, "archive", None, args.max_text_bytes)
    loader, sinks = loader_of(args.model), sinks_of(args)
    progress = Progress(paths)
    on_progress(progress)
    pipeline = beam.Pipeline(options=PipelineOptions([*args.beam, "--allow_unsafe_triggers"]))
    _ = (
        pipeline
        | "Files" >> beam.Create([list(paths)])
        | "Read" >> beam.ParDo(ReadArchives(settings, decoder, sinks))
        | "Steps" >> Steps(settings, decoder, loader, sinks))
    with quiet_beam():
        pipeline.run().wait_until_finish()
    progress.end()
    spans = [job.last_write - job.first_read for job in running_jobs() if job.settings == settings]   # none on a remote runner
    return sum(progress.records.values()), max(spans, default=time.monotonic() - progress.begun)


def check_loads(model: str) -> None:
    """A model that cannot be loaded is known before the store has heard of the run. Raises ModelError."""
    with quiet_import():
        from pipelines.graph import loader_of

        loader_of(model)()


def check_sinks(args: argparse.Namespace) -> None:
    """Topics too that cannot be written to. Raises UsageProblem, KafkaProblem."""
    from pipelines.sinks import sinks_of
    from transforms.sinks import check_writable

    check_writable(sinks_of(args))


def publish(store: Store, args: argparse.Namespace, run_number: int) -> None:
    """The finished run's insights, when a topic is named."""
    if args.insights_topic:
        from pipelines.sinks import sinks_of
        from transforms.publish import publish_insights

        while publish_insights(store, args.job, run_number, sinks_of(args)):
            continue


def summary(store: Store, job: str, records: int, seconds: float) -> str:
    """What the run did, in one line."""
    from insights.conservation import audit

    books = audit(store, job).totals[0]
    reasons = ", ".join(f"{name} {number:,}" for name, number in sorted(books.dead.items())) or "none"
    return (f"{records:,} records in {seconds:.1f} s ({records / max(seconds, 1e-9):,.0f}/s): {books.in_cells:,} in cells, "
            f"dead letters: {reasons}")
