"""How fast a model serves texts with all its heads, beside the seed's CNN written plainly and spaCy's entity recognizer.

    python -m benchmarks.speed [--model FOLDER] [--texts 16000] [--rounds 5] [--no-spacy]

The texts are those of the sample stream, English and Chinese, as they come, in chunks of 1,000. Graphs take turns in one process, with one
chunk and with two in flight; the better of the two counts, a median of the rounds. spaCy (en_core_web_sm, its component ner alone, in
batches of 256) is installed as `make compare` does it, and asked about some of the texts in a process of its own.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import tensorflow as tf

from benchmarks.compare.__main__ import CACHE
from benchmarks.compare.install import clean, install, python
from benchmarks.compare.measure import LEAST_S, run_work
from benchmarks.compare.peers import PEERS
from benchmarks.compare.rounds import spread
from benchmarks.patterns import texts_of
from models.architectures.seed_cnn import ENTRIES, WIDTH
from models.folder import size_bytes
from models.load import DEFAULT, encoded, load
from models.pieces import UNKNOWN_ID, PieceTokenizer

CHUNK = 1_000
IN_FLIGHT = 2
LONGEST = 64
"""Pieces of a text that the plain CNN reads."""
OF_SPACY = 1_000
"""Texts, evenly spaced over all."""

Serve = Callable[[tf.Tensor], object]


def plain_cnn(vocabulary: Sequence[str]) -> Serve:
    """The seed's CNN as one would write it: the same pieces, padded to the longest text of the chunk. Its weights are random: as fast."""
    tokenizer = PieceTokenizer(vocabulary)
    network = keras.Sequential([
        keras.layers.Embedding(ENTRIES, 128), keras.layers.Conv1D(128, WIDTH, activation="relu"), keras.layers.GlobalMaxPooling1D(),
        keras.layers.Dense(64, activation="relu"), keras.layers.Dense(1, activation="sigmoid")])
    network.build((None, LONGEST))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(texts: tf.Tensor) -> tf.Tensor:
        pieces = tokenizer(texts)
        ids = tf.RaggedTensor.from_row_splits(pieces.ids, pieces.splits)[:, :LONGEST].to_tensor()
        return network(tf.where(ids < ENTRIES, ids, UNKNOWN_ID))

    return lambda texts: serve(texts).numpy()


def pieces_alone(vocabulary: Sequence[str]) -> Serve:
    """What cutting texts into pieces costs by itself, which both do."""
    tokenizer = PieceTokenizer(vocabulary)
    serve = tf.function(lambda texts: tokenizer(texts).ids, input_signature=[tf.TensorSpec([None], tf.string)])
    return lambda texts: serve(texts).numpy()


def per_second(systems: dict[str, Serve], chunks: Sequence[tf.Tensor], rounds: int) -> dict[str, float]:
    """Texts a second of each, by turns."""
    count = sum(len(chunk) for chunk in chunks)
    found: dict[tuple[str, int], list[float]] = {}
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        for at in range(rounds + 1):   # the first warms up
            for name, serve in systems.items():
                for in_flight, run in ((1, map), (IN_FLIGHT, pool.map)):
                    start = time.perf_counter()
                    list(run(serve, chunks))
                    if at:
                        found.setdefault((name, in_flight), []).append(count / (time.perf_counter() - start))
    return {name: max(statistics.median(found[name, in_flight]) for in_flight in (1, IN_FLIGHT)) for name in systems}


def spacy_per_second(texts: Sequence[str], rounds: int) -> float:
    """Texts a second of its entity recognizer, a median."""
    (peer,) = (one for one in PEERS if one.key == "spacy_sm")
    install(CACHE, peer)
    asked = [texts[at] for at in spread(len(texts), OF_SPACY)]
    of_set = {"name": "stream", "task": "entities", "language": "en", "texts": asked, "timed": list(range(len(asked)))}
    command = [str(python(CACHE)), "-m", "benchmarks.compare.answering", peer.key]
    said = run_work(peer.name, command, [], {"rounds": rounds, "least_s": LEAST_S, "sets": [of_set]}, clean(None))
    return statistics.median(said["sets"]["stream"]["per_s"])


def main() -> None:
    """Prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", type=Path, default=DEFAULT)
    parser.add_argument("--texts", type=int, default=16_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-spacy", action="store_true")
    args = parser.parse_args()
    model = load(args.model)
    texts = texts_of(args.data / "stream" / "events_en_zh.jsonl.gz", args.texts)
    chunks = [tf.constant(encoded(texts[at : at + CHUNK])) for at in range(0, len(texts), CHUNK)]
    graph = model.module.signatures["serve"]
    ours = f"{model.name} {model.version}, all heads"
    found = per_second({
        ours: lambda chunk: [column.numpy() for column in graph(chunk).values()], "the seed's CNN, plainly": plain_cnn(model.vocabulary),
        "pieces alone": pieces_alone(model.vocabulary)}, chunks, args.rounds)
    if not args.no_spacy:
        found["spaCy en_core_web_sm, entities"] = spacy_per_second(texts, args.rounds)
    print(f"{len(texts):,} texts; the model weighs {size_bytes(args.model) / 1e6:.1f} MB\n")
    print("| system | texts/s | the model: times as fast |\n|---|---:|---:|")
    for name, speed in found.items():
        print(f"| {name} | {speed:,.0f} | {'-' if name == ours else f'{found[ours] / speed:.2f}'} |")


if __name__ == "__main__":
    main()
