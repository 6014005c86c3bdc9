"""The tests. None of them asserts a time, hypothesis' own deadline for an example included."""

from hypothesis import settings

PATIENCE = 60  # seconds that a test waits for what a machine at rest does in one or two, before it gives up

settings.register_profile("nudge", deadline=None)
settings.load_profile("nudge")
