// Steps of gradient descent. `struct step` is one of them: where the parameters and their memory lie, and what all parameters share in it.
// `improve` does to LANES parameters, the first `left` of them, what the rule says, given their gradient.

// Where all examples have been seen, what add_products_of_rows adds up is the gradient: it need not even be written to memory, but where
// somebody looks at it, before the parameters move along it.
ALWAYS void outer_steps(const int J, const int T, long columns, const real *restrict d, long dj, const real *restrict x, long x_row,
                        const real *restrict c, long cj, long count, int first, struct step *step, long at) {
    vec s[8][2], squares = splat(0);
    outer_sums(J, T, columns, d, dj, x, x_row, c, cj, count, first, s);
    UNROLL for (int j = 0; j < J; j++)
        UNROLL for (int t = 0; t < T; t++) {
            squares = fused(s[j][t], s[j][t], squares);
            improve(step, at + j * cj + t * LANES, s[j][t], columns - t * LANES);
        }
    step->squares += squares;
}

ALWAYS void outer_row_steps(const int T, long columns, long rows, const real *d, long dj, const real *x, long x_row, const real *c, long cj,
                            long count, int first, struct step *step, long at) {
    long j = 0;
    for (; j + TALL <= rows; j += TALL)
        outer_steps(TALL, T, columns, d + j * dj, dj, x, x_row, c + j * cj, cj, count, first, step, at + j * cj);
    for (; j + 2 <= rows; j += 2)
        outer_steps(2, T, columns, d + j * dj, dj, x, x_row, c + j * cj, cj, count, first, step, at + j * cj);
    if (j < rows)
        outer_steps(1, T, columns, d + j * dj, dj, x, x_row, c + j * cj, cj, count, first, step, at + j * cj);
}

static void step_by_products_of_rows(long rows, long columns, const real *d, long dj, const real *x, long x_row, const real *c, long cj,
                                     long count, int first, struct step *step, long at) {
    long k = 0;
    for (; k + 2 * LANES <= columns; k += 2 * LANES)
        outer_row_steps(2, 2 * LANES, rows, d, dj, x + k, x_row, c + k, cj, count, first, step, at + k);
    for (; k + LANES <= columns; k += LANES)
        outer_row_steps(1, LANES, rows, d, dj, x + k, x_row, c + k, cj, count, first, step, at + k);
    if (k < columns) {
        real rest[BLOCK * LANES];
        in_rows(columns - k, x + k, x_row, 1, count, rest);
        outer_row_steps(1, columns - k, rows, d, dj, rest, LANES, c + k, cj, count, first, step, at + k);
    }
}

// A step of some parameters along the gradient that lies in memory.
static void step_along(struct step *step, const real *gradient, long from, long to) {
    vec squares = splat(0);
    for (long at = from; at < to; at += LANES) {
        const vec g = load_some(gradient + at, to - at);
        squares = fused(g, g, squares);
        improve(step, at, g, to - at);
    }
    step->squares += squares;
}

// The norm of a gradient, which is 0 for what frozen_count as it is, and no longer than the limit afterwards.
static double limited(real *gradient, long count, const int64_t *frozen, long frozen_count, double limit) {
    vec squares = splat(0);
    for (long i = 0; i < frozen_count; i++)
        gradient[frozen[i]] = 0;
    for (long i = 0; i < count; i += LANES) {
        const vec g = load_some(gradient + i, count - i);
        squares = fused(g, g, squares);
    }
    const double norm = sqrt(lanes(squares));
    if (norm > limit)
        for (long i = 0; i < count; i++)
            gradient[i] *= (real)(limit / norm);
    return norm;
}

// The rows that an index names, one after the other.
static const real *gathered(const real *from, long columns, const int64_t *rows, long count, real *to) {
    if (rows == NULL)
        return from;
    for (long i = 0; i < count; i++)
        memcpy(to + i * columns, from + rows[i] * columns, columns * sizeof(real));
    return to;
}
