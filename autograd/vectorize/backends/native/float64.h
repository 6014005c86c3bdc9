// The numbers are doubles; what depends on their 11 bits of exponent and 52 of fraction stands here.
typedef double real;
typedef int64_t whole;
typedef uint64_t bits;
#define FRACTION 52  // bits
#define BIAS 1023    // of the exponent
#define LIBM(function) function

static const real ROUNDER = 0x1.8p52;  // adding it pushes the fraction out, so that the last bits are a whole number
static const real LOG2_E = 0x1.71547652b82fep0;
static const real LN2_HIGH = 0x1.62e42feep-1, LN2_LOW = 0x1.a39ef35793c76p-33;  // log(2), in two parts; few bits in the first
static const real LOWEST = -748;  // whose exp is 0, also when it is multiplied by 4,
static const real HIGHEST = 711;  // and inf, also when it is halved
static const real SMALLEST = 0x1p-1022;  // of those that have all their bits

// (e^r - 1 - r) / r^2 for |r| <= log(2) / 2, to 2e-18.
static inline vec exp_series(vec r) {
    vec q = fused(r, splat(0x1.1f730349868cep-29), splat(0x1.af4de97ca4194p-26));
    q = fused(r, q, splat(0x1.27e4db646b17ep-22));
    q = fused(r, q, splat(0x1.71de0231960ebp-19));
    q = fused(r, q, splat(0x1.a01a01a6d889cp-16));
    q = fused(r, q, splat(0x1.a01a01abe7fe1p-13));
    q = fused(r, q, splat(0x1.6c16c16c162d4p-10));
    q = fused(r, q, splat(0x1.11111111100dcp-7));
    q = fused(r, q, splat(0x1.5555555555556p-5));
    q = fused(r, q, splat(0x1.5555555555557p-3));
    return fused(r, q, splat(0.5));
}

// (log((1 + s) / (1 - s)) - 2 s) / s, a series in z = s^2 <= 0.03, to 2e-18.
static inline vec log_series(vec z) {
    vec q = fused(z, splat(0.14616585424888621989), splat(0.15331710618210771568));
    q = fused(z, q, splat(0.18182889455674946039));
    q = fused(z, q, splat(0.22222211130259877029));
    q = fused(z, q, splat(0.28571428626003268742));
    q = fused(z, q, splat(0.39999999999899443233));
    q = fused(z, q, splat(0.66666666666666696883));
    return z * q;
}
