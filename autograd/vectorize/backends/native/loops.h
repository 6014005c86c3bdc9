// The loops that every program is made of. Of an array that depends on the example, the entries of a block of examples lie side by
// side: as many examples at once as a register has lanes. There is room for BLOCK of them, `count` are there.

static inline vec load(const real *from) {
    vec v;
    memcpy(&v, from, sizeof v);
    return v;
}

static inline void store(real *to, vec v) { memcpy(to, &v, sizeof v); }

// A number from memory in every lane.
static inline vec repeated(const real *from) {
    vec v = splat(*from);
#if !defined __clang__ && (defined __AVX512F__ && BYTES == 64 || defined __AVX__ && BYTES == 32)
    __asm__("" : "+v"(v));  // else gcc loads a whole vector and permutes it, on the port where the multiplications wait
#endif
    return v;
}

// The last lanes, so many of them.
static inline mask last(long count) {
    mask m;
    for (int i = 0; i < LANES; i++)
        m[i] = i >= LANES - count ? -1 : 0;
    return m;
}

// What a vector has in some lanes, and 0 in the others, whatever is there.
static inline vec only(mask m, vec v) { return (vec)((mask)v & m); }

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
    long i = 0;
    if (stride == 1 && count >= LANES) {
        vec s = v_exp(load(a) - splat(largest));
        for (i = LANES; i + LANES <= count; i += LANES)
            s += v_exp(load(a + i) - splat(largest));
        if (i < count)
            s += only(last(count - i), v_exp(load(a + count - LANES) - splat(largest)));
        sum = lanes(s);
        i = count;
    }
    for (; i < count; i++)
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

// The largest or the smallest of some numbers; nan if one of them is.
#define CHOICE(name, of_two, is_first)                                                             \
    static real name(const real *a, long stride, long count) {                                     \
        real chosen = *a;                                                                          \
        if (stride == 1 && count >= LANES) {                                                       \
            vec v = load(a + count - LANES);                                                       \
            for (long i = 0; i + LANES <= count; i += LANES)                                       \
                v = of_two(v, load(a + i));                                                        \
            for (int half = LANES / 2; half; half /= 2)                                            \
                for (int i = 0; i < half; i++)                                                     \
                    v[i] = v[i] is_first v[i + half] || v[i] != v[i] ? v[i] : v[i + half];         \
            return v[0];                                                                           \
        }                                                                                          \
        for (long i = 1; i < count; i++)                                                           \
            chosen = chosen is_first a[i * stride] || chosen != chosen ? chosen : a[i * stride];   \
        return chosen;                                                                             \
    }                                                                                              \
    static void name##_within(long inner, const real *a, long a0, real *c, long count) {           \
        for (long e = 0; e < count; e += LANES) {                                                  \
            vec chosen = load(a + e);                                                              \
            for (long k = 1; k < inner; k++)                                                       \
                chosen = of_two(chosen, load(a + k * a0 + e));                                     \
            store(c + e, chosen);                                                                  \
        }                                                                                          \
    }

CHOICE(largest, v_maximum, >=)
CHOICE(smallest, v_minimum, <=)

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
            const vec factor = repeated(b + j * bj + k * bk);
            UNROLL for (int t = 0; t < T; t++)
                s[j][t] = fused(factor, load(a + k * ak + t * LANES), s[j][t]);
        }
    UNROLL for (int j = 0; j < J; j++)
        UNROLL for (int t = 0; t < T; t++)
            store(c + j * cj + t * LANES, s[j][t]);
}

ALWAYS void mix_columns(const int J, long inner, const real *b, long bj, long bk, const real *a, long ak, real *c, long cj, long count) {
    long e = 0;
    for (; e + LANES < count; e += 2 * LANES)
        mix(J, 2, inner, b, bj, bk, a + e, ak, c + e, cj);
    if (e < count)
        mix(J, 1, inner, b, bj, bk, a + e, ak, c + e, cj);
}

static void product_within(long columns, long inner, const real *b, long bj, long bk, const real *a, long ak, real *c, long cj, long count) {
    long j = 0;
    for (; j + 4 <= columns; j += 4)
        mix_columns(4, inner, b + j * bj, bj, bk, a, ak, c + j * cj, cj, count);
    for (; j + 2 <= columns; j += 2)
        mix_columns(2, inner, b + j * bj, bj, bk, a, ak, c + j * cj, cj, count);
    if (j < columns)
        mix_columns(1, inner, b + j * bj, bj, bk, a, ak, c + j * cj, cj, count);
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
    if (k < inner) {  // the last vector, which begins before k
        const mask left = last(inner - k);
        k = inner - LANES;
        vec row[4];
        UNROLL for (int e = 0; e < E; e++)
            row[e] = only(left, load(x + e * x_row + k));
        UNROLL for (int j = 0; j < J; j++) {
            const vec factors = only(left, load(b + j * bj + k));
            UNROLL for (int e = 0; e < E; e++)
                s[j][e] = fused(factors, row[e], s[j][e]);
        }
    }
    for (int j = 0; j < J; j++)
        for (int e = 0; e < E; e++)
            c[j * cj + e] = lanes(s[j][e]);
}

ALWAYS void dots_columns(const int E, const int J, long columns, long inner, const real *b, long bj, const real *x, long x_row, real *c,
                         long cj) {
    long j = 0;
    for (; j + J <= columns; j += J)
        dots(E, J, inner, b + j * bj, bj, x, x_row, c + j * cj, cj);
    for (; j < columns; j++)
        dots(E, 1, inner, b + j * bj, bj, x, x_row, c + j * cj, cj);
}

static void product_of_rows(long columns, long inner, const real *b, long bj, const real *x, long x_row, real *c, long cj, long count) {
    long e = 0;
    for (; e + 4 <= count; e += 4)
        dots_columns(4, WIDTH, columns, inner, b, bj, x + e * x_row, x_row, c + e, cj);
    for (; e + 2 <= count; e += 2)
        dots_columns(2, 4, columns, inner, b, bj, x + e * x_row, x_row, c + e, cj);
    if (e < count)
        dots_columns(1, 8, columns, inner, b, bj, x + e * x_row, x_row, c + e, cj);
}

// s[j] = the sum over the examples of d[j] x, where the entries x of an example lie in a row, as do those of c; added to what is in c
// where this is not the first block. For J rows and T vectors, of which so many columns are there.
ALWAYS void outer_sums(const int J, const int T, long columns, const real *restrict d, long dj, const real *restrict x, long x_row,
                       const real *restrict c, long cj, long count, int first, vec s[8][2]) {
    UNROLL for (int j = 0; j < J; j++)
        UNROLL for (int t = 0; t < T; t++)
            s[j][t] = first ? splat(0) : load_some(c + j * cj + t * LANES, columns - t * LANES);
    for (long e = 0; e < count; e++) {
        vec row[2];
        UNROLL for (int t = 0; t < T; t++)
            row[t] = load(x + e * x_row + t * LANES);
        UNROLL for (int j = 0; j < J; j++) {
            const vec factor = repeated(d + j * dj + e);
            UNROLL for (int t = 0; t < T; t++)
                s[j][t] = fused(factor, row[t], s[j][t]);
        }
    }
}

ALWAYS void outer_products(const int J, const int T, long columns, const real *restrict d, long dj, const real *restrict x, long x_row,
                           real *restrict c, long cj, long count, int first) {
    vec s[8][2];
    if (first && T == 2)  // memory that is only written to is fetched too, and late: ask for what the next vectors of the row need
        UNROLL for (int j = 0; j < J; j++)
            UNROLL for (int t = 2; t < 4; t++)
                __builtin_prefetch(c + j * cj + t * LANES, 1);
    outer_sums(J, T, columns, d, dj, x, x_row, c, cj, count, first, s);
    UNROLL for (int j = 0; j < J; j++)
        UNROLL for (int t = 0; t < T; t++)
            store_some(c + j * cj + t * LANES, s[j][t], columns - t * LANES);
}

ALWAYS void outer_rows(const int T, long columns, long rows, const real *d, long dj, const real *x, long x_row, real *c, long cj,
                       long count, int first) {
    long j = 0;
    for (; j + TALL <= rows; j += TALL)
        outer_products(TALL, T, columns, d + j * dj, dj, x, x_row, c + j * cj, cj, count, first);
    for (; j + 2 <= rows; j += 2)
        outer_products(2, T, columns, d + j * dj, dj, x, x_row, c + j * cj, cj, count, first);
    if (j < rows)
        outer_products(1, T, columns, d + j * dj, dj, x, x_row, c + j * cj, cj, count, first);
}

// Up to LANES columns that lie otherwise, put into rows, with zeros behind them.
static inline void in_rows(long columns, const real *a, long ae, long ak, long count, real *x) {
    for (long k = 0; k < LANES; k++)
        for (long e = 0; e < count; e++)
            x[e * LANES + k] = k < columns ? a[e * ae + k * ak] : 0;
}

static void outer_columns(long columns, long rows, const real *d, long dj, const real *a, long ae, long ak, real *c, long cj, long count,
                          int first) {
    real x[BLOCK * LANES];
    in_rows(columns, a, ae, ak, count, x);
    outer_rows(1, columns, rows, d, dj, x, LANES, c, cj, count, first);
}

static void add_products_of_rows(long rows, long columns, const real *d, long dj, const real *x, long x_row, real *c, long cj, long count,
                                 int first) {
    long k = 0;
    for (; k + 2 * LANES <= columns; k += 2 * LANES)
        outer_rows(2, 2 * LANES, rows, d, dj, x + k, x_row, c + k, cj, count, first);
    for (; k + LANES <= columns; k += LANES)
        outer_rows(1, LANES, rows, d, dj, x + k, x_row, c + k, cj, count, first);
    if (k < columns)
        outer_columns(columns - k, rows, d, dj, x + k, x_row, 1, c + k, cj, count, first);
}

// The same, where the examples of a lie beside each other.
static void add_products(long rows, long columns, const real *d, long dj, const real *a, long ak, real *c, long cj, long count, int first) {
    long k = 0;
    for (; k + LANES <= columns; k += LANES)
        outer_columns(LANES, rows, d, dj, a + k * ak, 1, ak, c + k, cj, count, first);
    if (k < columns)
        outer_columns(columns - k, rows, d, dj, a + k * ak, 1, ak, c + k, cj, count, first);
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
