"""The tests. None of them asserts a time, hypothesis' own deadline for an example included."""

from hypothesis import settings

settings.register_profile("nudge", deadline=None)
settings.load_profile("nudge")
