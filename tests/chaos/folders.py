"""Model folders for the battery: one that gives other tags, and one whose graph raises on a marked text.

folders.py MODEL OUT builds the second; TensorFlow is imported for that alone, in a process of its own.
"""
import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FAST = ROOT / "models" / "fast"
LINKED = ("vocabulary.txt", "card.md", "metrics.json")


def own_copy(out: Path) -> Path:
    """The default model, where nobody trains it anew meanwhile."""
    shutil.copytree(FAST, out)
    return out


def other_tags(base: Path, out: Path) -> Path:
    """The model under another version, its topics named in another order: every text may change its cell."""
    out.mkdir()
    for name in ("saved_model", *LINKED):
        (out / name).symlink_to(base / name)
    labels = json.loads((base / "labels.json").read_text())
    labels["topic"] = labels["topic"][1:] + labels["topic"][:1]
    (out / "labels.json").write_text(json.dumps(labels))
    _manifest(base, out, "other-tags")
    return out


def poisonable(base: Path, out: Path) -> Path:
    """The model, wrapped: it fails on a batch that holds POISON."""
    subprocess.run([sys.executable, __file__, str(base), str(out)], check=True, capture_output=True)
    return out


def point(link: Path, folder: Path) -> None:
    """Makes `link` a symbolic link to the folder, in one step: what a worker loads when it starts next."""
    new = link.with_suffix(".new")
    new.symlink_to(folder)
    new.replace(link)


def _manifest(base: Path, out: Path, version: str) -> None:
    manifest = json.loads((base / "model.json").read_text())
    (out / "model.json").write_text(json.dumps({**manifest, "version": version}))


def _build(base: Path, out: Path) -> None:
    import tensorflow as tf
    import tensorflow_text  # noqa: F401  registers the operations of the graph
    from traffic import POISON

    inner = tf.saved_model.load(str(base / "saved_model"))
    outer = tf.Module()
    outer.inner, outer.entity_labels, outer.entries = inner, inner.entity_labels, inner.entries
    outer.fold = tf.function(inner.fold, input_signature=[])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="texts")])
    def serve(texts: tf.Tensor) -> dict[str, tf.Tensor]:
        poisoned = tf.strings.regex_full_match(texts, f"(?s).*{POISON.replace('(', '[(]').replace(')', '[)]')}.*")
        with tf.control_dependencies([tf.debugging.Assert(tf.logical_not(tf.reduce_any(poisoned)), ["poison"])]):
            return inner.signatures["serve"](texts=tf.identity(texts))

    outer.serve = serve
    out.mkdir()
    tf.saved_model.save(outer, str(out / "saved_model"), signatures={"serve": serve})
    for name in (*LINKED, "labels.json"):
        (out / name).symlink_to(base / name)
    _manifest(base, out, "poisonable")


if __name__ == "__main__":
    _build(Path(sys.argv[1]), Path(sys.argv[2]))
