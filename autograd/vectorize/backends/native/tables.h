// Rows that tables of indices or the numbers of the examples name.

// For each example the products of pairs of rows of `width` columns.
static void pair_products(long pairs, long width, const int *i, const int *j, const real *a, long a0, const real *b, long b0, real *c,
                          long c0, long count) {
    for (long p = 0; p < pairs; p++)
        for (long e = 0; e < count; e += LANES) {
            vec s = splat(0);
            for (long k = 0; k < width; k++)
                s = fused(load(a + (i[p] * width + k) * a0 + e), load(b + (j[p] * width + k) * b0 + e), s);
            store(c + p * c0 + e, s);
        }
}

// For each example the sums of rows of b, times the numbers of their pairs.
static void pair_sums(long pairs, long width, const int *i, const int *j, const real *a, long a0, const real *b, long b0, real *c, long c0,
                      long columns, long count) {
    for (long k = 0; k < columns; k++)
        for (long e = 0; e < count; e += LANES)
            store(c + k * c0 + e, splat(0));
    for (long p = 0; p < pairs; p++)
        for (long e = 0; e < count; e += LANES) {
            const vec factor = load(a + p * a0 + e);
            for (long k = 0; k < width; k++) {
                real *to = c + (i[p] * width + k) * c0 + e;
                store(to, fused(factor, load(b + (j[p] * width + k) * b0 + e), load(to)));
            }
        }
}

// The number of a row. Indices are checked before a program runs; one that changes since then must not read other memory.
static inline long row_at(real index, long rows) {
    return index > 0 ? index < rows ? (long)index : rows - 1 : 0;
}

// For each example a row of a table, of which there may be one for each example.
static void look_up(long rows, long columns, const real *t, long t_example, long t_row, long t_column, const real *x, long x_example,
                    real *c, long c_example, long c_column, long count) {
    for (long e = 0; e < count; e++) {
        const real *row = t + e * t_example + row_at(x[e * x_example], rows) * t_row;
        for (long j = 0; j < columns; j++)
            c[e * c_example + j * c_column] = row[j * t_column];
    }
}

// The rows of the examples, added to those of a table.
static void add_rows(long rows, long columns, const real *d, long d_example, long d_column, const real *x, long x_example, real *t,
                     long t_example, long t_row, long t_column, long count) {
    for (long e = 0; e < count; e++) {
        real *row = t + e * t_example + row_at(x[e * x_example], rows) * t_row;
        for (long j = 0; j < columns; j++)
            row[j * t_column] += d[e * d_example + j * d_column];
    }
}
