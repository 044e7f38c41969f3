"""Scalars as TensorBoard reads them: event files, whose summaries name the plugin `scalars`. To write them takes no TensorBoard."""

from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf


class Events:
    """Writes into a folder of its own, which is made."""

    def __init__(self, folder: Path) -> None:
        self._writer = tf.summary.create_file_writer(str(folder))
        self._kind = tf.compat.v1.SummaryMetadata(plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"))

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """One point of each curve; they are on the disk when it returns."""
        with self._writer.as_default(step):
            for name, value in values.items():
                tf.summary.write(name, tf.constant(value, tf.float32), metadata=self._kind)
        self._writer.flush()
