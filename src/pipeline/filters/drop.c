/* SPDX-License-Identifier: Apache-2.0 */
/* drop.c: lets events go: all that reach it, or a percentage of them. */
#include "base/rng.h"
#include "pipeline/plugin.h"

struct drop {
    double percentage;
    uint64_t seed, turn;
};

static const struct opt drop_opts[] = {
    OPT_FLOAT(struct drop, percentage, .dflt = "100", .help = "How many of a hundred events go."),
    OPT_END,
};

static int drop_init(void *self, struct plugin *plugin, struct err *err)
{
    struct drop *drop = self;
    if (!(drop->percentage >= 0 && drop->percentage <= 100))
        return err_set(err, ERR_CONFIG, "\"percentage\" must be from 0 to 100");
    drop->seed = plugin->env->seed;
    return 0;
}

static void drop_process(void *self, struct filter_run *run, struct event **events, size_t count)
{
    struct drop *drop = self;
    struct rng rng;
    (void)run;
    bool all = drop->percentage >= 100;
    if (!all) /* each batch has a generator of its own, so that workers share nothing but a counter
               */
        rng_init(&rng, drop->seed + __atomic_add_fetch(&drop->turn, 1, __ATOMIC_RELAXED));
    for (size_t i = 0; i < count; i++) {
        if (all || rng_f64(&rng) * 100 < drop->percentage)
            events[i]->is_cancelled = true;
    }
}

const struct filter_type filter_drop = {
    .name = "drop",
    .summary = "Lets events go.",
    .since = "0.1",
    .opts = drop_opts,
    .size = sizeof(struct drop),
    .init = drop_init,
    .process = drop_process,
};
