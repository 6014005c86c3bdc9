#ifndef BYTES  // of a register; a flag can ask for others, -DBYTES=32
#ifdef __AVX512F__
#define BYTES 64
#elif defined __AVX__
#define BYTES 32
#else
#define BYTES 16
#endif
#endif
#define LANES (BYTES / (int)sizeof(real))
typedef real vec __attribute__((vector_size(BYTES)));    // as many numbers as a register holds
typedef whole mask __attribute__((vector_size(BYTES)));  // what comparing them gives: all bits set where it is true
typedef bits vbits __attribute__((vector_size(BYTES)));

// The same number in every lane.
static inline vec splat(real x) {
    vec zero = {0};
    return x - zero;
}

// a b + c, rounded once where the processor has an instruction for it; clang and gcc each see it in their own way.
static inline vec fused(vec a, vec b, vec c) {
#if defined __clang__
#pragma STDC FP_CONTRACT ON
    return a * b + c;
#elif defined __FMA__ || defined __ARM_FEATURE_FMA
    for (int i = 0; i < LANES; i++)
        c[i] = LIBM(fma)(a[i], b[i], c[i]);
    return c;
#else
    return a * b + c;
#endif
}
