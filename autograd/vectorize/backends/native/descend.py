"""Descend: the C function that takes steps of gradient descent."""

from __future__ import annotations

import math
from collections.abc import Sequence

from autograd.vectorize.backends.native.operations import GradientOfRows
from autograd.vectorize.backends.native.rule import Rule
from autograd.vectorize.instructions import Shape

_DESCEND = """
long descend(long steps, long batch, {given}, const int64_t *rows, real *theta{memory},
             const real *settings, double limit, const int64_t *frozen, long frozen_count, real *gradient, double *costs, double *norms,
             real *room, long chosen_size) {{
    // room is to work in, and behind that for the chosen examples and the parameters that stay
    real *const work = room, *const kept = work + {work} + chosen_size;
    for (long s = 0; s < steps; s++) {{
        const int64_t *const chosen = rows == NULL ? NULL : rows + s * batch;
{gathered}        struct step now = step_of(settings + 2 * s, (struct step){{.theta = theta{names}}});
        if (frozen_count == 0 && limit == INFINITY) {{
            now.gradient = s + 1 == steps ? gradient : NULL;
            costs[s] = mean(batch, {arguments}, theta, NULL, gradient, work, {early});
{rest}            norms[s] = sqrt(lanes(now.squares));
        }} else {{
            costs[s] = mean(batch, {arguments}, theta, NULL, gradient, work, NULL);
            norms[s] = limited(gradient, {size}, frozen, frozen_count, limit);
            for (long i = 0; i < frozen_count; i++)
                kept[i] = theta[frozen[i]];
            step_along(&now, gradient, 0, {size});
            for (long i = 0; i < frozen_count; i++)
                theta[frozen[i]] = kept[i];
        }}
        if (!isfinite(costs[s] + norms[s]))
            return s + 1;
    }}
    return steps;
}}"""


def descend(rule: Rule, shapes: Sequence[Shape], size: int, work: int, early: Sequence[GradientOfRows]) -> str:
    """Return the function for arguments of these shapes and `size` parameters.

    `early` are the parts of the gradient whose parameters the program updates itself, as soon as they are known.
    """
    columns = [math.prod(shape) for shape in shapes]
    gathered, before = [], str(work)
    for number, width in enumerate(columns):
        gathered.append(f"        const real *const x{number} = gathered(all{number}, {width}, chosen, batch, room + {before});\n")
        before += f" + {width} * batch"
    ends = [0, *(end for each in sorted(early, key=lambda each: each.offset) for end in (each.offset, each.offset + each.size)), size]
    rest = "".join(
        f"            step_along(&now, gradient, {ends[i]}, {ends[i + 1]});\n" for i in range(0, len(ends), 2) if ends[i] < ends[i + 1]
    )
    return _DESCEND.format(
        given=", ".join(f"const real *all{number}" for number in range(len(columns))),
        memory="".join(f", real *{name}" for name in rule.memory),
        names="".join(f", .{name} = {name}" for name in rule.memory),
        gathered="".join(gathered),
        arguments=", ".join(f"x{number}" for number in range(len(columns))),
        early="&now" if early else "NULL",
        rest=rest,
        size=size,
        work=work,
    )
