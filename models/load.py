"""Loads a model folder as a tagger."""

import contextlib
import functools
import importlib
import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before the first import of TensorFlow, which reads it then

with contextlib.suppress(ImportError):
    import psycopg  # noqa: F401  its OpenSSL has to be there before TensorFlow's, else a TLS connection to PostgreSQL ends the process
import tensorflow as tf

from models import encoder, vocabulary
from models.folder import (
    LABELS,
    MANIFEST,
    SAVED_MODEL,
    VOCABULARY,
    Labels,
    Manifest,
    ModelError,
    check_whole,
    read_json,
    verify_content,
)
from models.patterns.join import Patterns
from models.spans import labels_of
from models.taxonomy import SCOPES, scope_of
from schemas.tagging import SENTIMENTS, Tags

__all__ = ["DEFAULT", "LoadedModel", "ModelError", "load", "set_threads", "threads", "verify_content"]

DEFAULT = Path(__file__).parent / "fast"
"""The model that comes with the package."""
CHARACTERS_LIMIT = 4_096
"""Only this much of a text is handed to the graph, which reads 256 pieces of it: a text of 1 MB must not cost more."""
LIBRARIES = ("_fast_bert_normalizer", "_fast_wordpiece_tokenizer")
OUTPUTS = tuple(Tags.__dataclass_fields__)


class LoadedModel:
    """A model ready to tag. tag() may be called from several threads at once."""

    def __init__(self, folder: Path, manifest: Manifest, labels: Labels, entries: Sequence[str]) -> None:
        self.folder = folder
        self.name, self.version, self.tier = manifest.name, manifest.version, manifest.tier
        self.topics: Sequence[str] = labels.topic
        self.intents: Sequence[str] = labels.intent
        self.is_intent: Sequence[bool] = [scope_of(name) in SCOPES for name in labels.intent]
        self.intent_threshold = labels.intent_threshold
        self.learnt_types: Sequence[str] = labels.entity
        self._patterns = Patterns(labels.entity)
        self.entity_types = self._patterns.entity_types
        self.vocabulary: Sequence[str] = entries
        self.module = _saved_model(folder / SAVED_MODEL)
        if manifest.encoder:
            _fill(self.module)
        self._serve = _signature(self.module, folder / SAVED_MODEL)
        self._check_outputs()

    def tag(self, texts: Sequence[str]) -> Tags:
        """The tags of the texts, in one forward pass, and what patterns find. Raises ValueError when the model fails on them."""
        raw = encoded(texts)
        try:
            out = self._serve(tf.constant(raw, tf.string, shape=[len(raw)]))
        except tf.errors.OpError as error:
            raise ValueError(f"model {self.name} {self.version} failed on {len(raw)} texts: {error.message}") from error
        tags = Tags(**{name: out[name].numpy() for name in OUTPUTS})
        return self._patterns.added(tags, [text[:CHARACTERS_LIMIT] for text in texts])

    def _check_outputs(self) -> None:
        tags = self.tag(["a"])
        widths = {"sentiment": len(SENTIMENTS), "topic": len(self.topics), "intent": len(self.intents)}
        for name, wanted in widths.items():
            found = getattr(tags, name).shape
            if found != (1, wanted):
                raise ModelError(self.folder / LABELS, f"names {wanted} {name} labels, but the model gives {found[-1]}")
        if int(self.module.entity_labels.numpy()) != len(labels_of(self.learnt_types)):
            raise ModelError(self.folder / LABELS, f"names {len(self.learnt_types)} entity types, which do not fit")
        if int(self.module.entries.numpy()) != len(self.vocabulary):
            raise ModelError(self.folder / VOCABULARY, "does not have the entries that the model was trained with")


def encoded(texts: Sequence[str]) -> list[bytes]:
    """What the graph is given of the texts. A lone surrogate, which UTF-8 cannot hold, is read as a question mark."""
    return [text[:CHARACTERS_LIMIT].encode("utf-8", "replace") for text in texts]


def load(folder: Path = DEFAULT, *, intra_threads: int = 2, inter_threads: int = 2) -> LoadedModel:
    """The model of a folder. Raises ModelError, and EncoderError for a package that it needs.

    intra_threads, inter_threads: TensorFlow's threads within and between operations, 2 and 2 being best on two cores.
    TensorFlow takes them once a process, before its first operation: later values have no effect.
    """
    set_threads(intra_threads, inter_threads)
    check_whole(folder)
    labels = read_json(folder / LABELS, Labels)
    if tuple(labels.sentiment) != SENTIMENTS:
        raise ModelError(folder / LABELS, f"sentiment labels must be {', '.join(SENTIMENTS)}, not {labels.sentiment}")
    manifest = read_json(folder / MANIFEST, Manifest)
    if manifest.encoder:
        encoder.check(manifest.encoder)
    return LoadedModel(folder, manifest, labels, vocabulary.read(folder / VOCABULARY))


def set_threads(intra_threads: int, inter_threads: int) -> None:
    """Sets TensorFlow's threads unless it already runs."""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(intra_threads)
        tf.config.threading.set_inter_op_parallelism_threads(inter_threads)
    except RuntimeError:  # already running, with the values of the first caller
        return


def threads() -> tuple[int, int]:
    """TensorFlow's threads within and between operations; 0 is what it chooses itself."""
    threading = tf.config.threading
    return threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads()


def meet_the_machine() -> None:
    """Has TensorFlow look at devices and number formats now, where what it says of them can be kept quiet."""
    tf.cast(tf.zeros([1], tf.float16), tf.float32)


@functools.cache
def _register_operations() -> None:
    """TensorFlow Text's operations that our graphs hold, from its own libraries. All of it would take 110 MB and 0.6 s more."""
    found = importlib.util.find_spec("tensorflow_text")
    folders = found.submodule_search_locations if found else None
    libraries = [Path(folder) / "python" / "ops" / f"{name}.so" for folder in folders or () for name in LIBRARIES]
    if len(libraries) == len(LIBRARIES) and all(library.exists() for library in libraries):
        for library in libraries:
            tf.load_op_library(str(library))
    else:
        importlib.import_module("tensorflow_text")


def _loaded(path: Path) -> tf.Module:
    _register_operations()
    try:
        return tf.saved_model.load(str(path))
    except Exception as error:
        if "Op type not registered" not in str(error):
            raise
        importlib.import_module("tensorflow_text")   # a graph of another kind
        return tf.saved_model.load(str(path))


def _saved_model(path: Path) -> tf.Module:
    try:
        module = _loaded(path)
        module.fold()
    except Exception as error:  # a corrupt file surfaces as any of a dozen kinds
        raise ModelError(path, f"this SavedModel cannot be loaded ({type(error).__name__}: {error})") from error
    return module


def _fill(module: tf.Module) -> None:
    """Gives the graph the weights of the installed encoder."""
    from models.architectures import lora  # noqa: PLC0415  Keras and KerasHub, for this tier alone

    for own, value in zip(module.frozen, lora.shared().weights(), strict=True):
        own.assign(value)


def _signature(module: tf.Module, path: Path) -> tf.types.experimental.Callable:
    serve = module.signatures.get("serve")
    if serve is None:
        raise ModelError(path, "this SavedModel has no signature named serve")
    missing = set(OUTPUTS) - set(serve.structured_outputs)
    if missing:
        raise ModelError(path, f"the signature serve does not give {', '.join(sorted(missing))}")
    return serve
