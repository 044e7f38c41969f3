"""Event files are read back by TensorFlow's own reader."""

from pathlib import Path

import tensorflow as tf

from models.events import Events


def test_points_are_on_the_disk_as_scalars_of_tensorboard(tmp_path: Path) -> None:
    events = Events(tmp_path / "logs")
    events.write(1, {"loss/texts": 0.5})
    events.write(2, {"loss/texts": 0.25, "dev/a": 0.75})
    (file,) = (tmp_path / "logs").glob("events.out.tfevents.*")
    found = []
    for raw in tf.data.TFRecordDataset(str(file)):
        event = tf.compat.v1.Event.FromString(raw.numpy())
        for value in event.summary.value:
            assert value.metadata.plugin_data.plugin_name == "scalars"
            found.append((event.step, value.tag, float(tf.make_ndarray(value.tensor))))
    assert found == [(1, "loss/texts", 0.5), (2, "loss/texts", 0.25), (2, "dev/a", 0.75)]
