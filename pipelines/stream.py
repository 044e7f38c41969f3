"""textpulse stream: keeps one worker process running over one store, and ends it in good order."""
import argparse
import json
import os
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.access import access_of
from pipelines.children import Child, end, spawn
from pipelines.errors import EnvironmentProblem, JobFailed, UsageProblem
from pipelines.options import ALERTS, SECURITY, STREAM
from pipelines.policy import originals_of, policy_of
from pipelines.prism import find_prism
from pipelines.security import security_of
from pipelines.targets import targets_of
from pipelines.worker import LOCAL_RUNNERS, OPTIONS, RECYCLE, TAKEN_OVER
from transforms.kafka_security import client_options

HEALTHY_S = 60.0    # a worker that lived so long is no part of a series of failures
BACKOFF_S = (1, 2, 4, 8, 15, 30)
END_WITHIN_S = 9.0
WATCH_OPTIONS = "TEXTPULSE_WATCH"
WATCH_AGAIN_S = 30.0
FEW_THREADS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}   # it has the processor last


@dataclass
class Supervisor:
    """Starts workers until told to stop. A worker's exit code says what to do next."""

    args: argparse.Namespace
    restarts: Counter[str] = field(default_factory=Counter)
    failures: int = 0
    stopping: bool = False
    worker: Child | None = None
    watch: Child | None = None
    watch_due: float = 0.0

    def run(self) -> int:
        """0 when stopped; the worker's code when it cannot even begin."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        try:
            return self._run()
        finally:
            if self.watch:
                end(self.watch, 1.0)

    def _run(self) -> int:
        first = True
        while not self.stopping:
            begun = time.monotonic()
            self.worker = self._spawn()
            code = self._wait()
            lived_s = time.monotonic() - begun
            if self.stopping:
                break
            if code in (2, 3) and first:
                return code
            first = False
            if code == TAKEN_OVER:
                raise JobFailed(f"another process runs job {self.args.job!r} on this store by now: this one gives way to it")
            if code == RECYCLE:
                self.restarts["recycle"] += 1
                self.failures = 0
                continue
            self._failed(code, lived_s)
        return 0

    def _spawn(self) -> Child:
        counted = ",".join(f"{cause}={number}" for cause, number in self.restarts.items())
        env = {"TEXTPULSE_RESTARTS": counted, "TF_CPP_MIN_LOG_LEVEL": "3", "ABSL_MIN_LOG_LEVEL": "3"}
        env["MALLOC_ARENA_MAX"] = os.environ.get("MALLOC_ARENA_MAX", "2")   # gRPC's threads would each keep memory of their own
        told = {option.key: getattr(self.args, option.key) for option in STREAM} | {"beam": list(self.args.beam)}
        command = [sys.executable, "-m", "pipelines.worker"]
        env[OPTIONS] = json.dumps(told)
        return spawn(command, env=env, log=Path("/dev/stderr"), new_group=True)

    def _wait(self) -> int:
        """The worker's exit code. What it leaves of its group is ended too."""
        assert self.worker is not None
        while self.worker.poll() is None:
            if self.stopping:
                self.worker.send_signal(signal.SIGTERM)
                return end(self.worker, END_WITHIN_S)
            self._look_after_watch()
            time.sleep(0.1)
        end(self.worker, 0.5)
        return self.worker.returncode

    def _look_after_watch(self) -> None:
        """Alerts are no reason to end a stream: who judges them is started again, not too often."""
        if self.args.no_alerts or time.monotonic() < self.watch_due or (self.watch and self.watch.poll() is None):
            return
        self.watch_due = time.monotonic() + WATCH_AGAIN_S
        names = ("store", "job", "bootstrap_servers", *(option.key for option in (*ALERTS, *SECURITY)))
        env = {WATCH_OPTIONS: json.dumps({name: getattr(self.args, name) for name in names}), **FEW_THREADS}
        self.watch = spawn([sys.executable, "-m", "pipelines.watch"], env=env, log=Path("/dev/stderr"), new_group=True)

    def _failed(self, code: int, lived_s: float) -> None:
        self.failures = 1 if lived_s > HEALTHY_S else self.failures + 1
        self.restarts["environment" if code == 3 else "failure"] += 1
        if 0 < self.args.max_restarts <= self.failures:
            raise JobFailed(f"the job failed {self.failures} times in a row; its last error stands above")
        wait_s = BACKOFF_S[min(self.failures, len(BACKOFF_S)) - 1]
        sys.stderr.write(f"the job ended with code {code} after {lived_s:.0f} s; it starts again from the store in {wait_s} s\n")
        until = time.monotonic() + wait_s
        while not self.stopping and time.monotonic() < until:
            time.sleep(0.1)

    def _stop(self, *_: object) -> None:
        self.stopping = True


def run(args: argparse.Namespace) -> int:
    """The command. Raises UsageProblem, EnvironmentProblem or JobFailed."""
    if not args.bootstrap_servers:
        raise UsageProblem("stream: name the brokers with --bootstrap-servers HOST:PORT (`textpulse demo` brings its own)")
    if args.format not in ("json", "avro"):
        raise UsageProblem(f"--format {args.format!r}: known are json and avro")
    if args.format == "avro" and not args.schemas:
        raise UsageProblem("--format avro needs --schemas: a FOLDER with <id>.avsc files, or the address of a schema registry")
    policy_of(args.policy)
    originals_of(args)
    targets_of(args.alert_webhook, args.webhook_secret_file, args.bootstrap_servers, args.alert_topic)   # wrong ones are refused here
    client_options(security_of(args))   # files too
    if not any(option.startswith("--runner") and option.split("=")[-1] not in LOCAL_RUNNERS for option in args.beam):
        find_prism(args.prism_location or None)   # refused here, never a silent fallback
    if args.metrics_port and (warning := access_of(args, "metrics-host", args.metrics_host).warning):
        sys.stderr.write(f"{warning}\n")
    if os.name != "posix":
        raise EnvironmentProblem("stream runs on Linux and macOS")
    return Supervisor(args).run()
