// A row of the table, of as many numbers at once as a register holds. IEEE arithmetic throughout: no sum is reordered, a nan stays
// one, an infinity too, and there are no branches. What is computed here is within 2 ulp of the true value (3 where the processor
// has no fused multiply-add), what math.h computes as good as that is.

// Where the mask's bits are set, a, elsewhere b.
static inline vec choose(mask m, vec a, vec b) { return (vec)(((mask)a & m) | ((mask)b & ~m)); }

// 1 where a comparison is true, 0 where it is not.
static inline vec truth(mask m) { return (vec)(m & (mask)splat(1)); }

static inline vec v_less(vec a, vec b) { return truth((mask)(a < b)); }

static inline vec v_less_equal(vec a, vec b) { return truth((mask)(a <= b)); }

static inline vec v_greater(vec a, vec b) { return truth((mask)(a > b)); }

static inline vec v_greater_equal(vec a, vec b) { return truth((mask)(a >= b)); }

static inline vec v_equal(vec a, vec b) { return truth((mask)(a == b)); }

static inline vec v_not_equal(vec a, vec b) { return truth((mask)(a != b)); }

static inline vec v_logical_and(vec a, vec b) { return truth((mask)(a != 0) & (mask)(b != 0)); }

static inline vec v_logical_or(vec a, vec b) { return truth((mask)(a != 0) | (mask)(b != 0)); }

static inline vec v_logical_not(vec a) { return truth((mask)(a == 0)); }

static inline vec v_where(vec condition, vec a, vec b) { return choose((mask)(condition != 0), a, b); }

static inline vec v_identity(vec x) { return x; }

static inline vec v_abs(vec x) { return (vec)((mask)x & ~(mask)splat((real)-0.0)); }

// The size of x, with the sign of s.
static inline vec with_sign(vec x, vec s) { return (vec)((mask)v_abs(x) | ((mask)s & (mask)splat((real)-0.0))); }

static inline vec v_sign(vec x) { return choose((mask)(x > 0), splat(1), choose((mask)(x < 0), splat(-1), x)); }

// The larger, and nan where either is.
static inline vec v_maximum(vec a, vec b) { return choose((mask)(a >= b) | (mask)(a != a), a, b); }

static inline vec v_minimum(vec a, vec b) { return choose((mask)(a <= b) | (mask)(a != a), a, b); }

// The smaller, and nan only where both are.
static inline vec v_fmin(vec a, vec b) { return choose((mask)(a <= b) | (mask)(b != b), a, b); }

static inline vec v_sqrt(vec x) {
    for (int i = 0; i < LANES; i++)
        x[i] = LIBM(sqrt)(x[i]);
    return x;
}

// p 2^k for whole k, which may be too large or too small for one power of two; halves it, so that the product rounds once.
static inline vec scaled(vec p, vbits k) {
    vbits half = ((k + 4096) >> 1) - 2048;
    return p * (vec)((half + BIAS) << FRACTION) * (vec)((k - half + BIAS) << FRACTION);
}

// x = k log(2) + r + low with k whole, |r| <= log(2) / 2, and low what r could not hold.
static inline vec reduced(vec x, vbits *k, vec *low) {
    vec shifted = x * LOG2_E + ROUNDER, n = shifted - ROUNDER;
    vec high = fused(n, splat(-LN2_HIGH), x), r = fused(n, splat(-LN2_LOW), high);
    *low = fused(n, splat(-LN2_LOW), high - r);
    *k = (vbits)shifted - (vbits)splat(ROUNDER);
    return r;
}

// t + (e^(r + low) - 1), where t is 0 or larger than r: with the digits that the sum of t and r loses.
static inline vec exp_sum(vec t, vec r, vec low) {
    vec sum = t + r, lost = r - (sum - t);
    return sum + fused(r * r, exp_series(r), lost + low);
}

// Between the two bounds; a nan stays one.
static inline vec clamped(vec x, real low, real high) {
    x = choose((mask)(x < low), splat(low), x);
    return choose((mask)(x > high), splat(high), x);
}

// e^x 2^power.
static inline vec exp_scaled(vec x, int power) {
    vbits k;
    vec low, r = reduced(clamped(x, LOWEST, HIGHEST), &k, &low);
    return scaled(exp_sum(splat(1), r, low), k + (bits)power);
}

static inline vec v_exp(vec x) { return exp_scaled(x, 0); }

// e^x - 1 = 2^k ((1 - 2^-k) + (e^r - 1)); 2^-k has no weight any more long before it is too small to be written.
static inline vec v_expm1(vec x) {
    vbits k;
    vec low, r = reduced(clamped(x, -50, HIGHEST), &k, &low);
    vbits few = (vbits)((mask)k < 100), written = (k & few) | (100 & ~few);
    vec t = 1 - (vec)((BIAS - written) << FRACTION);
    return choose((mask)(x == 0), x, scaled(exp_sum(t, r, low), k));
}

// log(x) for x = 2^k (1 + f) with 1 + f from sqrt(1/2) to sqrt(2), plus a small c; after fdlibm, which s = f / (2 + f) is from.
static inline vec log_sum(vec k, vec f, vec c) {
    vec s = f / (2 + f), half = f * f / 2;
    return k * LN2_HIGH - ((half - (s * (half + log_series(s * s)) + (k * LN2_LOW + c))) - f);
}

// k and 1 + f, for x at least SMALLEST.
static inline vec parted(vec x, vec *k) {
    const vbits least = (vbits)splat((real)0.70710678118654752440);
    vbits moved = (vbits)x + ((vbits)splat(1) - least);
    *k = (vec)((moved >> FRACTION) - BIAS + (vbits)splat(ROUNDER)) - ROUNDER;
    return (vec)((moved & (((bits)1 << FRACTION) - 1)) + least);
}

// What log gives outside its domain and at its ends, and y elsewhere.
static inline vec log_ends(vec x, vec y) {
    y = choose((mask)(x > 0), y, choose((mask)(x == 0), splat(-INFINITY), splat(NAN)));
    return choose((mask)(x == INFINITY), x, y);
}

static inline vec v_log(vec x) {
    mask small = (mask)(x < SMALLEST);
    vec k, m = parted(choose(small, x * (real)((whole)1 << (FRACTION + 2)), x), &k);
    k -= choose(small, splat(FRACTION + 2), splat(0));
    return log_ends(x, log_sum(k, m - 1, splat(0)));
}

// log(1 + x), with what the rounding of u = 1 + x lost; near 0 that is all of x.
static inline vec v_log1p(vec x) {
    vec u = 1 + x, k, m = parted(u, &k);
    vec lost = choose((mask)(u > 2), 1 - (u - x), x - (u - 1)) / u;
    mask near = (mask)(x > (real)-0.2928) & (mask)(x < (real)0.4142);
    vec y = log_sum(choose(near, splat(0), k), choose(near, x, m - 1), choose(near, splat(0), lost));
    return choose((mask)(x == 0), x, log_ends(u, y));
}

// a / (d + lost), for what the rounding of d lost: three roundings in a row would be more than 2 ulp.
static inline vec quotient(vec a, vec d, vec lost) {
    vec inverse = 1 / d, q = a * inverse;
    return fused(fused(-q, d, a) - q * lost, inverse, q);
}

// (e^2x - 1) / (e^2x + 1), of the size of x.
static inline vec v_tanh(vec x) {
    vec size = v_abs(x);
    size = choose((mask)(size > 24), splat(24), size);
    vec t = v_expm1(2 * size), d = t + 2, larger = v_maximum(t, splat(2)), smaller = v_minimum(t, splat(2));
    return with_sign(quotient(t, d, smaller - (d - larger)), x);
}

static inline vec v_cosh(vec x) {
    vec half = exp_scaled(v_abs(x), -1);
    return half + 1 / (4 * half);
}

// Powers without a call of math.h. As in math.h, -inf to the power 1/2 is inf, and -0 to the power 1/2 is 0.
#define POWERS(a, b, root, size)                                                                   \
    if (b == 2)                                                                                    \
        return a * a;                                                                              \
    if (b == -1)                                                                                   \
        return 1 / a;                                                                              \
    if (b == (real)0.5)                                                                            \
        return root(a);                                                                            \
    if (b == (real)-0.5)                                                                           \
        return 1 / root(a);                                                                        \
    if (b == (real)1.5)                                                                            \
        return size(a) * root(a);                                                                  \
    if (b == (real)-1.5)                                                                           \
        return 1 / root(a) / size(a);
static inline real root_of(real x) { return x == -INFINITY ? INFINITY : LIBM(sqrt)(x + (real)0.0); }
static inline vec root(vec x) { return choose((mask)(x == -INFINITY), splat(INFINITY), v_sqrt(x + (real)0.0)); }

static inline real power_of(real a, real b) {
    POWERS(a, b, root_of, LIBM(fabs))
    return LIBM(pow)(a, b);
}

// One exponent for all numbers: the compiler keeps only the line for this exponent.
static inline vec v_powers(vec a, real b) {
    POWERS(a, b, root, v_abs)
    for (int i = 0; i < LANES; i++)
        a[i] = LIBM(pow)(a[i], b);
    return a;
}

static inline vec v_power(vec a, vec b) {
    for (int i = 0; i < LANES; i++)
        a[i] = power_of(a[i], b[i]);
    return a;
}
