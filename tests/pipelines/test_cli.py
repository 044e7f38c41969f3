"""The command line: light, strict, one clear line for every problem, and as its page says."""
import argparse
import dataclasses
import importlib
import itertools
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import cli, failures
from pipelines.commands import archives, demo, stream
from pipelines.commands.beam_options import split_beam
from pipelines.commands.command import Command
from pipelines.errors import EnvironmentProblem, JobFailed, UsageProblem

PAGE = Path(cli.__file__).parents[1] / "docs" / "cli.md"
HEAVY = ("tensorflow", "apache_beam", "pyarrow", "kafka")


def commands() -> Iterator[tuple[str, Command]]:
    for entry in cli.COMMANDS:
        if isinstance(entry, Command):
            yield entry.name, entry
        else:
            yield from ((f"{entry.name} {command.name}", command) for command in entry.commands)


BY_NAME = dict(commands())


def ran(argv: list[str], monkeypatch: pytest.MonkeyPatch, command: Command = stream.COMMAND) -> argparse.Namespace:
    """What the command would have been given."""
    got: list[argparse.Namespace] = []
    noted = dataclasses.replace(command, run=lambda args: got.append(args) or 0)
    entries = tuple(noted if entry is command else entry for entry in cli.COMMANDS)
    monkeypatch.setattr(cli, "COMMANDS", entries)
    assert cli.main(argv) == 0
    return got[0]


def raising(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    def run(args: argparse.Namespace) -> int:
        raise error

    command = Command("fail", "fail", (), (), run)
    monkeypatch.setattr(cli, "COMMANDS", (command,))
    return cli.main(["fail"])


@pytest.mark.parametrize("argv", [["--help"], *([*name.split(), "--help"] for name in BY_NAME)], ids=" ".join)
def test_help_imports_nothing_heavy_and_shows_examples(argv: list[str]) -> None:
    code = (f"import sys; from pipelines.cli import main; code = main({argv!r}); "
            f"sys.exit(code or [name for name in {HEAVY!r} if name in sys.modules] or 0)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    name = " ".join(argv[:-1])
    for example in BY_NAME[name].examples if name else ():
        assert f"textpulse {example}" in done.stdout


@pytest.mark.parametrize(("name", "command"), BY_NAME.items(), ids=BY_NAME)
def test_every_command_has_examples_that_parse(name: str, command: Command) -> None:
    assert 1 <= len(command.examples) <= 2
    for example in command.examples:
        words = itertools.takewhile(lambda word: word not in "<>", shlex.split(example))
        argv, _ = cli._without_beam(cli._with_default(list(words)))
        assert cli.parser().parse_args(argv).chosen is command


def test_version_names_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("textpulse")


@pytest.mark.parametrize("argv", [
    [], ["nope"], ["verify", "--nope"], ["verify", "--sto", "x"], ["diff"], ["dlq"], ["dlq", "nope"],
    ["dlq", "show", "a", "b"], ["backfill"], ["stream", "--window"], ["stream", "--window", "0"],
    ["stream", "--format", "xml"], ["stream", "--metrics-port", "70000"],
    ["produce", "--rate", "nan"], ["verify", "--config", "/nope.toml"],
    ["stream", "--windw", "10s"], ["stream", "--runner"], ["backfill", "a.jsonl", "--runner"],
    ["backfill", "a.jsonl", "--metrics-port", "9464"], ["backfill", "a.jsonl", "--metrics-host=0.0.0.0"],
    ["stream", "--allowed-lateness", "nan"], ["stream", "--allowed-lateness=-5"], ["stream", "--out-of-orderness", "inf"],
    ["stream", "--recycle-memory", "infG"], ["stream", "--max-text-bytes", "0"], ["demo", "--for", "-5"],
    ["stream", "--job", " "], ["stream", "--topic", ""], ["stream", "--topic", "a,,b"], ["stream", "--topic", "a b"],
    ["stream", "--topic", ".."], ["stream", "--bootstrap-servers", "localhost"],
    ["stream", "--bootstrap-servers", "localhost:x"], ["stream", "--bootstrap-servers", "a:1,"],
    ["stream", "--tagged-topic", "a,b"],
], ids=" ".join)
def test_wrong_use_is_one_line_and_code_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(argv) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("textpulse: ")
    assert said.err.count("\n") == 1
    assert all(word.partition("=")[0] in said.err for word in argv if word.startswith("--"))


def test_a_bad_value_names_the_option_and_the_value(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["stream", "--window", "soon"])
    assert "--window: 'soon'" in capsys.readouterr().err


def test_a_bad_value_says_what_was_expected(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["stream", "--max-text-bytes", "1.5.k"])
    assert "expected a size above zero, such as" in capsys.readouterr().err


def test_topics_and_servers_are_stripped_and_a_topic_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    args = ran(["stream", "--topic", " a, b ,a", "--bootstrap-servers", "h:1, [::1]:2"], monkeypatch)
    assert (args.topic, args.bootstrap_servers) == ("a,b", "h:1,[::1]:2")


class TestRefusedBeforeAnythingBegins:
    """Wrong use costs no minute and leaves no store, no topic and no broker behind."""

    @pytest.fixture(autouse=True)
    def nothing_begins(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        def began(*given: object) -> int:
            raise AssertionError("it began")

        monkeypatch.chdir(tmp_path)
        for name in ("backfill.run", "demo.run", "stream.run", "produce.produce"):
            monkeypatch.setattr(f"pipelines.{name}", began)
        (tmp_path / "a.csv").write_text("x")
        (tmp_path / "a.jsonl").write_text("{}")

    @pytest.mark.parametrize("argv", [
        ["backfill", "a.jsonl", "a.csv"], ["produce", "a.csv", "--bootstrap-servers", "h:1"], ["demo", "--input", "a.csv"]], ids=" ".join)
    def test_an_archive_of_unknown_kind_is_named_with_the_endings_that_are_known(
            self, argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(argv) == 2
        said = capsys.readouterr().err
        assert "a.csv" in said
        assert all(ending in said for ending in archives.ENDINGS)
        assert said.count("\n") == 1

    @pytest.mark.parametrize("argv", [["backfill", "none.jsonl"], ["demo", "--input", "none.jsonl"]], ids=" ".join)
    def test_an_archive_that_is_not_there_is_named(self, argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(argv) == 2
        assert "none.jsonl: does not exist" in capsys.readouterr().err

    @pytest.mark.parametrize("argv", [["backfill", "a.jsonl"], ["demo"], ["stream", "--bootstrap-servers", "h:1"]], ids=" ".join)
    def test_a_missing_model_is_named(self, argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main([*argv, "--model", "nowhere"]) == 3
        assert "nowhere: there is no such model folder" in capsys.readouterr().err

    @pytest.mark.parametrize("argv", [["backfill", "a.jsonl"], ["demo"], ["stream", "--bootstrap-servers", "h:1"]], ids=" ".join)
    @pytest.mark.parametrize("store", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
    def test_a_store_in_memory_is_refused(self, store: str, argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main([*argv, "--store", store]) == 2
        assert f"--store {store}: a job needs a store that stays" in capsys.readouterr().err

    @pytest.mark.parametrize("argv", [["backfill", "a.jsonl"], ["stream", "--bootstrap-servers", "h:1"]], ids=" ".join)
    def test_a_folder_that_takes_no_files_is_named(self, argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main([*argv, "--tagged-files", "a.csv/tagged"]) == 3
        assert "--tagged-files a.csv/tagged: no files can be written there" in capsys.readouterr().err

    @pytest.mark.parametrize("name", ["tagged-topic", "dead-letter-topic", "insights-topic"])
    def test_a_job_does_not_publish_to_a_topic_that_it_reads(self, name: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["stream", "--bootstrap-servers", "h:1", "--topic", "a, b", f"--{name}", "b"]) == 2
        assert f"--{name} b" in capsys.readouterr().err

    @pytest.mark.parametrize("runner", ["FnApiRunner", "bundlebaseddirect"])
    def test_a_runner_that_fires_no_window_is_refused_for_a_stream(self, runner: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["stream", "--bootstrap-servers", "h:1", "--runner", runner]) == 2
        assert "never fires a window" in capsys.readouterr().err


def test_every_ending_that_is_known_is_one_that_the_reader_takes(tmp_path: Path) -> None:
    from transforms.archives import read_records

    for ending in archives.ENDINGS:
        path = tmp_path / f"a{ending}"
        path.write_bytes(b"junk")
        list(read_records(str(path)))   # damaged, not of an unknown kind


@pytest.mark.parametrize(("argv", "sizes"), [
    ([], (10.0, 30.0)), (["--input", "a.jsonl"], (60.0, 600.0)), (["--input", "a.jsonl", "--window", "5m"], (300.0, 600.0)),
    (["--input", "a.jsonl", "--allowed-lateness", "0"], (60.0, 0.0)), (["--window", "1s"], (1.0, 30.0))], ids=str)
def test_the_demo_takes_the_sizes_that_are_given(
        argv: list[str], sizes: tuple[float, float], monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.demo import sizes_s

    assert sizes_s(ran(["demo", *argv], monkeypatch, demo.COMMAND)) == sizes


@pytest.mark.parametrize(("code", "meant"), [(1, 1), (2, 2), (3, 3), (-9, 1)])
def test_the_demo_ends_with_what_its_job_ended_with(code: int, meant: int, tmp_path: Path) -> None:
    from pipelines.demo import Demo, show

    log = tmp_path / "job.log"
    log.write_text("--metrics-port 1: in use")
    job = subprocess.Popen([sys.executable, "-c", f"import os; os.kill(os.getpid(), 9) if {code} < 0 else os._exit({code})"])
    job.wait()
    args = argparse.Namespace(**{"for": 0.0, "metrics_port": 0})
    with pytest.raises(Exception, match="--metrics-port 1: in use") as caught:
        show(Demo(args, "", "", log, 0.0), job, [], threading.Event())   # type: ignore[arg-type]
    assert failures.exit_code(caught.value) == meant


def test_values_come_by_flag_then_variable_then_file_then_default(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "c.toml"
    config.write_text('window = "3m"\njob = "from-file"\nout_of_orderness = "7s"\n')
    monkeypatch.setenv("TEXTPULSE_WINDOW", "2m")
    monkeypatch.setenv("TEXTPULSE_JOB", "from-variable")
    args = ran(["stream", "--config", str(config), "--window", "1m"], monkeypatch)
    assert (args.window, args.job, args.out_of_orderness, args.topic) == (60.0, "from-variable", 7.0, "texts")


def test_an_unknown_key_of_the_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "c.toml"
    config.write_text("windows = 3\n")
    assert cli.main(["verify", "--config", str(config)]) == 2
    assert "unknown option 'windows'" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["job = " + "[" * 2_000, "job = " + "9" * 5_000, "job"])
def test_a_file_of_options_that_is_no_toml_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    config = tmp_path / "c.toml"
    config.write_text(text)
    assert cli.main(["verify", "--config", str(config)]) == 2
    said = capsys.readouterr().err
    assert f"--config {config}: not TOML: " in said and said.count("\n") == 1


@pytest.mark.parametrize("argv", [
    ["stream", "--sasl-password", "hunter2"], ["produce", "--sasl-password=hunter2"], ["doctor", "--ssl-key-password", "hunter2"],
    ["stream", "--webhook-secret", "hunter2"]], ids=" ".join)
def test_a_secret_on_the_command_line_is_refused_and_not_shown_again(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(argv) == 2
    said = capsys.readouterr().err
    flag = argv[1].partition("=")[0]
    assert f"name that with {flag}-file" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(("argv", "told"), [
    (["verify", "--store", "postgresql+psycopg://me:hunter2@127.0.0.1:1/db"], True),
    (["verify", "--store=postgresql://127.0.0.1:1/db?password=hunter2"], True),
    (["diff", "postgresql+psycopg://me:hunter2@127.0.0.1:1/db"], True),
    (["verify", "--store", "postgresql+psycopg://me@127.0.0.1:1/db?sslmode=require"], False),
    (["verify", "--store", "sqlite:///a:b@c.db"], False)])
def test_a_store_s_password_on_the_command_line_is_warned_of_and_not_shown_again(
        argv: list[str], told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    cli.main(argv)
    said = capsys.readouterr().err
    assert ("name the store by the variable TEXTPULSE_STORE" in said) is told
    assert "hunter2" not in said


@pytest.mark.parametrize("key", ["sasl_password", "ssl_key_password", "webhook_secret"])
def test_a_secret_in_the_file_of_options_is_refused_and_not_shown(key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "c.toml"
    config.write_text(f'{key} = "hunter2"\n')
    assert cli.main(["stream", "--config", str(config)]) == 2
    said = capsys.readouterr().err
    assert f"name that with {key}_file" in said
    assert "hunter2" not in said


def test_a_command_is_given_plain_values_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    args = ran(["stream", "--runner=FlinkRunner"], monkeypatch)
    assert args.beam == ["--runner=FlinkRunner"]
    assert all(isinstance(value, str | int | float | bool | list) for value in vars(args).values())


class TestBeamOptions:
    OWN = frozenset({"--window", "--help"})

    def test_what_is_not_ours_is_beams_in_any_place(self) -> None:
        ours, beam = split_beam(["--runner", "FlinkRunner", "a.jsonl", "--window", "1m", "--parallelism=2"], self.OWN)
        assert ours == ["a.jsonl", "--window", "1m"]
        assert beam == ["--parallelism=2", "--runner=FlinkRunner"]

    def test_a_flag_that_beam_knows_without_a_value_takes_no_file(self) -> None:
        assert split_beam(["--streaming", "a.jsonl"], self.OWN) == (["a.jsonl"], ["--streaming"])

    def test_behind_two_dashes_all_is_ours(self) -> None:
        assert split_beam(["--", "--runner"], self.OWN) == (["--", "--runner"], [])

    def test_a_slip_is_refused_with_what_was_meant(self) -> None:
        with pytest.raises(UsageProblem, match="did you mean --window"):
            split_beam(["--windo=1m"], self.OWN)

    def test_an_option_of_another_command_is_refused_and_not_handed_to_beam(self) -> None:
        with pytest.raises(UsageProblem, match="--metrics-port"):
            split_beam(["--metrics-port", "1"], self.OWN, frozenset({"--metrics-port"}))

    @pytest.mark.parametrize("argv", [
        ["--runner"], ["--runner", "--streaming"], ["--parallelism"], ["--parallelism=many"], ["--streaming=yes"]], ids=" ".join)
    def test_a_value_that_is_missing_or_wrong_is_a_usage_problem(self, argv: list[str]) -> None:
        with pytest.raises(UsageProblem, match=argv[0].partition("=")[0]):
            split_beam(argv, self.OWN)

    @pytest.mark.parametrize(("named", "meant"), [
        ("prism", "PrismRunner"), ("directrunner", "DirectRunner"), ("FlinkRunner", "FlinkRunner"),
        ("apache_beam.runners.portability.flink_runner.FlinkRunner",) * 2])
    def test_a_runner_is_named_as_beam_spells_it(self, named: str, meant: str) -> None:
        assert split_beam(["--runner", named], self.OWN) == ([], [f"--runner={meant}"])

    @pytest.mark.parametrize("named", ["", "Nope", "no.such.Runner", "apache_beam.Nope"])
    def test_an_unknown_runner_is_a_usage_problem(self, named: str) -> None:
        with pytest.raises(UsageProblem, match=f"--runner={named}"):
            split_beam([f"--runner={named}"], self.OWN)


@pytest.mark.parametrize(("error", "code"), [
    (UsageProblem("x"), 2), (EnvironmentProblem("x"), 3), (JobFailed("x"), 1), (KeyboardInterrupt(), 130),
    (PermissionError(13, "x", "/f"), 3), (ModuleNotFoundError("x"), 3), (BrokenPipeError(), 0), (RuntimeError("x"), 1)])
def test_each_kind_of_problem_has_its_code(
        error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(cli, "_quiet_stdout", lambda: None)
    assert raising(error, monkeypatch) == code


def test_every_problem_that_has_a_code_exists() -> None:
    for name in failures.EXIT_CODES:
        module, _, kind = name.rpartition(".")
        assert issubclass(getattr(importlib.import_module(module), kind), Exception)


def test_a_problem_is_one_line_and_its_stack_is_shown_only_on_request(
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    raising(JobFailed("first\nsecond"), monkeypatch)
    assert capsys.readouterr().err == "textpulse: first second\n"
    monkeypatch.setenv("TEXTPULSE_DEBUG", "1")
    raising(JobFailed("first"), monkeypatch)
    assert "Traceback" in capsys.readouterr().err


def test_a_closed_pipe_is_no_error() -> None:
    command = [sys.executable, "-m", "pipelines.cli", "--help"]
    reader, writer = subprocess.PIPE, subprocess.PIPE
    with subprocess.Popen(command, stdout=reader, stderr=writer) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


class TestPage:
    def sections(self) -> dict[str, str]:
        text = PAGE.read_text(encoding="utf-8")
        return dict(re.findall(r"^## textpulse ([a-z]+(?: [a-z]+)?)[^\n]*\n(.*?)(?=^## |\Z)", text, re.M | re.S))

    def test_the_page_has_every_command_and_no_other(self) -> None:
        assert list(self.sections()) == list(BY_NAME)

    @pytest.mark.parametrize(("name", "command"), BY_NAME.items(), ids=BY_NAME)
    def test_the_page_has_every_option_with_its_default_and_every_example(self, name: str, command: Command) -> None:
        section = self.sections()[name]
        rows = re.findall(r"^\| `--([\w-]+)` \| (.*?) \| .* \|$", section, re.M)
        assert dict(rows) == {option.name: shown(option.default) for option in command.options}
        assert re.findall(r"^    textpulse (.*)$", section, re.M) == list(command.examples)


def shown(default: object) -> str:
    """A default as the page shows it: nothing for an empty one or a switch."""
    if default == "" or default is False or default is None:
        return ""
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"
