"""Views of parameters, results and datasets to choose in, made of ``ipywidgets``; see ``alphintra.widgets``."""

from .datasets import Datasets
from .parameters import Parameters
from .results import Results

__all__ = ["Datasets", "Parameters", "Results"]
