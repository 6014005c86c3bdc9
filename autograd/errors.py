"""The exceptions that this project defines. All of them are exported by `autograd` or `nn`.

Each is a `NudgeError` and also an exception of the built-in kind that fits, so that existing `except` clauses catch it::

    NudgeError
    ├── UndefinedError      ValueError, ZeroDivisionError   an operation met numbers outside its domain
    ├── TraceError          TypeError                       a function cannot be recorded as a program
    ├── CompilationError    RuntimeError                    there is no C compiler, or it failed
    ├── UnsafeCacheError    PermissionError                 other users can write to the cache of compiled programs
    ├── nn.FormulaError     ValueError                      a formula cannot be read
    └── nn.DivergenceError  ArithmeticError                 training diverged

Invalid arguments raise the built-in ValueError or TypeError, numbers that are not finite raise FloatingPointError inside
`anomaly()`, and missing packages raise ImportError.
"""

from __future__ import annotations


class NudgeError(Exception):
    """The base class of the exceptions that this project defines."""


class UndefinedError(NudgeError, ValueError, ZeroDivisionError):
    """An operation met floats outside its domain: `log(-1.0)`, `1.0 / 0.0`."""


class TraceError(NudgeError, TypeError):
    """A function cannot be recorded as a program: it needs a number that is known only when the program runs."""


class CompilationError(NudgeError, RuntimeError):
    """There is no C compiler, or the compiler failed."""


class UnsafeCacheError(NudgeError, PermissionError):
    """Other users can write to the directory of compiled programs, which are run as they are found there."""
