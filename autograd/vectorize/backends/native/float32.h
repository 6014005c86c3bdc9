// The numbers are floats; what depends on their 8 bits of exponent and 23 of fraction stands here.
typedef float real;
typedef int32_t whole;
typedef uint32_t bits;
#define FRACTION 23  // bits
#define BIAS 127     // of the exponent
#define LIBM(function) function##f

static const real ROUNDER = 0x1.8p23f;  // adding it pushes the fraction out, so that the last bits are a whole number
static const real LOG2_E = 0x1.715476p0f;
static const real LN2_HIGH = 0x1.62e4p-1f, LN2_LOW = 0x1.7f7d1cp-20f;  // log(2), in two parts; few bits in the first
static const real LOWEST = -106;  // whose exp is 0, also when it is multiplied by 4,
static const real HIGHEST = 90;  // and inf, also when it is halved
static const real SMALLEST = 0x1p-126f;  // of those that have all their bits

// (e^r - 1 - r) / r^2 for |r| <= log(2) / 2, to 8e-9.
static inline vec exp_series(vec r) {
    vec q = fused(r, splat(0.0013926183587713f), splat(0.0083631790527225f));
    q = fused(r, q, splat(0.0416665546172046f));
    q = fused(r, q, splat(0.1666657698969878f));
    return fused(r, q, splat(0.5f));
}

// (log((1 + s) / (1 - s)) - 2 s) / s, a series in z = s^2 <= 0.03, to 6e-12.
static inline vec log_series(vec z) {
    vec q = fused(z, splat(0.2333058193824194f), splat(0.2855081659971155f));
    q = fused(z, q, splat(0.4000012187697200f));
    q = fused(z, q, splat(0.6666666655445165f));
    return z * q;
}
