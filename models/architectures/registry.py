"""The architectures by name."""

from collections.abc import Callable, Sequence

from models.architectures import TASKS, rnn, transformer
from models.architectures.cnn import ConvolutionalNetwork
from models.architectures.contract import Architecture, Network, Recipe, Server, Sizes
from models.architectures.folded import FoldedServer
from models.architectures.joined import JoinedNetwork, JoinedServer
from models.architectures.lora import vocabulary
from models.architectures.padded import PaddedServer
from models.architectures.seed_cnn import ENTRIES, SeedNetwork
from models.encoder import found

ENTRIES_OF_ALL = 16_000


def _padded(build: Callable[[Sizes], Network]) -> Callable[[Sequence[str], Sizes], Server]:
    return lambda vocabulary, sizes: PaddedServer(vocabulary, sizes, build(sizes))


ARCHITECTURES = {one.name: one for one in (
    Architecture(
        "cnn", "convolutions 2, 3, 5 x 64 and hashed bigrams over pieces, max and root-sum pooling, sentiment, topic, intent and BIO heads",
        TASKS, Recipe(3e-3, 0.03, 8, 128, averaged=True, smoothing=0.05, entries=ENTRIES_OF_ALL, widened=True), ConvolutionalNetwork,
        FoldedServer),
    Architecture(
        "rnn", "gated recurrent units 2 x 96 over pieces, max and mean pooling, sentiment, topic, intent and BIO heads",
        TASKS, Recipe(2e-3, 0.05, 6, 128, averaged=True, smoothing=0.05, entries=ENTRIES_OF_ALL, widened=True), rnn.build,
        _padded(rnn.build)),
    Architecture(
        "transformer", "2 transformer layers of width 128 over pieces, max and mean pooling, sentiment, topic, intent and BIO heads",
        TASKS, Recipe(1e-3, 0.02, 8, 128, averaged=True, smoothing=0.05, entries=ENTRIES_OF_ALL, widened=True), transformer.build,
        _padded(transformer.build)),
    Architecture(
        "seed_cnn", "embedding 128, convolution 5 x 128, max pooling, dense 64, one sigmoid: sentiment, negative or positive",
        ("sentiment",), Recipe(1e-3, 1.0, 10, 64, averaged=False, smoothing=0.0, entries=ENTRIES), SeedNetwork, _padded(SeedNetwork),
        three_sentiments=False),
    Architecture(
        "minilm", "all-MiniLM-L6-v2 with low-rank adapters of rank 8 on query and value, joined with the network of cnn; sentiment, topic, "
        "intent and BIO heads",
        TASKS, Recipe(1e-3, 0.05, 3, 32, averaged=False, smoothing=0.05, entries=0), JoinedNetwork, JoinedServer,
        vocabulary=vocabulary, encoder=found))}
