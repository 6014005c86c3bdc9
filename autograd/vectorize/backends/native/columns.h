// An example at a time: the lanes are columns. An array in `work` has room behind it, so that its last vector may be read and written
// whole. Where the next row begins there, it is written later.

// The first `count` lanes.
static inline mask first(long count) {
    static const whole KEPT[2 * 16] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    mask m;
    memcpy(&m, KEPT + 16 - (count < LANES ? count : LANES), sizeof m);
    return m;
}

// J rows and T vectors of a product c = a b, or of what it adds to c, of which `left` columns are there. Of b, whole vectors are read.
ALWAYS void tile(const int J, const int T, long inner, const real *restrict a, long a0, long a1, const real *restrict b, long b0,
                 real *restrict c, long c0, long left, int is_added) {
    vec s[8][2];
    UNROLL for (int j = 0; j < J; j++)
        UNROLL for (int t = 0; t < T; t++)
            s[j][t] = is_added ? load_some(c + j * c0 + t * LANES, left - t * LANES) : splat(0);
    for (long k = 0; k < inner; k++) {
        vec row[2];
        UNROLL for (int t = 0; t < T; t++)
            row[t] = load(b + k * b0 + t * LANES);
        UNROLL for (int j = 0; j < J; j++) {
            const vec factor = repeated(a + j * a0 + k * a1);
            UNROLL for (int t = 0; t < T; t++)
                s[j][t] = fused(factor, row[t], s[j][t]);
        }
    }
    UNROLL for (int j = 0; j < J; j++)
        UNROLL for (int t = 0; t < T; t++)
            store_some(c + j * c0 + t * LANES, s[j][t], left - t * LANES);
}

ALWAYS void tiles(const int J, long columns, long inner, const real *a, long a0, long a1, const real *b, long b0, real *c, long c0,
                  int is_added) {
    long j = 0;
    for (; j + 2 * LANES <= columns; j += 2 * LANES)
        tile(J, 2, inner, a, a0, a1, b + j, b0, c + j, c0, 2 * LANES, is_added);
    for (; j < columns; j += LANES)
        tile(J, 1, inner, a, a0, a1, b + j, b0, c + j, c0, columns - j, is_added);
}

static void product_of_columns(long rows, long inner, long columns, const real *a, long a0, long a1, const real *b, long b0, real *c,
                               long c0, int is_added) {
    long i = 0;
    for (; i + TALL <= rows; i += TALL)
        tiles(TALL, columns, inner, a + i * a0, a0, a1, b, b0, c + i * c0, c0, is_added);
    for (; i + 2 <= rows; i += 2)
        tiles(2, columns, inner, a + i * a0, a0, a1, b, b0, c + i * c0, c0, is_added);
    if (i < rows)
        tiles(1, columns, inner, a + i * a0, a0, a1, b, b0, c + i * c0, c0, is_added);
}

// Entries of a, in runs of `length` each: those that follow each other (step 1), or the same one repeated (step 0).
static void take_runs(long runs, const int *begin, const int *length, const real *a, long step, real *c) {
    for (long r = 0; r < runs; r++) {
        const real *from = a + begin[r];
        for (long e = 0; e < length[r]; e += LANES)
            store(c + e, step ? load(from + e) : splat(*from));
        c += length[r];
    }
}

// Rows of `width` columns turned: column k of all of them lies at c + k * room. And back.
static void turned_rows(long rows, long width, const real *a, long a1, real *c, long room) {
    for (long k = 0; k < width; k++)
        for (long i = 0; i < rows; i++)
            c[k * room + i] = a[(i * width + k) * a1];
}

static void turned_back(long rows, long width, const real *a, long room, real *c) {
    for (long k = 0; k < width; k++)
        for (long i = 0; i < rows; i++)
            c[i * width + k] = a[k * room + i];
}

// The products of pairs of rows. In a run the first row of the pairs is the same one of a, and the second ones follow each other in b,
// whose rows are turned.
static void run_products(long runs, long width, const int *same, const int *begin, const int *length, const real *a, const real *b,
                         long room, real *c) {
    for (long r = 0; r < runs; r++) {
        const real *row = a + same[r] * width;
        for (long e = 0; e < length[r]; e += LANES) {
            vec s = splat(0);
            for (long k = 0; k < width; k++)
                s = fused(repeated(row + k), load(b + k * room + begin[r] + e), s);
            store(c + e, s);
        }
        c += length[r];
    }
}

// The sums of rows of b, which are turned, times the numbers a of their pairs: added to the row that the pairs of a run have.
ALWAYS void sums_of_run(const int K, long length, const real *restrict a, const real *restrict b, long room, real *restrict c) {
    vec s[4];
    UNROLL for (int k = 0; k < K; k++)
        s[k] = splat(0);
    for (long e = 0; e < length; e += LANES) {
        const mask kept = first(length - e);
        const vec number = e + LANES <= length ? load(a + e) : only(kept, load(a + e));
        UNROLL for (int k = 0; k < K; k++) {
            const vec column = load(b + k * room + e);
            s[k] = fused(number, e + LANES <= length ? column : only(kept, column), s[k]);
        }
    }
    UNROLL for (int k = 0; k < K; k++)
        c[k] += lanes(s[k]);
}

static void run_sums(long runs, long width, const int *same, const int *begin, const int *length, const real *a, const real *b, long room,
                     real *c) {
    for (long r = 0; r < runs; a += length[r++]) {
        long k = 0;
        for (; k + 4 <= width; k += 4)
            sums_of_run(4, length[r], a, b + k * room + begin[r], room, c + same[r] * width + k);
        for (; k < width; k++)
            sums_of_run(1, length[r], a, b + k * room + begin[r], room, c + same[r] * width + k);
    }
}

// The same, if the pairs of a run have one row of b. This row is added to consecutive rows of c, which is transposed. Runs that begin with
// the same row of c are computed together, so that the sums stay in registers.
ALWAYS void spreads(const int K, long runs, long longest, long width, const int *same, const int *length, const real *a, const real *b,
                    real *restrict c, long room) {
    for (long e = 0; e < longest; e += LANES) {
        vec s[4];
        UNROLL for (int k = 0; k < K; k++)
            s[k] = load(c + k * room + e);
        const real *from = a + e;
        for (long r = 0; r < runs; from += length[r++]) {
            const real *row = b + same[r] * width;
            if (e + LANES <= length[r])
                UNROLL for (int k = 0; k < K; k++)
                    s[k] = fused(load(from), repeated(row + k), s[k]);
            else if (e < length[r])
                UNROLL for (int k = 0; k < K; k++)
                    s[k] = choose(first(length[r] - e), fused(load(from), repeated(row + k), s[k]), s[k]);
        }
        UNROLL for (int k = 0; k < K; k++)
            store(c + k * room + e, s[k]);
    }
}

static void run_spreads(long runs, long width, const int *same, const int *begin, const int *length, const real *a, const real *b, real *c,
                        long room) {
    long r = 0;
    while (r < runs) {
        long count = 0, longest = 0, numbers = 0, k = 0;
        for (; r + count < runs && begin[r + count] == begin[r]; numbers += length[r + count++])
            longest = length[r + count] > longest ? length[r + count] : longest;
        for (; k + 4 <= width; k += 4)
            spreads(4, count, longest, width, same + r, length + r, a, b + k, c + k * room + begin[r], room);
        for (; k < width; k++)
            spreads(1, count, longest, width, same + r, length + r, a, b + k, c + k * room + begin[r], room);
        r += count;
        a += numbers;
    }
}

// Pairs in any order.
static void products_of_pairs(long pairs, long width, const int *i, const int *j, const real *a, const real *b, real *c) {
    for (long p = 0; p < pairs; p++) {
        real sum = 0;
        for (long k = 0; k < width; k++)
            sum += a[i[p] * width + k] * b[j[p] * width + k];
        c[p] = sum;
    }
}

static void sums_of_pairs(long pairs, long width, const int *i, const int *j, const real *a, const real *b, real *c) {
    for (long p = 0; p < pairs; p++)
        for (long k = 0; k < width; k++)
            c[i[p] * width + k] += a[p] * b[j[p] * width + k];
}

// The sums of columns, added to what is there.
static void add_columns(long rows, long columns, const real *a, long a0, real *c) {
    for (long e = 0; e < columns; e += LANES) {
        vec s = load_some(c + e, columns - e);
        for (long k = 0; k < rows; k++)
            s += load_some(a + k * a0 + e, columns - e);
        store_some(c + e, s, columns - e);
    }
}
