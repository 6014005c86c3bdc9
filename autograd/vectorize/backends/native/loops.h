// The loops that every program is made of. Of an array that depends on the example, the entries of a block of examples lie side by
// side: as many examples at once as a register has lanes. There is room for BLOCK of them, `count` are there.

static inline vec load(const real *from) {
    vec v;
    memcpy(&v, from, sizeof v);
    return v;
}

static inline void store(real *to, vec v) { memcpy(to, &v, sizeof v); }

// Where fewer than a vector's entries may be left, in memory that must not be overrun.
static inline vec load_some(const real *from, long left) {
    if (left >= LANES)
        return load(from);
    vec v = {0};
    for (int i = 0; i < left; i++)
        v[i] = from[i];
    return v;
}

static inline void store_some(real *to, vec v, long left) {
    if (left >= LANES) {
        store(to, v);
        return;
    }
    for (int i = 0; i < left; i++)
        to[i] = v[i];
}

static inline vec strided(const real *from, long stride, long left) {
    vec v = {0};
    for (int i = 0; i < LANES && i < left; i++)
        v[i] = from[i * stride];
    return v;
}

// The lanes of a vector, added up by halves.
static inline real lanes(vec v) {
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            v[i] += v[i + half];
    return v[0];
}

static real total(const real *a, long stride, long count) {
    real sum = 0;
    long i = 0;
    if (stride == 1 && count >= LANES) {
        vec s = load(a);
        for (i = LANES; i + LANES <= count; i += LANES)
            s += load(a + i);
        sum = lanes(s);
    }
    for (; i < count; i++)
        sum += a[i * stride];
    return sum;
}

static real logsumexp(const real *a, long stride, long count) {
    real largest = -INFINITY, sum = 0;
    for (long i = 0; i < count; i++) {
        if (a[i * stride] != a[i * stride])
            return a[i * stride];
        if (a[i * stride] > largest)
            largest = a[i * stride];
    }
    if (isinf(largest))
        return largest;
    for (long i = 0; i < count; i++)
        sum += LIBM(exp)(a[i * stride] - largest);
    return largest + LIBM(log)(sum);
}

// For each example the sum of `inner` numbers.
static void total_within(long inner, const real *a, long a0, real *c, long count) {
    for (long e = 0; e < count; e += LANES) {
        vec s = load(a + e);
        for (long k = 1; k < inner; k++)
            s += load(a + k * a0 + e);
        store(c + e, s);
    }
}

static void logsumexp_within(long inner, const real *a, long a0, real *c, long count) {
    for (long e = 0; e < count; e += LANES) {
        vec largest = load(a + e), s = splat(0);
        for (long k = 1; k < inner; k++)
            largest = v_maximum(largest, load(a + k * a0 + e));
        const vec shift = v_where(v_less(v_abs(largest), splat(INFINITY)), largest, splat(0));
        for (long k = 0; k < inner; k++)
            s += v_exp(load(a + k * a0 + e) - shift);
        store(c + e, v_log(s) + shift);
    }
}

// Rows of columns that lie in the caller's memory, turned to lie example by example beside each other; what is over is 0.
static void turned(long columns, const real *x, long x_row, long x_column, real *c, long count) {
    for (long j = 0; j < columns; j++) {
        for (long e = 0; e < count; e++)
            c[j * BLOCK + e] = x[e * x_row + j * x_column];
        for (long e = count; e % LANES; e++)
            c[j * BLOCK + e] = 0;
    }
}

// Products of matrices, by tiles whose sums stay in registers: 32 of them, or 16.
#ifdef __AVX512VL__
enum { TALL = 8, WIDTH = 4 };
#else
enum { TALL = 4, WIDTH = 2 };
#endif

// c[j] = sum over k of b[j][k] a[k], for J columns and T vectors of examples.
ALWAYS void mix(const int J, const int T, long inner, const real *restrict b, long bj, long bk, const real *restrict a, long ak,
                real *restrict c, long cj) {
    vec s[4][2];
    UNROLL for (int j = 0; j < J; j++)
        UNROLL for (int t = 0; t < T; t++)
            s[j][t] = splat(0);
    for (long k = 0; k < inner; k++)
        UNROLL for (int j = 0; j < J; j++) {
            const vec factor = splat(b[j * bj + k * bk]);
            UNROLL for (int t = 0; t < T; t++)
                s[j][t] = fused(factor, load(a + k * ak + t * LANES), s[j][t]);
        }
    UNROLL for (int j = 0; j < J; j++)
        UNROLL for (int t = 0; t < T; t++)
            store(c + j * cj + t * LANES, s[j][t]);
}

static void product_within(long columns, long inner, const real *b, long bj, long bk, const real *a, long ak, real *c, long cj, long count) {
    for (long j = 0; j < columns; j += 4) {
        const real *factors = b + j * bj;
        long e = 0;
        for (; e + LANES < count; e += 2 * LANES)
            if (j + 4 <= columns)
                mix(4, 2, inner, factors, bj, bk, a + e, ak, c + j * cj + e, cj);
            else
                for (long i = j; i < columns; i++)
                    mix(1, 2, inner, b + i * bj, bj, bk, a + e, ak, c + i * cj + e, cj);
        if (e < count)
            for (long i = j; i < columns && i < j + 4; i++)
                mix(1, 1, inner, b + i * bj, bj, bk, a + e, ak, c + i * cj + e, cj);
    }
}

// The same for E examples whose many entries lie in rows, as the caller has them, beside rows of b.
ALWAYS void dots(const int E, const int J, long inner, const real *restrict b, long bj, const real *restrict x, long x_row,
                 real *restrict c, long cj) {
    vec s[8][4];
    UNROLL for (int j = 0; j < J; j++)
        UNROLL for (int e = 0; e < E; e++)
            s[j][e] = splat(0);
    long k = 0;
    for (; k + LANES <= inner; k += LANES) {
        vec row[4];
        UNROLL for (int e = 0; e < E; e++)
            row[e] = load(x + e * x_row + k);
        UNROLL for (int j = 0; j < J; j++) {
            const vec factors = load(b + j * bj + k);
            UNROLL for (int e = 0; e < E; e++)
                s[j][e] = fused(factors, row[e], s[j][e]);
        }
    }
    for (int j = 0; j < J; j++)
        for (int e = 0; e < E; e++) {
            real sum = lanes(s[j][e]);
            for (long l = k; l < inner; l++)
                sum += b[j * bj + l] * x[e * x_row + l];
            c[j * cj + e] = sum;
        }
}

static void product_of_rows(long columns, long inner, const real *b, long bj, const real *x, long x_row, real *c, long cj, long count) {
    long e = 0;
    for (; e + 4 <= count; e += 4) {
        long j = 0;
        for (; j + WIDTH <= columns; j += WIDTH)
            dots(4, WIDTH, inner, b + j * bj, bj, x + e * x_row, x_row, c + j * cj + e, cj);
        for (; j < columns; j++)
            dots(4, 1, inner, b + j * bj, bj, x + e * x_row, x_row, c + j * cj + e, cj);
    }
    for (; e < count; e++) {
        long j = 0;
        for (; j + 8 <= columns; j += 8)
            dots(1, 8, inner, b + j * bj, bj, x + e * x_row, x_row, c + j * cj + e, cj);
        for (; j < columns; j++)
            dots(1, 1, inner, b + j * bj, bj, x + e * x_row, x_row, c + j * cj + e, cj);
    }
}

// c[j][k] += the sum over the examples of d[j] a[k], for J rows and K columns.
ALWAYS void inner_products(const int J, const int K, const real *restrict d, long dj, const real *restrict a, long ak, real *restrict c,
                           long cj, long ck, long count) {
    vec s[2][4];
    UNROLL for (int j = 0; j < J; j++)
        UNROLL for (int k = 0; k < K; k++)
            s[j][k] = splat(0);
    long e = 0;
    for (; e + LANES <= count; e += LANES) {
        vec entries[4];
        UNROLL for (int k = 0; k < K; k++)
            entries[k] = load(a + k * ak + e);
        UNROLL for (int j = 0; j < J; j++) {
            const vec factors = load(d + j * dj + e);
            UNROLL for (int k = 0; k < K; k++)
                s[j][k] = fused(factors, entries[k], s[j][k]);
        }
    }
    for (int j = 0; j < J; j++)
        for (int k = 0; k < K; k++) {
            real sum = lanes(s[j][k]);
            for (long l = e; l < count; l++)
                sum += d[j * dj + l] * a[k * ak + l];
            c[j * cj + k * ck] += sum;
        }
}

static void add_products(long rows, long columns, const real *d, long dj, const real *a, long ak, real *c, long cj, long ck, long count) {
    for (long j = 0; j < rows; j += 2) {
        long k = 0;
        if (j + 2 <= rows)
            for (; k + 4 <= columns; k += 4)
                inner_products(2, 4, d + j * dj, dj, a + k * ak, ak, c + j * cj + k * ck, cj, ck, count);
        for (long i = j; i < rows && i < j + 2; i++)
            for (long l = k; l < columns; l++)
                inner_products(1, 1, d + i * dj, dj, a + l * ak, ak, c + i * cj + l * ck, cj, ck, count);
    }
}

// The same, where the entries of an example lie in a row as the caller has them, and those of a row of c beside each other. The sums
// of J rows and T vectors of columns are in registers first.
ALWAYS void outer_sums(const int J, const int T, const real *restrict d, long dj, const real *restrict x, long x_row, const real *restrict c,
                       long cj, long count, int first, vec s[8][2]) {
    UNROLL for (int j = 0; j < J; j++)
        UNROLL for (int t = 0; t < T; t++)
            s[j][t] = first ? splat(0) : load(c + j * cj + t * LANES);
    for (long e = 0; e < count; e++) {
        vec row[2];
        UNROLL for (int t = 0; t < T; t++)
            row[t] = load(x + e * x_row + t * LANES);
        UNROLL for (int j = 0; j < J; j++) {
            const vec factor = splat(d[j * dj + e]);
            UNROLL for (int t = 0; t < T; t++)
                s[j][t] = fused(factor, row[t], s[j][t]);
        }
    }
}

ALWAYS void outer_products(const int J, const int T, const real *restrict d, long dj, const real *restrict x, long x_row, real *restrict c,
                           long cj, long count, int first) {
    vec s[8][2];
    outer_sums(J, T, d, dj, x, x_row, c, cj, count, first, s);
    UNROLL for (int j = 0; j < J; j++)
        UNROLL for (int t = 0; t < T; t++)
            store(c + j * cj + t * LANES, s[j][t]);
}

static void add_products_of_rows(long rows, long columns, const real *d, long dj, const real *x, long x_row, real *c, long cj, long count,
                                 int first) {
    long k = 0;
    for (; k + 2 * LANES <= columns; k += 2 * LANES) {
        long j = 0;
        for (; j + TALL <= rows; j += TALL)
            outer_products(TALL, 2, d + j * dj, dj, x + k, x_row, c + j * cj + k, cj, count, first);
        for (; j < rows; j++)
            outer_products(1, 2, d + j * dj, dj, x + k, x_row, c + j * cj + k, cj, count, first);
    }
    for (; k < columns; k++)
        for (long j = 0; j < rows; j++) {
            real sum = first ? 0 : c[j * cj + k];
            for (long e = 0; e < count; e++)
                sum += d[j * dj + e] * x[e * x_row + k];
            c[j * cj + k] = sum;
        }
}

// A product without examples.
static void product(long rows, long inner, long columns, const real *a, long a0, long a1, const real *b, long b0, long b1, real *c,
                    long c0, long c1) {
    for (long i = 0; i < rows; i++)
        for (long j = 0; j < columns; j++) {
            real sum = 0;
            for (long k = 0; k < inner; k++)
                sum += a[i * a0 + k * a1] * b[k * b0 + j * b1];
            c[i * c0 + j * c1] = sum;
        }
}
