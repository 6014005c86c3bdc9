"""The native back end: a program written out as C, compiled for this machine and kept for the next time."""
