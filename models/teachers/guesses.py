"""Soft labels: what a strong teacher of one set takes each of its training rows for, never having seen that row.

A label that is noise in one row is averaged away in what a model makes of all the others (Hinton et al. 2015). The teacher is a linear
support vector machine on n-grams joined with the sentence vectors of the larger models; it answers for the fifth of the rows that it was
not fitted on, and a temperature turns its margins into probabilities. One that was fitted on all rows answers for texts that are none of
them (models/teachers/variants.py).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.teachers import files
from models.teachers.files import Vectors
from models.temperature import temperature

FOLDS = 5
COST = 0.5
LONGEST = {"zh": 512, "en": 2_000}
"""Characters that are read."""
GRAMS = {
    "zh": {"analyzer": "char", "ngram_range": (1, 3), "max_features": 200_000},
    "en": {"ngram_range": (1, 2), "max_features": 100_000}}


def guesses(
    texts: Sequence[str], labels: NDArray[np.int32], vectors: Sequence[Vectors], language: str, others: Sequence[str] = (),
) -> NDArray[np.float32]:
    """float32[N + M, C] for N texts with labels from 0 to C - 1, each of them there, and M others. vectors: of all, by their teachers."""
    from scipy.sparse import csr_matrix, hstack  # noqa: PLC0415
    from scipy.special import softmax  # noqa: PLC0415
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415
    from sklearn.svm import LinearSVC  # noqa: PLC0415

    of_grams = TfidfVectorizer(sublinear_tf=True, min_df=2, **GRAMS[language]).fit([text[: LONGEST[language]] for text in texts])
    every = [*texts, *others]
    grams = of_grams.transform([text[: LONGEST[language]] for text in every])
    seen = [(of, files.rows_of(of, every)) for of in vectors]
    dense = [np.where((rows >= 0)[:, None], of.values[np.maximum(rows, 0)], 0).astype(np.float32) for of, rows in seen]
    features = hstack([grams, *(csr_matrix(values) for values in dense)]).tocsr()
    own, fold = len(texts), np.random.default_rng(1).permutation(len(texts)) % FOLDS
    margins = np.zeros((len(every), int(labels.max()) + 1))

    def answer(learnt: NDArray[np.int64], asked: NDArray[np.int64]) -> None:
        said = LinearSVC(C=COST, tol=1e-3).fit(features[learnt], labels[learnt]).decision_function(features[asked])
        margins[asked] = np.stack([-said, said], 1) if said.ndim == 1 else said

    for out in range(FOLDS):
        answer(np.flatnonzero(fold != out), np.flatnonzero(fold == out))
    if others:
        answer(np.arange(own), np.arange(own, len(every)))
    shares: NDArray[np.float32] = softmax(margins / temperature(softmax(margins[:own], 1), labels), 1).astype(np.float32)
    return shares
