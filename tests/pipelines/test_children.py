"""A child ends with its parent, and with end()."""
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.children import PORTS, Child, answers, await_port, end, free_port, spawn
from pipelines.errors import EnvironmentProblem

Eventually = Callable[..., None]
REPOSITORY = Path(__file__).resolve().parents[2]
SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")

PARENT = f"""
import sys, time
sys.path.insert(0, {str(REPOSITORY)!r})
from pipelines.children import spawn
child = spawn([sys.executable, "-c", "import time; time.sleep(600)"], new_group=sys.argv[1] == "group")
print(child.pid, flush=True)
time.sleep(600)
"""


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@linux_only
@pytest.mark.parametrize("group", ["group", "same"])
def test_kill_9_of_the_parent_takes_the_child_along(group: str, eventually: Eventually) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, group], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert alive(child)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    eventually(lambda: not alive(child), f"process {child} ended with its parent", deadline_s=10)


@linux_only
def test_the_command_keeps_the_process_id_that_spawn_returns(eventually: Eventually) -> None:
    child = spawn(["sleep", "600"])
    try:
        name = Path(f"/proc/{child.pid}/comm")
        eventually(lambda: name.read_text().strip() == "sleep", "the process became the command")
    finally:
        end(child)


def test_end_asks_first_and_returns_the_status(tmp_path: Path, eventually: Eventually) -> None:
    log = tmp_path / "log"
    polite = ("import signal, sys, time\n"
              "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
              "print('ready', flush=True)\ntime.sleep(600)")
    child = spawn([sys.executable, "-c", polite], log=log, new_group=True)
    eventually(lambda: "ready" in log.read_text(), "the child set its handler")
    assert end(child) == 7


def test_end_kills_a_child_that_does_not_listen(tmp_path: Path, eventually: Eventually) -> None:
    log = tmp_path / "log"
    deaf = ("import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "print('ready', flush=True)\ntime.sleep(600)")
    child = spawn([sys.executable, "-c", deaf], log=log)
    eventually(lambda: "ready" in log.read_text(), "the child set its handler")
    assert end(child, grace_s=0.1) == -signal.SIGKILL


def test_end_reaches_a_stopped_child_and_its_whole_group(tmp_path: Path, eventually: Eventually) -> None:
    log = tmp_path / "log"
    family = ("import subprocess, sys, time\n"
              "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
              "print(child.pid, flush=True)\ntime.sleep(600)")
    child = spawn([sys.executable, "-c", family], log=log, new_group=True)
    eventually(lambda: log.read_text().endswith("\n"), "the grandchild runs")
    grandchild = int(log.read_text())
    child.send_signal(signal.SIGSTOP)
    started = time.monotonic()
    assert end(child, grace_s=20) == -signal.SIGTERM
    assert time.monotonic() - started < 15
    eventually(lambda: not alive(grandchild), "the grandchild ended with the group")


def test_end_twice_is_harmless() -> None:
    child = spawn(SLEEPER, new_group=True)
    assert end(child) == end(child)


def test_a_missing_program_is_named() -> None:
    with pytest.raises(EnvironmentProblem, match="no-such-program-here"):
        spawn(["no-such-program-here"])


def test_variables_reach_the_child_beside_our_own(tmp_path: Path) -> None:
    log = tmp_path / "deep" / "log"
    code = "import os; print(os.environ['TEXTPULSE_A'], 'PATH' in os.environ)"
    assert spawn([sys.executable, "-c", code], env={"TEXTPULSE_A": "b"}, log=log).wait() == 0
    assert log.read_text().split() == ["b", "True"]


def test_a_child_that_ends_before_it_answers_is_an_error_with_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = spawn([sys.executable, "-c", "raise SystemExit('no disk left')"], log=log)
    with pytest.raises(EnvironmentProblem, match=r"(?s)broker ended with status 1 .*no disk left"):
        await_port(child, free_port(), name="broker", log=log, deadline_s=30)


def test_a_child_that_never_answers_is_ended_at_the_deadline() -> None:
    child: Child = spawn(SLEEPER)
    with pytest.raises(EnvironmentProblem, match=r"did not answer on 127\.0\.0\.1"):
        await_port(child, free_port(), name="broker", log=None, deadline_s=0.2)
    assert child.poll() is not None


def test_a_free_port_is_free_and_outside_the_ephemeral_range() -> None:
    port = free_port()
    assert port in PORTS
    assert not answers(port)
