"""What the documentation names exists: metrics, commands and their options, make targets, links."""
import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from pipelines.cli import COMMANDS, parser
from pipelines.commands.command import Command, Group
from pipelines.errors import UsageProblem

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
SHELL_PAGES = [ROOT / "README.md", ROOT / "docs" / "operations.md", ROOT / "docs" / "metrics.md"]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^ {4}(textpulse .*)$", re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
METRIC_ROW = re.compile(r"^\| `(textpulse_\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)
KINDS = {"_counter": "counter", "_gauge": "gauge", "Histogram": "histogram"}


def declared_metrics() -> Iterator[tuple[str, str, frozenset[str]]]:
    """(name as Prometheus shows it, kind, labels) of every metric that pipelines/metrics.py makes."""
    for node in ast.walk(ast.parse((ROOT / "pipelines" / "metrics.py").read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS):
            continue
        name, kind = ast.literal_eval(node.args[0]), KINDS[node.func.id]
        labels = ast.literal_eval(node.args[2]) if len(node.args) > 2 else ()
        yield (f"{name}_total" if kind == "counter" else name), kind, frozenset(labels)


def test_the_metrics_page_names_every_metric_with_its_kind_and_labels_and_no_other() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    described = [(name, kind, frozenset(INLINE.findall(labels))) for name, kind, labels in METRIC_ROW.findall(page)]
    assert sorted(described, key=lambda row: row[0]) == sorted(declared_metrics(), key=lambda row: row[0])


def test_every_page_speaks_only_of_metrics_that_exist() -> None:
    known = {name for name, _, _ in declared_metrics()}
    for page in PAGES:
        named = set(re.findall(r"\btextpulse_[a-z_]+\b", page.read_text(encoding="utf-8")))
        assert named <= known, f"{page.name}: {sorted(named - known)}"


def scripts(page: Path) -> Iterator[str]:
    """The textpulse command lines of a page's shell blocks, without pipes and redirections."""
    text = page.read_text(encoding="utf-8")
    shell = "".join(block for language, block in FENCE.findall(text) if language in ("sh", "bash"))
    for line in [*shell.splitlines(), *INDENTED.findall(FENCE.sub("", text))]:
        for part in re.split(r"\s[|&;]+\s", line):
            if part.startswith("textpulse "):
                yield re.sub(r"\s\d?[<>].*", "", part)


@pytest.mark.parametrize("page", SHELL_PAGES, ids=lambda page: page.name)
def test_every_command_line_in_a_shell_block_is_one_that_the_program_takes(page: Path) -> None:
    for line in scripts(page):
        try:
            parser().parse_args(shlex.split(line, comments=True)[1:])
        except UsageProblem as problem:
            pytest.fail(f"{page.name}: {line}: {problem}")


def test_the_tour_of_the_readme_is_found_in_its_shell_blocks() -> None:
    named = {line.split()[1] for line in scripts(ROOT / "README.md")}
    assert named >= {"produce", "stream", "insights", "verify", "backfill", "diff", "dlq", "tag"}


@cache
def commands() -> dict[tuple[str, ...], Command]:
    """Words after `textpulse` -> the command."""
    found: dict[tuple[str, ...], Command] = {}
    for entry in COMMANDS:
        if isinstance(entry, Group):
            found |= {(entry.name, command.name): command for command in entry.commands}
        else:
            found[entry.name,] = entry
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_named_in_the_text_exists_and_has_the_options_shown_with_it(page: Path) -> None:
    names = {words[0] for words in commands()}
    for code in INLINE.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        words = code.split()
        if words[0] != "textpulse" or len(words) == 1 or words[1] in ("COMMAND", "--help", "--version"):
            continue
        assert words[1] in names, f"{page.name}: {code}"
        command = commands().get((words[1],)) or commands().get(tuple(words[1:3]))
        flags = {word.partition("=")[0] for word in words if word.startswith("--")}
        known = {"--config", "--help"} | {f"--{option.name}" for option in command.options} if command else set()
        assert flags <= known or (command and command.beam), f"{page.name}: {code}: no {sorted(flags - known)}"


def test_every_command_stands_in_the_changelog_or_the_readme() -> None:
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CHANGELOG.md"))
    for words in commands():
        assert f"`{words[0]}" in text or f"textpulse {words[0]}" in text, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`| {4})make ([a-z]+)", text))
    assert named <= targets, f"{page.name}: {sorted(named - targets)}"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_resolves(page: Path) -> None:
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), f"{page.name}: {target} is not there"
        if anchor:
            assert anchor in anchors(file), f"{page.name}: {target}: no such heading"
