/* SPDX-License-Identifier: Apache-2.0 */
/* shown.c: how a score is shown: by as few digits as give the float back. A double has room for the
 * float scaled by a power of ten and rounded, and power and quotient are exact, so no text is
 * needed but where the rounding would be in doubt. */
#include <math.h>
#include <stdio.h>

#include "base/str.h"
#include "query/search_int.h"

#define INTEGERS_EXACT 16777216.0f /* below it a float's neighbours are less than 1 away */
#define DIGITS_MAX     9
/* Between these no power of ten beyond POWER_MAX is needed, which doubles have exactly. */
#define PLAIN_MIN 1e-8
#define PLAIN_MAX 1e15
#define POWER_MAX 22
#define TIE_ROOM  1e-4 /* nearer to a half than this the text decides */

double shown__by_text(float v)
{
    char text[40];
    for (int digits = 1; digits <= DIGITS_MAX; digits++) {
        int n = snprintf(text, sizeof(text), "%.*g", digits, (double)v);
        double shown;
        if (n > 0 && str_to_f64((struct str){text, (size_t)n}, &shown) && (float)shown == v)
            return shown;
    }
    return (double)v;
}

double f32_shown(float v)
{
    static const double powers[POWER_MAX + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    double size = fabs((double)v);
    if (!isfinite(v) || (size < (double)INTEGERS_EXACT && v == truncf(v)))
        return (double)v;
    if (!(size > PLAIN_MIN && size < PLAIN_MAX))
        return shown__by_text(v);
    int exponent = (int)floor(log10(size));
    for (int digits = 1; digits <= DIGITS_MAX; digits++) {
        int scale = digits - 1 - exponent;
        double power = powers[scale < 0 ? -scale : scale];
        double x = scale < 0 ? size / power : size * power, whole = floor(x), rest = x - whole;
        if (fabs(rest - 0.5) < TIE_ROOM)
            return shown__by_text(v);
        whole += rest > 0.5 ? 1 : 0;
        double shown = scale < 0 ? whole * power : whole / power;
        if ((float)shown == (float)size)
            return copysign(shown, (double)v);
    }
    return (double)v;
}
