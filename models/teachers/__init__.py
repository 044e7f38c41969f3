"""Teachers: large models that label texts offline, for the small ones to learn from. They are no part of the product.

They need packages of their own: requirements.txt beside this file, installed by `make teachers` into a place apart. Only `files` is
imported in training.
"""
