"""The one graph of both pipelines, behind their readers: tag -> aggregate -> sinks. Beam is imported with this module."""
import functools
import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.ml.inference.base import RunInference
from apache_beam.runners.worker import statesampler

from models.load import DEFAULT, load
from schemas.archived import ArchiveDecoder
from schemas.avro import AvroDecoder, AvroSettings
from schemas.decode import Decoder
from schemas.json_events import JsonDecoder
from schemas.tagging import Tagger
from transforms.aggregate import AggregateUnits
from transforms.job import JobSettings, redactor_of_job
from transforms.sinks import Sinks, WriteSinks
from transforms.tag import ChunkTagger

SAMPLING_PERIOD_MS = 20   # the end of every bundle waits for Beam's state sampler to wake; its own period is 200 ms
statesampler.StateSampler.__init__.__defaults__ = (SAMPLING_PERIOD_MS,)   # no option reaches it
GC_EVERY = 20_000   # new containers between two collections; a chunk makes thousands, none of them in a cycle


@functools.cache
def load_tagger(folder: str) -> Tagger:
    """The process's one model of a folder."""
    tagger = load(Path(folder) if folder else DEFAULT)
    gc.collect()
    gc.freeze()   # TensorFlow's and Beam's objects live for ever: walking them at every full collection costs more than the units do
    gc.set_threshold(GC_EVERY)
    return tagger


def loader_of(model: str) -> Callable[[], Tagger]:
    """What loads the model of --model, on whatever worker; empty: the one that comes with the package."""
    return functools.partial(load_tagger, str(Path(model).absolute()) if model else "")


@functools.cache
def make_decoder(format_name: str, schemas: AvroSettings | str, max_text_bytes: int) -> Decoder:
    """The decoder that the options name; schemas: for avro alone. Raises SchemaError or RegistryProblem where these cannot be used."""
    if format_name == "archive":
        return ArchiveDecoder(max_text_bytes)
    if format_name == "avro":
        return AvroDecoder(schemas, max_text_bytes)
    return JsonDecoder(max_text_bytes)


@dataclass
class Steps(beam.PTransform):
    """EventChunk in the global window, of polls that are durable -> the store and the other sinks."""

    settings: JobSettings
    decoder: Callable[[], Decoder]
    loader: Callable[[], Tagger]
    sinks: Sinks

    def expand(self, chunks: beam.PCollection) -> Any:
        """Tagged once, for the store and for the tagged events."""
        tagged = chunks | "Tag" >> RunInference(ChunkTagger(self.loader))
        if self.sinks.tagged:
            _ = tagged | "WriteTagged" >> WriteSinks(
                self.sinks, self.loader, functools.partial(redactor_of_job, self.settings, self.decoder))
        return tagged | "Aggregate" >> AggregateUnits(self.settings, self.decoder, self.loader, self.sinks)
