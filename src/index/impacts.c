/* SPDX-License-Identifier: Apache-2.0 */
/* impacts.c: the staircase of a block has as many steps as it has documents that no other one
 * beats in both numbers. More than IMPACT_PAIRS steps are joined, each time the two neighbours
 * whose join promises least beyond what is there, measured at the block's own mean length. */
#include "index/impacts.h"

#include <string.h>

/* Lengths below NORM_EXACT are stored as they are; above, three bits of mantissa and a shift. */
#define NORM_EXACT 24u

uint32_t norm_length(uint8_t norm)
{
    if (norm < NORM_EXACT)
        return norm;
    uint32_t rest = norm - NORM_EXACT, bits = rest & 7, shift = rest >> 3;
    return NORM_EXACT + (shift == 0 ? bits : (bits | 8) << (shift - 1));
}

struct step {
    uint8_t freq, norm;
};

/* The block's steps, falling in frequency and in norm. */
static size_t steps_of(const uint32_t *freqs, const uint8_t *norms, size_t n, struct step *steps)
{
    int least[IMPACT_FREQ_MAX + 1]; /* smallest norm by frequency, -1: none */
    size_t count = 0;
    int norm_min = 256;
    uint32_t most = 0;
    for (size_t i = 0; i < n; i++)
        most = MAX_OF(most, freqs[i]);
    most = MIN_OF(most, (uint32_t)IMPACT_FREQ_MAX);
    memset(least, 0xFF, (most + 1) * sizeof(*least));
    for (size_t i = 0; i < n; i++) {
        uint32_t freq = MIN_OF(freqs[i], (uint32_t)IMPACT_FREQ_MAX);
        int norm = norms ? norms[i] : 0;
        if (least[freq] < 0 || norm < least[freq])
            least[freq] = norm;
    }
    for (int freq = (int)most; freq >= 0; freq--) {
        if (least[freq] >= 0 && least[freq] < norm_min) {
            norm_min = least[freq];
            steps[count++] = (struct step){(uint8_t)freq, (uint8_t)norm_min};
        }
    }
    return count;
}

static float weight_of(struct step step, float mean)
{
    return (float)step.freq / (0.25f + 0.75f * (float)norm_length(step.norm) / mean);
}

static void join_cheapest(struct step *steps, size_t *count, float mean)
{
    size_t at = 0;
    float least = 0;
    for (size_t i = 0; i + 1 < *count; i++) {
        struct step joined = {steps[i].freq, steps[i + 1].norm};
        float own = MAX_OF(weight_of(steps[i], mean), weight_of(steps[i + 1], mean));
        float loss = weight_of(joined, mean) - own;
        if (i == 0 || loss < least) {
            least = loss;
            at = i;
        }
    }
    steps[at].norm = steps[at + 1].norm;
    (*count)--;
    memmove(&steps[at + 1], &steps[at + 2], (*count - at - 1) * sizeof(*steps));
}

void impacts_make(const uint32_t *freqs, const uint8_t *norms, size_t n,
                  uint8_t ret_pairs[IMPACT_BYTES])
{
    struct step steps[IMPACT_FREQ_MAX + 1];
    size_t count = steps_of(freqs, norms, n, steps);
    uint64_t lengths = 0;
    ASSERT(n > 0 && count > 0);
    for (size_t i = 0; norms && i < n; i++)
        lengths += norm_length(norms[i]);
    float mean = MAX_OF((float)lengths / (float)n, 1.0f);
    while (count > IMPACT_PAIRS)
        join_cheapest(steps, &count, mean);
    for (size_t i = 0; i < IMPACT_PAIRS; i++) {
        struct step step = steps[MIN_OF(i, count - 1)];
        ret_pairs[i * 2] = step.freq;
        ret_pairs[i * 2 + 1] = step.norm;
    }
}
