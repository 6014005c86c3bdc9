"""Data: toy problems, drawn digits, readers of files, and functions that split, scale and batch arrays.

Inputs `X` are float64 arrays of shape (n, features). Labels `y` are int64 arrays of shape (n,), from 0. Random functions take a seed:
an int, or a `numpy.random.Generator`.
"""

from nn.data.batches import minibatches, one_hot, split, standardize
from nn.data.csv_reader import MISSING, Table, load_csv, read_csv
from nn.data.drawn_digits import GLYPHS, digits
from nn.data.readers import MOST_IMAGES, load_digits, load_mnist
from nn.data.toys import blobs, circles, moons, spirals, waves, xor
from nn.inputs import Array, Examples, Labels, Seed

__all__ = [
    "GLYPHS",
    "MISSING",
    "MOST_IMAGES",
    "Array",
    "Examples",
    "Labels",
    "Seed",
    "Table",
    "blobs",
    "circles",
    "digits",
    "load_csv",
    "load_digits",
    "load_mnist",
    "minibatches",
    "moons",
    "one_hot",
    "read_csv",
    "spirals",
    "split",
    "standardize",
    "waves",
    "xor",
]
