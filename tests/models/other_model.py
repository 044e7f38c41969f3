"""A model folder that tags, and is built in another way than the one that comes along."""
import shutil
from pathlib import Path

import tensorflow as tf

from models.load import DEFAULT, LoadedModel


class Other(tf.Module):
    """Says that everything is as likely as anything else."""

    def __init__(self, model: LoadedModel) -> None:
        super().__init__()
        self.entity_labels = tf.Variable(model.module.entity_labels)
        self.entries = tf.Variable(model.module.entries)
        self._sizes = {"sentiment": 3, "topic": len(model.topics), "intent": len(model.intents)}

    @tf.function(input_signature=[])
    def fold(self) -> tf.Tensor:
        return tf.constant(0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="texts")])
    def serve(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        count = tf.size(texts)
        splits, none = tf.zeros([count + 1], tf.int64), tf.zeros([0], tf.int32)
        even = {name: tf.fill([count, size], 1 / size) for name, size in self._sizes.items()}
        return {**even, "entity_type": none, "entity_start": none, "entity_end": none, "entity_score": tf.zeros([0]),
                "entity_splits": splits, "token_ids": none, "token_splits": splits}


def written(model: LoadedModel, folder: Path) -> Path:
    """Writes it beside the labels of the model that comes along, which is given."""
    shutil.copytree(DEFAULT, folder, ignore=shutil.ignore_patterns("saved_model"))
    other = Other(model)
    tf.saved_model.save(other, str(folder / "saved_model"), signatures={"serve": other.serve})
    return folder
