// The interpreter of tapes: `given` is the address of the entries, the number of examples, theta, the weights, the output, and the
// arguments. An entry is the number of its operation, the slot that it writes, and its operands. A slot has a lane for each of LANES
// examples; a number that does not depend on the example is in all of them. The first slots hold the constants.

#define NEXT(words)                                                                                \
    {                                                                                              \
        at += words;                                                                               \
        goto *operations[*at];                                                                     \
    }

// Of the caller's memory, for the examples that are left. The other lanes are 0.
static inline vec loaded(const real *from, long stride, long left) {
    vec v = {0};
    for (int i = 0; i < LANES && i < left; i++)
        v[i] = from[i * stride];
    return v;
}

const int lanes = LANES;

double run(const intptr_t *given, vec *slots) {
    static const void *const operations[] = {LABELS};
    const long batch = given[1];
    const real *theta = (const real *)given[2], *weights = (const real *)given[3];
    real *out = (real *)given[4];
    const int *at = (const int *)given[0], *first = at;
    double mean = 0;
    long start = 0;
    goto *operations[*at];

parameter:
    slots[at[1]] = splat(theta[at[2]]);
    NEXT(3)
input:
    slots[at[1]] = loaded((const real *)given[5 + at[2]] + start * at[4] + at[3], at[4], batch - start);
    NEXT(5)
weight:
    slots[at[1]] = loaded(weights + start, 1, batch - start);
    NEXT(2)
scale:
    slots[at[1]] = slots[at[2]] * (real)pow((double)batch, at[3]);
    NEXT(4)
added:
    for (int i = 0; i < LANES && i < batch - start; i++)
        slots[at[1]][i] += slots[at[2]][i];
    NEXT(3)
total:;
    real sum = 0;
    for (int i = 0; i < LANES; i++)
        sum += slots[at[2]][i];
    slots[at[1]] = splat(sum);
    NEXT(3)
cost:
    mean = slots[at[2]][0];
    NEXT(3)
result:
    out[at[3]] = slots[at[2]][0];
    NEXT(4)
row:
    for (int i = 0; i < LANES && i < batch - start; i++)
        out[(start + i) * at[4] + at[3]] = slots[at[2]][i];
    NEXT(5)
within:
    first = at + 2;
    NEXT(2)
again:
    start += LANES;
    if (start < batch)
        at = first - 2;
    NEXT(2)
end:
    return mean;
    COMPUTED
}
