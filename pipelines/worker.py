"""The process that runs the streaming graph: `textpulse stream` starts it, watches it and starts it again."""
import argparse
import contextlib
import ctypes
import functools
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.commands.quiet import debugging, quiet_import, quiet_kafka
from pipelines.failures import exit_code

S = 1_000_000
OPTIONS = "TEXTPULSE_WORKER"
RECYCLE = 75        # exit code: ended in good order, to be started again
TAKEN_OVER = 76     # another process runs the job by now
STOP_WITHIN_S = 6.0
STUCK_S = 60.0      # an expired window whose records were handed on, and that the runner lost, is read again after so long
LOOK_EVERY_S, PUBLISH_EVERY_S, TRIM_EVERY_S = 0.2, 1.0, 60.0
LOCAL_RUNNERS = ("", "DirectRunner", "PrismRunner")
log = logging.getLogger("textpulse")


class Worker:
    """One life of the job. run() returns an exit code; the state that survives is the store's."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.stop = threading.Event()
        self.begun = time.monotonic()
        self.prism: Any = None
        self.publish_due = self.trim_due = 0.0
        self.ran = False   # the graph was started: what ends it from now on is a failure, not a wrong option

    def run(self) -> int:
        """Builds the graph over one ledger and one client, runs it, and watches it until it ends or has to."""
        with quiet_import():
            from pipelines.graph import loader_of, make_decoder
        from pipelines.access import access_of, listening
        from pipelines.metrics import registry_of, serve
        from pipelines.policy import originals_of, policy_of
        from pipelines.registry import avro_settings
        from pipelines.security import security_of
        from pipelines.sinks import sinks_of
        from transforms.job import JobSettings, job_of
        from transforms.kafka_client import KafkaSettings
        from transforms.kafka_source import reading_of
        from transforms.sinks import check_writable

        args = self.args
        self.settings = JobSettings(
            args.store, args.job, "stream", 0, int(args.window * S), int(args.allowed_lateness * S), int(args.out_of_orderness * S),
            int(args.max_future * S), runner_keeps_nothing=runner_of(args.beam) in LOCAL_RUNNERS,
            sample_texts=not args.no_sample_texts, policy=policy_of(args.policy), originals=originals_of(args))
        self.decoder = functools.partial(make_decoder, args.format, avro_settings(args), args.max_text_bytes)
        self.loader = loader_of(args.model)
        self.sinks = sinks_of(args)
        self.kafka = KafkaSettings(
            args.bootstrap_servers, tuple(args.topic.split(",")), args.job, args.connect_timeout,
            max_poll_records=args.poll_records, idle_after_s=args.idle_after, security=security_of(args))
        check_writable(self.sinks)
        with quiet_import():
            tagger = self.loader()
        self._open_store()
        self.job = job_of(self.settings, self.decoder)
        self.reading = reading_of(self.kafka, self.job)
        registry = registry_of(self.job, self.reading.client, tagger)
        if args.metrics_port:
            serve(registry, access_of(args, "metrics-host", args.metrics_host),
                  listening("metrics-port", args.metrics_host, args.metrics_port))
        result = self._start()
        self.ran = True
        log.info("reading %s at %s with model %s %s", args.topic, args.bootstrap_servers, tagger.name, tagger.version)
        return self._watch(result)

    def _open_store(self) -> None:
        from insights.store import Store
        from transforms.job import redactor_of

        store = Store(self.args.store)
        mark = redactor_of(self.settings.policy, store).mark
        store.open_job(self.settings.job, "stream", self.settings.window_us, self.settings.lateness_us, mark)
        store.close()

    def _start(self) -> Any:
        import apache_beam as beam
        from apache_beam.io.unbounded_source import ReadFromUnboundedSource
        from apache_beam.options.pipeline_options import PipelineOptions

        from pipelines.graph import Steps
        from transforms.kafka_source import KafkaSource
        from transforms.read import HandOn

        pipeline = beam.Pipeline(options=PipelineOptions(self._beam_options()))
        source = KafkaSource(self.kafka, self.settings, self.decoder)
        _ = (
            pipeline
            | "ReadKafka" >> ReadFromUnboundedSource(source, poll_interval=0.2, max_records_per_bundle=20, max_read_time_seconds=3)
            | "HandOn" >> beam.ParDo(HandOn(self.settings, self.decoder, self.sinks))
            | "Steps" >> Steps(self.settings, self.decoder, self.loader, self.sinks))
        return pipeline.run()

    def _beam_options(self) -> list[str]:
        """Beam's own options pass through; without a runner of their own the job runs on a Prism that dies with this process."""
        given, runner = list(self.args.beam), runner_of(self.args.beam)
        common = ["--streaming", "--job_server_timeout=315360000"]
        if runner not in LOCAL_RUNNERS:
            return [*given, *common]
        from pipelines.prism import find_prism, start_prism

        rest = [option for option in given if not option.startswith("--runner") and option != runner]
        self.prism, endpoint = start_prism(find_prism(self.args.prism_location or None))
        return [*rest, *common, "--runner=PortableRunner", f"--job_endpoint={endpoint}", "--environment_type=LOOPBACK",
                "--experiments=prism_disable_sdf_split"]

    def _watch(self, result: Any) -> int:
        while not self.stop.wait(LOOK_EVERY_S):
            state = str(result.state)
            if state in ("FAILED", "CANCELLED", "DONE"):
                if not self.job.store.holds(self.settings.job):
                    return TAKEN_OVER
                log.error("the job ended as %s; its last error stands above", state)
                return 1
            if time.monotonic() >= self.publish_due:
                self._publish()
            if time.monotonic() >= self.trim_due:
                self.trim_due = time.monotonic() + TRIM_EVERY_S
                trim()
            if reason := self._recycle_reason():
                log.info("restarting in good order: %s", reason)
                self.finish()
                return RECYCLE
        self.finish()
        return 0

    def _publish(self) -> None:
        self.publish_due = time.monotonic() + PUBLISH_EVERY_S
        if self.sinks.insights_topic:
            from transforms.publish import publish_insights

            publish_insights(self.job.store, self.settings.job, self.settings.run, self.sinks)

    def _recycle_reason(self) -> str:
        age = time.monotonic() - self.begun
        if 0 < self.args.recycle_after < age:
            return f"--recycle-after {self.args.recycle_after:.0f} s"
        if (stuck_s := self.job.stuck_s()) > STUCK_S:
            return f"a window waits for {stuck_s:.0f} s for records that never reached the store: they are read again"
        if self.args.recycle_memory and (used := group_memory_bytes()) > self.args.recycle_memory:
            return f"--recycle-memory: the process group has {used >> 20} MB"
        return ""

    def finish(self) -> None:
        """Stops reading, lets what was read reach the store, and saves. What does not get there in time is read again."""
        deadline = time.monotonic() + STOP_WITHIN_S
        self.job.stopping = True
        while not self.job.settled() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.reading.close()
        self.reading.client.commit(self.job.save())
        self._publish()


def runner_of(beam: Sequence[str]) -> str:
    """The runner that Beam's own options name; empty where they name none."""
    return next((beam[at + 1] if option == "--runner" else option.split("=", 1)[1] for at, option in enumerate(beam)
                 if option == "--runner" or option.startswith("--runner=")), "")


def trim() -> None:
    """Gives the heap's free pages back to the system: after the bursts of closing windows glibc would keep them."""
    with contextlib.suppress(OSError, AttributeError):   # another C library
        ctypes.CDLL(None).malloc_trim(0)


def group_memory_bytes() -> int:
    """Resident memory of this process group, from /proc; 0 where there is none."""
    group, page, total = os.getpgrp(), os.sysconf("SC_PAGE_SIZE"), 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == group or int(fields[1]) == os.getpid():
                total += int((entry / "statm").read_text().split()[1]) * page
        except OSError:   # it ended meanwhile
            continue
    return total


def main() -> None:
    """The process: its options come in a variable, which `ps` does not show; it ends by os._exit, whatever Beam's threads do."""
    level = logging.WARNING if debugging() else logging.ERROR
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    log.setLevel(logging.INFO)
    quiet_kafka()
    worker = Worker(argparse.Namespace(**json.loads(os.environ.pop(OPTIONS))))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop.set())
    code = 1
    try:
        code = worker.run()
    except Exception as error:
        code = 1 if worker.ran else code_of(error)
        log.error("%s", error, exc_info=error if code == 1 else None)
    finally:
        sys.stderr.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)   # Beam's threads complain when their runner goes
        if worker.prism:
            from pipelines.children import end

            end(worker.prism, 1.0)
        os._exit(code)


def code_of(error: Exception) -> int:
    """The exit code of an error that kept the job from starting; a surprise is a failure."""
    code = exit_code(error)
    return 1 if code is None else code


if __name__ == "__main__":
    main()
