"""Child processes that never outlive this one, and the loopback ports on which they answer."""
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipelines.errors import EnvironmentProblem

# Below the ephemeral range of Linux (32768 and up): a client that retries a dead server's port could else be given that
# very port as its own and connect to itself, and the server could not come back on it.
PORTS = range(20_000, 32_000)

# Runs in the new process and becomes the command, keeping its process id. A preexec_fn would do the same inside a fork
# of this process, where TensorFlow's and gRPC's threads may hold locks; this way subprocess can use vfork.
_BOUND = """
import ctypes, os, signal, sys
ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)  # 1 is PR_SET_PDEATHSIG, see prctl(2)
if os.getppid() != int(sys.argv[1]):
    os.kill(os.getpid(), signal.SIGKILL)  # the parent ended before the line above could bind us to it
os.execvp(sys.argv[2], sys.argv[2:])
"""


class Child(subprocess.Popen[bytes]):
    """A process started by spawn(). leads_group: it is the leader of a process group of its own."""

    leads_group: bool = False


def spawn(command: Sequence[str], *, env: Mapping[str, str] | None = None, log: Path | None = None,
          new_group: bool = False) -> Child:
    """Starts a command whose process is killed when this process ends, however that happens.

    On Linux by the parent-death signal (prctl(2), PR_SET_PDEATHSIG), which fires when the *thread* that called spawn()
    ends: call it from the main thread, or from one that lives as long as the child should. On other systems the child
    is a plain one: end() it.

    env: variables added to our own. log: a file to which stdout and stderr are appended (default: thrown away).
    new_group: a process group of its own, so that Ctrl-C in the terminal reaches us and not the child.
    Raises EnvironmentProblem when the command is not found or cannot be run.
    """
    program = shutil.which(command[0])
    if program is None:
        raise EnvironmentProblem(f"{command[0]}: no such program, or it may not be executed; "
                                 f"install it or give its full path")
    bound = [sys.executable, "-I", "-S", "-c", _BOUND, str(os.getpid()), program, *command[1:]]
    line = bound if sys.platform == "linux" else [program, *command[1:]]
    variables = {**os.environ, **(env or {})}
    group = 0 if new_group else None
    if log is None:
        child = Child(line, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL, process_group=group)
    else:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as sink:
            child = Child(line, env=variables, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, process_group=group)
    child.leads_group = new_group
    return child


def send(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Sends a signal to the process, and to its whole group when it leads one. Nothing happens when it has ended."""
    if isinstance(process, Child) and process.leads_group:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return  # the last of the group has ended
    elif process.poll() is None:
        process.send_signal(number)


def end(process: subprocess.Popen[bytes], grace_s: float = 5.0) -> int:
    """Ends a process and its group: SIGTERM, and SIGKILL for what is left after grace_s. Returns its exit status."""
    send(process, signal.SIGTERM)
    send(process, signal.SIGCONT)  # a stopped process sees SIGTERM only once it goes on
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(grace_s)
    send(process, signal.SIGKILL)
    return process.wait()


def free_port() -> int:
    """A loopback TCP port that is free at this moment, outside the ephemeral range. Raises EnvironmentProblem."""
    # SystemRandom: two processes seeded alike must not try the same ports.
    for port in random.SystemRandom().sample(PORTS, 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise EnvironmentProblem(f"no free port among 200 tried from {PORTS.start} to {PORTS.stop}; "
                             f"close programs that listen there")


def answers(port: int) -> bool:
    """Whether something accepts connections on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def await_port(process: subprocess.Popen[bytes], port: int, *, name: str, log: Path | None, deadline_s: float) -> None:
    """Waits until the child accepts connections. Ends it and raises EnvironmentProblem when it ends or takes too long.

    name: what the error calls the child. log: its output, whose last lines the error quotes.
    """
    give_up = time.monotonic() + deadline_s
    while not answers(port):
        if process.poll() is not None:
            raise EnvironmentProblem(f"{name} ended with status {process.returncode} before it answered on "
                                     f"127.0.0.1:{port}{last_lines(log)}")
        if time.monotonic() > give_up:
            end(process, grace_s=1.0)
            raise EnvironmentProblem(f"{name} did not answer on 127.0.0.1:{port} within {deadline_s:.0f} s"
                                     f"{last_lines(log)}")
        time.sleep(0.02)


def last_lines(log: Path | None, count: int = 15) -> str:
    """The end of a log, as the tail of an error message; empty when there is none."""
    if log is None or not log.exists():
        return ""
    with log.open("rb") as source:
        source.seek(max(0, log.stat().st_size - 16_384))
        lines = source.read().decode(errors="replace").splitlines()[-count:]
    return f"; the end of {log}:\n" + "\n".join(lines) if lines else ""
