/* SPDX-License-Identifier: Apache-2.0 */
/* half.h: what a half_float keeps of a number, the same for documents and for queries. */
#ifndef NARU_INDEX_HALF_H
#define NARU_INDEX_HALF_H

#include <math.h>

#include "base/base.h"

/* Rounds to the nearest IEEE half, ties to even. */
static inline double half_round(double d)
{
    int exponent;
    if (d == 0 || !isfinite(d))
        return d;
    (void)frexp(d, &exponent);
    double step = ldexp(1, MAX_OF(exponent - 11, -24));
    return nearbyint(d / step) * step;
}

#endif
