"""The C that every program begins with: vectors, and the few loops that are worth writing by hand."""

from __future__ import annotations

import numpy as np

RUNTIME = r"""
#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

typedef {real} real;
typedef {whole} whole; /* a whole number as wide as a real */
enum {{ LANES = 32 / sizeof(real) }};
typedef real vector __attribute__((vector_size(32)));
typedef whole mask __attribute__((vector_size(32)));

INLINE vector load(const real *from) {{ vector v; memcpy(&v, from, sizeof v); return v; }}
INLINE void store(real *to, vector v) {{ memcpy(to, &v, sizeof v); }}
INLINE vector splat(real a) {{ return a - (vector){{0}}; }}
INLINE vector choose(mask m, vector a, vector b) {{ return (vector)((m & (mask)a) | (~m & (mask)b)); }}
INLINE vector truth(mask m) {{ return choose(m, splat(1), splat(0)); }}

/* Where fewer than a vector's entries are left, in memory that is not ours to overrun. */
INLINE vector load_some(const real *from, long left)
{{
    if (left >= LANES) return load(from);
    vector v = {{0}};
    for (int i = 0; i < left; i++) v[i] = from[i];
    return v;
}}
INLINE void store_some(real *to, vector v, long left)
{{
    if (left >= LANES) {{ store(to, v); return; }}
    for (int i = 0; i < left; i++) to[i] = v[i];
}}
INLINE vector strided(const real *from, long stride, long left)
{{
    vector v = {{0}};
    for (int i = 0; i < LANES && i < left; i++) v[i] = from[i * stride];
    return v;
}}

/* The rows of the table, as numpy has them. */
#define LANEWISE(name, f) INLINE vector name(vector a) {{ for (int i = 0; i < LANES; i++) a[i] = f(a[i]); return a; }}
INLINE vector absolute(vector a) {{ return (vector)((mask)a & ~(mask)splat(-0.0)); }}
INLINE vector sign(vector a) {{ return choose(a > 0, splat(1), choose(a < 0, splat(-1), a)); }}
INLINE vector maximum(vector a, vector b) {{ return choose((a > b) | (a != a), a, b); }}
INLINE vector minimum(vector a, vector b) {{ return choose((a < b) | (a != a), a, b); }}
INLINE vector smaller(vector a, vector b) {{ return choose((a <= b) | (b != b), a, b); }} /* fmin: the one that is a number */
INLINE vector square(vector a) {{ return a * a; }}
INLINE vector cube(vector a) {{ return a * a * a; }}
INLINE vector power(vector a, vector b) {{ for (int i = 0; i < LANES; i++) a[i] = {pow}(a[i], b[i]); return a; }}
{lanewise}

INLINE real total(const real *a, long stride, long count)
{{
    real sum = 0;
    long i = 0;
    if (stride == 1 && count >= LANES) {{
        vector s = load(a);
        for (i = LANES; i + LANES <= count; i += LANES) s += load(a + i);
        for (int lane = 0; lane < LANES; lane++) sum += s[lane];
    }}
    for (; i < count; i++) sum += a[i * stride];
    return sum;
}}

/* Each column added up, on top of what is there. */
INLINE void add_rows(long rows, long columns, const real *restrict a, long a0, real *restrict c)
{{
    long j = 0;
    for (; j + LANES <= columns; j += LANES) {{
        vector s = load(c + j);
        for (long i = 0; i < rows; i++) s += load(a + i * a0 + j);
        store(c + j, s);
    }}
    for (; j < columns; j++)
        for (long i = 0; i < rows; i++) c[j] += a[i * a0 + j];
}}

INLINE real logsumexp(const real *a, long stride, long count)
{{
    real largest = -INFINITY, sum = 0;
    for (long i = 0; i < count; i++) {{
        if (a[i * stride] != a[i * stride]) return a[i * stride];
        if (a[i * stride] > largest) largest = a[i * stride];
    }}
    if (isinf(largest)) return largest;
    for (long i = 0; i < count; i++) sum += {exp}(a[i * stride] - largest);
    return largest + {log}(sum);
}}

/* c[i][j] = (or +=) the sum over k of a[i][k] b[k][j]. Where the columns of b and c lie side by side: four rows by two vectors at a time. */
static void product_by_columns(long rows, long inner, long columns, const real *restrict a, long a0, long a1,
                               const real *restrict b, long b0, real *restrict c, long c0, int adds)
{{
    long j = 0;
    for (; j + 2 * LANES <= columns; j += 2 * LANES) {{
        long i = 0;
        for (; i + 4 <= rows; i += 4) {{
            vector s[4][2];
            for (int r = 0; r < 4; r++)
                for (int v = 0; v < 2; v++) s[r][v] = adds ? load(c + (i + r) * c0 + j + v * LANES) : splat(0);
            for (long k = 0; k < inner; k++) {{
                const vector b_0 = load(b + k * b0 + j), b_1 = load(b + k * b0 + j + LANES);
                for (int r = 0; r < 4; r++) {{
                    const real factor = a[(i + r) * a0 + k * a1];
                    s[r][0] += factor * b_0;
                    s[r][1] += factor * b_1;
                }}
            }}
            for (int r = 0; r < 4; r++)
                for (int v = 0; v < 2; v++) store(c + (i + r) * c0 + j + v * LANES, s[r][v]);
        }}
        for (; i < rows; i++) {{
            vector s_0 = adds ? load(c + i * c0 + j) : splat(0), s_1 = adds ? load(c + i * c0 + j + LANES) : splat(0);
            for (long k = 0; k < inner; k++) {{
                const real factor = a[i * a0 + k * a1];
                s_0 += factor * load(b + k * b0 + j);
                s_1 += factor * load(b + k * b0 + j + LANES);
            }}
            store(c + i * c0 + j, s_0);
            store(c + i * c0 + j + LANES, s_1);
        }}
    }}
    for (; j + LANES <= columns; j += LANES) {{
        long i = 0;
        for (; i + 4 <= rows; i += 4) {{
            vector s[4];
            for (int r = 0; r < 4; r++) s[r] = adds ? load(c + (i + r) * c0 + j) : splat(0);
            for (long k = 0; k < inner; k++) {{
                const vector b_0 = load(b + k * b0 + j);
                for (int r = 0; r < 4; r++) s[r] += a[(i + r) * a0 + k * a1] * b_0;
            }}
            for (int r = 0; r < 4; r++) store(c + (i + r) * c0 + j, s[r]);
        }}
        for (; i < rows; i++) {{
            vector s = adds ? load(c + i * c0 + j) : splat(0);
            for (long k = 0; k < inner; k++) s += a[i * a0 + k * a1] * load(b + k * b0 + j);
            store(c + i * c0 + j, s);
        }}
    }}
    for (; j < columns; j++)
        for (long i = 0; i < rows; i++) {{
            real s = adds ? c[i * c0 + j] : 0;
            for (long k = 0; k < inner; k++) s += a[i * a0 + k * a1] * b[k * b0 + j];
            c[i * c0 + j] = s;
        }}
}}

INLINE real lanes(vector v)
{{
    real sum = 0;
    for (int lane = 0; lane < LANES; lane++) sum += v[lane];
    return sum;
}}

/* The same, where the rows of a and the columns of b lie along k: four rows by two columns at a time. */
static void product_along_inner(long rows, long inner, long columns, const real *restrict a, long a0,
                                const real *restrict b, long b1, real *restrict c, long c0, long c1, int adds)
{{
    for (long j = 0; j < columns; j += 2) {{
        const real *b_0 = b + j * b1, *b_1 = j + 1 < columns ? b_0 + b1 : b_0;
        long i = 0;
        for (; i + 4 <= rows; i += 4) {{
            vector s[4][2] = {{{{{{0}}}}}};
            long k = 0;
            for (; k + LANES <= inner; k += LANES) {{
                const vector u = load(b_0 + k), v = load(b_1 + k);
                for (int r = 0; r < 4; r++) {{
                    const vector w = load(a + (i + r) * a0 + k);
                    s[r][0] += w * u;
                    s[r][1] += w * v;
                }}
            }}
            for (int r = 0; r < 4; r++) {{
                real s_0 = lanes(s[r][0]), s_1 = lanes(s[r][1]);
                for (long l = k; l < inner; l++) {{
                    s_0 += a[(i + r) * a0 + l] * b_0[l];
                    s_1 += a[(i + r) * a0 + l] * b_1[l];
                }}
                real *to = c + (i + r) * c0 + j * c1;
                if (j + 1 < columns) to[c1] = adds ? to[c1] + s_1 : s_1;
                to[0] = adds ? to[0] + s_0 : s_0;
            }}
        }}
        for (; i < rows; i++) {{
            vector v_0 = {{0}}, v_1 = {{0}};
            long k = 0;
            for (; k + LANES <= inner; k += LANES) {{
                const vector w = load(a + i * a0 + k);
                v_0 += w * load(b_0 + k);
                v_1 += w * load(b_1 + k);
            }}
            real s_0 = lanes(v_0), s_1 = lanes(v_1);
            for (; k < inner; k++) {{
                s_0 += a[i * a0 + k] * b_0[k];
                s_1 += a[i * a0 + k] * b_1[k];
            }}
            real *to = c + i * c0 + j * c1;
            if (j + 1 < columns) to[c1] = adds ? to[c1] + s_1 : s_1;
            to[0] = adds ? to[0] + s_0 : s_0;
        }}
    }}
}}

/* The same, wherever things lie. */
static void product(long rows, long inner, long columns, const real *a, long a0, long a1, const real *b, long b0, long b1,
                    real *c, long c0, long c1, int adds)
{{
    for (long i = 0; i < rows; i++)
        for (long j = 0; j < columns; j++) {{
            real s = adds ? c[i * c0 + j * c1] : 0;
            for (long k = 0; k < inner; k++) s += a[i * a0 + k * a1] * b[k * b0 + j * b1];
            c[i * c0 + j * c1] = s;
        }}
}}
"""

UNARY = ("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "erf")


def runtime(dtype: np.dtype[np.generic]) -> str:
    """The text, for one dtype."""
    single = dtype == np.float32
    f = "f" if single else ""
    lanewise = "\n".join(f"LANEWISE({name}_, {name}{f})" for name in UNARY)
    types = {"real": "float" if single else "double", "whole": "int" if single else "long long"}
    return RUNTIME.format(**types, lanewise=lanewise, pow=f"pow{f}", exp=f"exp{f}", log=f"log{f}").lstrip()
