"""The playground: a network learns before one's eyes, and every number is a click away."""

from playground.notebook import widget
from playground.session import Session

__all__ = ["Session", "widget"]
