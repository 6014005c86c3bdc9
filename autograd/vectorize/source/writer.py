"""Writer: a program as a function that reads as if written by hand, in numpy or in another namespace in its manner."""

from __future__ import annotations

from autograd.ops import ATOM
from autograd.vectorize import instructions as ir
from autograd.vectorize.backend import Signature
from autograd.vectorize.program import Program
from autograd.vectorize.source.dialects import NUMPY, Dialect
from autograd.vectorize.source.listing import WIDTH, Listing
from autograd.vectorize.source.text import broken


def source(program: Program, signature: Signature, dialect: Dialect = NUMPY) -> str:
    """Return source that defines a function of the arguments and, if the program has parameters, of `theta`.

    The function returns the results, or the cost and its gradient. The last argument of a program with weights is `weights`.
    """
    return _Writer(program, signature, dialect).function_text()


class _Writer(Listing):
    """A program as the text of a function."""

    def __init__(self, program: Program, signature: Signature, dialect: Dialect) -> None:
        super().__init__(program, signature, dialect)
        self.signature = signature
        self.has_cost, self.is_weighted = "cost" in program.outputs, bool(program.find(ir.Weights))

    def function_text(self) -> str:
        width = max((len(line) for line, comment in self.lines if comment and len(line) <= WIDTH), default=0)
        body = [each for line, comment in self.lines for each in broken(f"{line:{width}}" if comment else line, comment)]
        returned = self._returned(self.signature.result)
        text = "\n".join([*body, *broken(f"return {returned}")])
        uses_batch = ("batch" in text.replace("# (", "") and any("batch" in line for line, _ in self.lines)) or "(batch" in returned
        helpers = [each for each in self.dialect.helpers if f"{each.name}(" in text]
        above, below = "".join(dict.fromkeys(each.above for each in helpers)), "".join(each.below for each in helpers)
        return "\n".join(
            [
                f"{above}{self.dialect.imports}\n{below}".rstrip(),
                "",
                "",
                *self._head(),
                *([f"    batch = len({self.arguments[0]})"] if uses_batch else []),
                text,
                "",
            ]
        )

    def _head(self) -> list[str]:
        """The line with `def`, and comments: the shapes of the arguments, and the stable forms."""
        size = self.program.parameter_count
        parameters = ", ".join([*self.arguments, *(["theta"] if size else []), *(["weights"] if self.is_weighted else [])])
        described = [
            f"{each} ({', '.join(['batch', *map(str, shape)])}{'' if shape else ','})" for each, shape in zip(self.arguments, self.shapes)
        ]
        described += [f"theta ({size},)"] if size else []
        described += ["weights (batch,)"] if self.is_weighted else []
        comments = [f"    # {each}" for each in (", ".join(described), *self.signature.notes)]
        return [f"def {self.dialect.free(self.signature.name)}({parameters}):", *comments]

    def _returned(self, result: ir.Shape) -> str:
        """What the function returns: the results in their shape, or the cost and, where there is one, its gradient."""
        varies = self.program.varies(self.output)
        if self.has_cost:
            if varies and self.is_weighted:
                cost = f"weights @ {self._operand(self.output, ATOM)}[:, 0]"
            elif varies:
                cost = f"{self.np}.mean({self._operand(self.output)})"
            else:
                cost = self._operand(self.output, ATOM) + ("[0]" if self.program.shape(self.output) else "")
            return f"{cost}, {self._operand(self.gradient)}" if self.gradient >= 0 else cost
        if not varies:
            return f"{self.np}.broadcast_to({self._operand(self.output)}.reshape({result}), ({', '.join(['batch', *map(str, result)])},))"
        if result == ():
            return f"{self._operand(self.output, ATOM)}[:, 0]"
        if len(result) == 1:
            return self._operand(self.output)
        return f"{self._operand(self.output, ATOM)}.reshape(batch, {', '.join(map(str, result))})"
