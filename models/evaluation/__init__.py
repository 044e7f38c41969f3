"""How good a model is on a split of the data sets: figures by set, language and kind of text, and one report of them."""
