// What is worth writing by hand: loads and stores at the end of memory that is not ours, sums, and products of matrices.

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

// Every stride-th entry.
static inline vec strided(const real *from, long stride, long left) {
    vec v = {0};
    for (int i = 0; i < LANES && i < left; i++)
        v[i] = from[i * stride];
    return v;
}

// The lanes of a vector, added up.
static inline real lanes(vec v) {
    real sum = 0;
    for (int i = 0; i < LANES; i++)
        sum += v[i];
    return sum;
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

// Each column added up, on top of what is there.
static void add_rows(long rows, long columns, const real *restrict a, long a0, real *restrict c) {
    long j = 0;
    for (; j + LANES <= columns; j += LANES) {
        vec s = load(c + j);
        for (long i = 0; i < rows; i++)
            s += load(a + i * a0 + j);
        store(c + j, s);
    }
    for (; j < columns; j++)
        for (long i = 0; i < rows; i++)
            c[j] += a[i * a0 + j];
}

// Four rows by two vectors of columns of the product below.
static inline void tile_by_columns(long inner, const real *restrict a, long a0, long a1, const real *restrict b, long b0,
                                   real *restrict c, long c0, int adds) {
    vec s00 = splat(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00;
    if (adds) {
        s00 = load(c), s01 = load(c + LANES), s10 = load(c + c0), s11 = load(c + c0 + LANES);
        s20 = load(c + 2 * c0), s21 = load(c + 2 * c0 + LANES), s30 = load(c + 3 * c0), s31 = load(c + 3 * c0 + LANES);
    }
    for (long k = 0; k < inner; k++) {
        const vec u = load(b + k * b0), v = load(b + k * b0 + LANES);
        const vec r0 = splat(a[k * a1]), r1 = splat(a[a0 + k * a1]), r2 = splat(a[2 * a0 + k * a1]), r3 = splat(a[3 * a0 + k * a1]);
        s00 = fused(r0, u, s00), s01 = fused(r0, v, s01), s10 = fused(r1, u, s10), s11 = fused(r1, v, s11);
        s20 = fused(r2, u, s20), s21 = fused(r2, v, s21), s30 = fused(r3, u, s30), s31 = fused(r3, v, s31);
    }
    store(c, s00), store(c + LANES, s01), store(c + c0, s10), store(c + c0 + LANES, s11);
    store(c + 2 * c0, s20), store(c + 2 * c0 + LANES, s21), store(c + 3 * c0, s30), store(c + 3 * c0 + LANES, s31);
}

// c[i][j] = (or +=) the sum over k of a[i][k] b[k][j], where the columns of b and c lie side by side.
static void product_by_columns(long rows, long inner, long columns, const real *restrict a, long a0, long a1,
                               const real *restrict b, long b0, real *restrict c, long c0, int adds) {
    long j = 0;
    for (; j + 2 * LANES <= columns; j += 2 * LANES) {
        long i = 0;
        for (; i + 4 <= rows; i += 4)
            tile_by_columns(inner, a + i * a0, a0, a1, b + j, b0, c + i * c0 + j, c0, adds);
        for (; i < rows; i++) {
            vec s = adds ? load(c + i * c0 + j) : splat(0), t = adds ? load(c + i * c0 + j + LANES) : splat(0);
            for (long k = 0; k < inner; k++) {
                const vec r = splat(a[i * a0 + k * a1]);
                s = fused(r, load(b + k * b0 + j), s), t = fused(r, load(b + k * b0 + j + LANES), t);
            }
            store(c + i * c0 + j, s), store(c + i * c0 + j + LANES, t);
        }
    }
    for (; j < columns; j += LANES) // what is left, a vector or less at a time
        for (long i = 0; i < rows; i++) {
            vec s = adds ? load_some(c + i * c0 + j, columns - j) : splat(0);
            for (long k = 0; k < inner; k++)
                s = fused(splat(a[i * a0 + k * a1]), load_some(b + k * b0 + j, columns - j), s);
            store_some(c + i * c0 + j, s, columns - j);
        }
}

// The same, where the rows of a and the columns of b lie along k: four rows by two columns at a time.
static void product_along_inner(long rows, long inner, long columns, const real *restrict a, long a0, const real *restrict b, long b1,
                                real *restrict c, long c0, long c1, int adds) {
    for (long j = 0; j < columns; j += 2) {
        const real *b0 = b + j * b1, *b2 = j + 1 < columns ? b0 + b1 : b0;
        long i = 0;
        for (; i < rows; i += 4) {
            const real *a_0 = a + i * a0, *a_1 = i + 1 < rows ? a_0 + a0 : a_0, *a_2 = i + 2 < rows ? a_1 + a0 : a_1;
            const real *a_3 = i + 3 < rows ? a_2 + a0 : a_2;
            vec s00 = splat(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00;
            long k = 0;
            for (; k < inner; k += LANES) {
                const long left = inner - k;
                const vec u = load_some(b0 + k, left), v = load_some(b2 + k, left);
                const vec r0 = load_some(a_0 + k, left), r1 = load_some(a_1 + k, left);
                const vec r2 = load_some(a_2 + k, left), r3 = load_some(a_3 + k, left);
                s00 = fused(r0, u, s00), s01 = fused(r0, v, s01), s10 = fused(r1, u, s10), s11 = fused(r1, v, s11);
                s20 = fused(r2, u, s20), s21 = fused(r2, v, s21), s30 = fused(r3, u, s30), s31 = fused(r3, v, s31);
            }
            const real sums[4][2] = {{lanes(s00), lanes(s01)}, {lanes(s10), lanes(s11)}, {lanes(s20), lanes(s21)}, {lanes(s30), lanes(s31)}};
            for (int r = 0; r < 4 && i + r < rows; r++)
                for (int q = 0; q < 2 && j + q < columns; q++) {
                    real *to = c + (i + r) * c0 + (j + q) * c1;
                    *to = adds ? *to + sums[r][q] : sums[r][q];
                }
        }
    }
}

// The same, wherever things lie.
static void product(long rows, long inner, long columns, const real *a, long a0, long a1, const real *b, long b0, long b1, real *c,
                    long c0, long c1, int adds) {
    for (long i = 0; i < rows; i++)
        for (long j = 0; j < columns; j++) {
            real s = adds ? c[i * c0 + j * c1] : 0;
            for (long k = 0; k < inner; k++)
                s += a[i * a0 + k * a1] * b[k * b0 + j * b1];
            c[i * c0 + j * c1] = s;
        }
}
