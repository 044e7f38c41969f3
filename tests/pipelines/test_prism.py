"""Where Prism is looked for, what is said when it is nowhere, and that it takes jobs."""
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines import prism
from pipelines.children import answers, end
from pipelines.errors import EnvironmentProblem, UsageProblem
from pipelines.prism import PrismMissing, find_prism, start_prism

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without Prism: every place that is looked at is an empty folder under the one returned."""
    monkeypatch.delenv("TEXTPULSE_PRISM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(prism, "REPOSITORY", tmp_path / "repository")
    monkeypatch.setattr(prism, "BEAM_CACHE", tmp_path / "beam")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_a_missing_prism_says_how_to_get_it(nowhere: Path) -> None:
    with pytest.raises(PrismMissing, match=r"make prism.*--prism_location"):
        find_prism()


def test_the_places_are_tried_in_order(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    last_to_first = [
        nowhere / "beam" / f"apache_beam-v{prism.BEAM_VERSION}-prism-linux-amd64",
        nowhere / "beam" / "prism",
        nowhere / "path" / "prism",
        nowhere / "repository" / ".cache" / "prism" / "prism",
        nowhere / "here" / ".cache" / "prism" / "prism",
    ]
    for place in last_to_first:
        program(place)
        assert find_prism() == place
    monkeypatch.setenv("TEXTPULSE_PRISM", str(program(nowhere / "variable")))
    assert find_prism() == nowhere / "variable"
    assert find_prism(str(program(nowhere / "option"))) == nowhere / "option"


def test_a_cache_of_another_beam_is_not_taken(nowhere: Path) -> None:
    program(nowhere / "beam" / "apache_beam-v2.60.0-prism-linux-amd64")
    with pytest.raises(PrismMissing):
        find_prism()


@pytest.mark.parametrize("origin", ["--prism_location", "TEXTPULSE_PRISM"])
def test_a_named_place_without_a_program_is_refused_and_never_replaced(
        nowhere: Path, monkeypatch: pytest.MonkeyPatch, origin: str) -> None:
    program(nowhere / "path" / "prism")
    option = "gone" if origin == "--prism_location" else None
    if option is None:
        monkeypatch.setenv("TEXTPULSE_PRISM", "gone")
    with pytest.raises(UsageProblem, match=f"{origin}=gone"):
        find_prism(option)


def test_a_prism_that_cannot_start_is_an_error_with_its_output(tmp_path: Path) -> None:
    broken = program(tmp_path / "prism")
    broken.write_text("#!/bin/sh\necho wrong architecture\nexit 3\n")
    with pytest.raises(EnvironmentProblem, match=r"(?s)status 3.*wrong architecture"):
        start_prism(broken, tmp_path / "log")


@pytest.mark.prism
class TestRealPrism:
    @pytest.fixture
    def binary(self) -> Path:
        try:
            return find_prism()
        except PrismMissing as missing:
            pytest.skip(str(missing))

    def test_it_runs_a_job_and_ends(self, binary: Path, tmp_path: Path) -> None:
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions
        from apache_beam.testing.util import assert_that, equal_to

        child, endpoint = start_prism(binary, tmp_path / "log")
        try:
            options = PipelineOptions(["--runner=PortableRunner", f"--job_endpoint={endpoint}",
                                       "--environment_type=LOOPBACK"])
            with beam.Pipeline(options=options) as pipeline:
                assert_that(pipeline | beam.Create([1, 2]) | beam.Map(str), equal_to(["1", "2"]))
        finally:
            end(child)
        assert not answers(int(endpoint.rpartition(":")[2]))

    @pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
    def test_kill_9_of_the_job_takes_prism_along(self, binary: Path, eventually: Callable[..., None]) -> None:
        code = (f"import sys, time; sys.path.insert(0, {str(REPOSITORY)!r})\n"
                "from pathlib import Path\nfrom pipelines.prism import start_prism\n"
                f"print(start_prism(Path({str(binary)!r}))[1], flush=True)\ntime.sleep(600)")
        job = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert job.stdout is not None
        port = int(job.stdout.readline().rpartition(":")[2])
        assert answers(port)
        os.kill(job.pid, signal.SIGKILL)
        job.wait()
        job.stdout.close()
        eventually(lambda: not answers(port), "Prism ended with the job", deadline_s=10)
