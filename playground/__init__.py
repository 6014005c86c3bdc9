"""The playground: watch a network learn, and click on any part of it to see its numbers."""

from playground import _one_core as _one_core  # before numpy
from playground.course import ask
from playground.notebook import widget
from playground.session import Session

__all__ = ["Session", "ask", "widget"]
