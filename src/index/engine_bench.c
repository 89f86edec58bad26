/* SPDX-License-Identifier: Apache-2.0 */
/* Micro benchmark of the write path: http_logs-like documents in bulks of 5,000 without ids, two
 * writers, fsync before each answer, then flush and force-merge. Usage: engine_bench DIR
 * [documents] [writers]. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/str.h"
#include "index/engine.h"
#include "event/value.h"
#include "os/os.h"

#define BULK 5000u

struct writer {
    struct engine *engine;
    uint64_t docs, seed;
};

static void *writer_run(void *arg)
{
    struct writer *w = arg;
    struct arena *mem = arena_new(0);
    struct doc_write *writes = MEM_ARRAY(struct doc_write, BULK);
    struct doc_result *results = MEM_ARRAY(struct doc_result, BULK);
    char *text = mem_alloc(BULK * 256);
    struct rng rng;
    struct err err;
    rng_init(&rng, w->seed);
    uint64_t second = 898459201;
    for (uint64_t done = 0; done < w->docs; done += BULK) {
        arena_reset(mem);
        for (uint32_t i = 0; i < BULK; i++) {
            uint64_t r = rng_u64(&rng), path = (r % 1000) * (r / 1000 % 1000) / 1000; /* skewed */
            second += r >> 40 & 31 ? 0 : 1;
            char *p = text + (size_t)i * 256;
            int n = snprintf(p, 256,
                             "{\"@timestamp\":%llu,\"clientip\":\"%u.%u.%u.0\",\"request\":\"GET "
                             "/images/p%llu/file%llu.gif HTTP/1.0\",\"status\":%u,\"size\":%u}",
                             (unsigned long long)second, (unsigned)(r >> 8 & 63) + 1,
                             (unsigned)(r >> 16 & 63), (unsigned)(r >> 24 & 15),
                             (unsigned long long)path % 37, (unsigned long long)path,
                             r >> 32 & 7 ? 200u : 304u, (unsigned)(r >> 36 & 8191));
            writes[i] = DOC_WRITE_INIT;
            writes[i].index = STR("logs");
            writes[i].source = (struct str){p, (size_t)n};
        }
        if (engine_write(w->engine, writes, BULK, REFRESH_NONE, mem, results, &err) < 0) {
            fprintf(stderr, "%s\n", err.text);
            exit(1);
        }
    }
    mem_free(writes);
    mem_free(results);
    mem_free(text);
    arena_free(mem);
    return NULL;
}

static void report(const char *what, uint64_t docs, int64_t wall_ns, int64_t cpu_ns)
{
    printf("%-12s %8.0f docs/s, %.2f CPU s per million\n", what,
           (double)docs / ((double)wall_ns / 1e9), (double)cpu_ns / 1e3 / (double)docs);
}

int main(int argc, char **argv)
{
    struct engine *engine;
    struct err err;
    uint64_t docs = 2000000, writers = 2;
    if (argc < 2 || (argc > 2 && !str_to_u64(str_from(argv[2]), &docs)) ||
        (argc > 3 && !str_to_u64(str_from(argv[3]), &writers)) || writers == 0 || writers > 8) {
        fprintf(stderr, "usage: engine_bench DIR [documents] [writers]\n");
        return 2;
    }
    struct engine_config config = {
        .fs = vfs_posix(), .clock = clock_system(), .seed = 1, .path = str_from(argv[1])};
    if (engine_open(&config, &engine, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    struct arena *mem = arena_new(0);
    struct value body;
    int rc = value_from_json(
        STR("{\"mappings\":{\"dynamic\":\"strict\",\"properties\":{\"@timestamp\":{\"type\":"
            "\"date\",\"format\":\"epoch_second\"},\"clientip\":{\"type\":\"ip\"},"
            "\"request\":{\"type\":\"text\",\"fields\":{\"raw\":{\"type\":\"keyword\",\"ignore_"
            "above\":256}}},\"status\":{\"type\":\"integer\"},\"size\":{\"type\":\"integer\"}}}}"),
        mem, &body, &err);
    if (rc == 0)
        rc = engine_index_create(engine, STR("logs"), &body, &err);
    if (rc < 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    struct writer w[8];
    pthread_t threads[8];
    int64_t wall = clock_monotonic_ns(clock_system()), cpu = os_cpu_ns();
    for (uint64_t i = 0; i < writers; i++) {
        w[i] = (struct writer){engine, docs / writers, i + 1};
        if (pthread_create(&threads[i], NULL, writer_run, &w[i]) != 0)
            return 1;
    }
    for (uint64_t i = 0; i < writers; i++)
        (void)pthread_join(threads[i], NULL);
    report("write", docs, clock_monotonic_ns(clock_system()) - wall, os_cpu_ns() - cpu);
    if (engine_flush(engine, STR("logs"), &err) < 0 ||
        engine_force_merge(engine, STR("logs"), 1, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    report("with merge", docs, clock_monotonic_ns(clock_system()) - wall, os_cpu_ns() - cpu);
    struct index_stats stats;
    if (engine_index_stats(engine, STR("logs"), mem, &stats, &err) == 0)
        printf("%llu documents, %.1f bytes each on disk, RSS %.0f MiB\n",
               (unsigned long long)stats.doc_count,
               (double)stats.store_bytes / (double)stats.doc_count,
               (double)os_rss_bytes() / 1048576.0);
    engine_close(engine);
    arena_free(mem);
    return 0;
}
