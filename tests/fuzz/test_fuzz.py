"""Every door keeps its law on the kept corpus and on some thousand fresh inputs; and the fuzzer finds a door that does not."""
import itertools
import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fuzz
from mutations import Mutations, smallest
from prometheus_client import start_http_server
from targets import TARGETS, http_server

INPUTS = 2_000
CORPUS_BYTES = 300_000


@pytest.mark.parametrize("target", TARGETS)
def test_the_law_holds_on_the_corpus_and_on_fresh_inputs(target, tmp_path):
    result = fuzz.run_all(target, INPUTS, 20_261_126, tmp_path, 1)
    assert [part.failures for part in result] == [[]]
    assert result[0].inputs == INPUTS
    assert len(result[0].ways) > 1


def test_every_target_has_a_small_corpus():
    assert sorted(path.name for path in fuzz.CORPUS.iterdir()) == sorted(TARGETS)
    assert sum(path.stat().st_size for path in fuzz.CORPUS.rglob("*") if path.is_file()) < CORPUS_BYTES


def test_the_same_seed_gives_the_same_inputs():
    for target in TARGETS:
        first, again, other = (
            [made.next() for made in itertools.repeat(Mutations(target, fuzz.seeds_of(target), seed), 50)] for seed in (1, 1, 2))
        assert first == again
        assert first != other


def test_a_broken_law_is_found_saved_small_and_played_again(tmp_path, monkeypatch):
    def broken(data):
        assert b"\\ud800" not in data, "broken"
        return "fine"

    monkeypatch.setitem(TARGETS, "json", broken)
    (result,) = fuzz.run_all("json", INPUTS, 1, tmp_path, 1)
    assert "broken" in result.failures[0]
    saved = next(tmp_path.iterdir())
    assert saved.read_bytes() == b"\\ud800"
    assert fuzz.replay([saved]) == 1


def test_an_input_that_ends_the_process_is_found_and_saved(tmp_path, monkeypatch):
    monkeypatch.setitem(TARGETS, "json", lambda data: os.kill(os.getpid(), signal.SIGKILL) if b"NaN" in data else "fine")
    (result,) = fuzz.run_all("json", INPUTS, 1, tmp_path, 1)
    assert "ended the process" in result.failures[0]
    assert b"NaN" in next(tmp_path.iterdir()).read_bytes()


def test_a_server_is_fuzzed_by_its_address(tmp_path, monkeypatch):
    server, thread = start_http_server(0, "127.0.0.1")
    monkeypatch.setitem(TARGETS, "http", http_server("127.0.0.1", server.server_port))
    try:
        result = fuzz.run("http", 100, 1, tmp_path)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert (result.failures, result.inputs) == ([], 100)


def test_the_smallest_failing_input_is_a_part_of_the_first():
    assert smallest(b"aaaaXaaaaaYaa", lambda data: b"X" in data and b"Y" in data) == b"XY"
