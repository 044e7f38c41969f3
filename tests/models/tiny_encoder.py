"""A small random encoder in the files of a large one, so that what is built over it is tested without the package of 91 MB."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

WORDS = [
    *(f"w{i}" for i in range(30)), "w", "##x", "train", "dev", "love", "great", "hate", "awful", "table", "report", "met", "today", ".",
    *map(str, range(10)), *(f"##{digit}" for digit in range(10))]
ENTRIES = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
WIDTH, HEADS, LAYERS, INNER, PLACES = 32, 2, 2, 48, 512
MISSING = [name for name in ("keras_hub", "safetensors") if importlib.util.find_spec(name) is None]
NEEDS_EXTRA = pytest.mark.skipif(bool(MISSING), reason=f"the extra accurate is not installed: {', '.join(MISSING)}")


def write(folder: Path, seed: int = 0) -> Path:
    """config.json, vocab.txt and model.safetensors, as Hugging Face's BertModel has them."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    shapes = {"embeddings.word_embeddings.weight": (len(ENTRIES), WIDTH), "embeddings.position_embeddings.weight": (PLACES, WIDTH),
              "embeddings.token_type_embeddings.weight": (2, WIDTH)} | _norm("embeddings.LayerNorm") | _dense("pooler.dense", WIDTH, WIDTH)
    for layer in (f"encoder.layer.{at}" for at in range(LAYERS)):
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            shapes |= _dense(f"{layer}.attention.{name}", WIDTH, WIDTH)
        shapes |= _norm(f"{layer}.attention.output.LayerNorm") | _norm(f"{layer}.output.LayerNorm")
        shapes |= _dense(f"{layer}.intermediate.dense", WIDTH, INNER) | _dense(f"{layer}.output.dense", INNER, WIDTH)
    save_file({name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}, folder / "model.safetensors")
    (folder / "vocab.txt").write_text("".join(f"{entry}\n" for entry in ENTRIES), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps({
        "model_type": "bert", "architectures": ["BertModel"], "vocab_size": len(ENTRIES), "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "intermediate_size": INNER, "max_position_embeddings": PLACES,
        "type_vocab_size": 2, "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1}), encoding="utf-8")
    return folder


def _dense(name: str, read: int, given: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (given, read), f"{name}.bias": (given,)}


def _norm(name: str) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (WIDTH,), f"{name}.bias": (WIDTH,)}
