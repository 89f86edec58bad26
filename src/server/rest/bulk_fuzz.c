/* SPDX-License-Identifier: Apache-2.0 */
/* bulk_fuzz.c: any bytes as the body of a _bulk, applied to an engine in memory. The reply is JSON,
 * and no request is a fault of the server's. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"
#include "index/engine.h"
#include "server/rest.h"
#include "support/fuzz.h"

#define RUNS_PER_ENGINE 500u /* what was written must not pile up */

bool fuzz_seed(unsigned n, struct buf *out)
{
    static const char *const bodies[] = {
        "{\"index\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{\"n\":1}\n{\"delete\":{\"_id\":\"1\"}}\n{"
        "\"update\":{\"_id\":"
        "\"2\"}}\n{\"doc\":{\"n\":2},\"doc_as_upsert\":true}\n",
        "{\"create\":{}}\r\n{\"t\":\"words\",\"o\":{\"x\":[1,2.5,null]}}\r\n{\"index\":{\"_id\":3,"
        "\"routing\":\"r\","
        "\"version\":5,\"version_type\":\"external\",\"require_alias\":false}}\n{}\n",
        "{\"index\":{\"_id\":\"4\",\"if_seq_no\":0,\"if_primary_term\":1,\"pipeline\":\"_none\"}}"
        "\n{\"d\":\"2020-01-01"
        "T00:00:00Z\"}\n\n{\"index\":{\"_type\":\"_doc\"}}\n{\"n\":\"x\"}\n",
    };
    if (n >= ARRAY_COUNT(bodies))
        return false;
    buf_add_str(out, str_from(bodies[n]));
    return true;
}

struct world {
    struct vfs *fs;
    struct engine *engine;
    struct clock_fake clock;
    uint32_t runs;
};

static struct engine *engine_get_fresh(struct world *w)
{
    struct err err;
    if (w->engine && ++w->runs < RUNS_PER_ENGINE)
        return w->engine;
    engine_close(w->engine);
    vfs_mem_free(w->fs);
    w->fs = vfs_mem_new();
    w->runs = 0;
    clock_fake_init(&w->clock, INT64_C(1737500000) * NS_PER_S);
    struct engine_config config = {.fs = w->fs,
                                   .clock = &w->clock.base,
                                   .seed = 1,
                                   .path = STR("d"),
                                   .lane_count = 2,
                                   .is_single_threaded = true};
    ASSERT(engine_open(&config, &w->engine, &err) == 0);
    return w->engine;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    struct rest_context context = {
        .engine = engine_get_fresh(&w), .clock = &w.clock.base, .node_name = STR("n")};
    struct rest_reply reply = {0};
    struct arena *mem = arena_new(0);
    struct buf out, small;
    struct err err;
    buf_init(&out, 0);
    buf_init(&small, 0);
    rest_run(&context, STR("POST"), STR("/i/_bulk"), STR(""),
             (struct str){(const char *)data, size}, NULL, mem, &out, &reply);
    /* 501 names what naru does not have yet (_source in an action); any other 5xx is a bug. */
    ASSERT(reply.status >= 200 && (reply.status < 500 || reply.status == 501));
    ASSERT(json_minify(buf_str(&out), &small, &err) == 0);
    buf_deinit(&out);
    buf_deinit(&small);
    arena_free(mem);
    return 0;
}
