/* SPDX-License-Identifier: Apache-2.0 */
/* naru_load: fills any server that speaks Elasticsearch's `_bulk` with a generated corpus and
 * prints one line of JSON about it. `bench/http_logs` and `bench/big5` run it.
 *
 * The bodies are made before the clock starts, as far as they fit into --memory: then a client only
 * sends and receives. What does not fit is made when its turn comes, on the client's time, and the
 * line says how many documents that were. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "bench/load/client.h"
#include "bench/load/corpus.h"
#include "os/os.h"

#define CLIENTS_MAX 64u
#define EXIT_USAGE  2

static const char usage[] =
    "usage: naru_load --corpus http_logs|big5 (--url http://HOST:PORT | --dump) [OPTION VALUE]…\n"
    "  --docs N      documents of the whole corpus (1000000)\n"
    "  --seed N      (1)\n"
    "  --bulk N      documents of a request (5000)\n"
    "  --clients N   connections, each with one request in flight (2)\n"
    "  --order turns|parts   turns: whichever client is free sends the corpus' next bulk;\n"
    "                parts: each client sends a part of its own of every index (turns)\n"
    "  --prefix TEXT before the index names\n"
    "  --memory SIZE for bodies that are made before the clock starts (8GiB)\n"
    "  --dump        writes the bodies to standard output instead\n";

struct options {
    struct str corpus, url, prefix;
    uint64_t docs, seed, bulk, clients, memory;
    bool is_parts, is_dump;
};

struct bulk {
    uint32_t index;
    uint64_t at, count;
    struct buf body; /* empty: not made yet */
    int64_t ns;      /* how long its request took */
};

struct load {
    const struct options *options;
    struct corpus *corpus;
    struct net_addr addr;
    struct bulk *bulks;
    uint64_t bulk_count;
    uint64_t ready_docs;
    _Atomic uint64_t next;       /* the next bulk to make, then to send */
    _Atomic uint64_t ready_left; /* memory for bodies that is left */
    _Atomic bool has_failed;
};

struct worker {
    struct load *load;
    pthread_t thread;
    uint32_t number;
    struct client client;
    uint64_t at; /* --order parts: of the bulks that are this client's */
    uint64_t bytes;
    int rc;
    struct err err;
};

static void bulks_init(struct load *load)
{
    const struct corpus *corpus = load->corpus;
    uint64_t size = load->options->bulk, count = 0;
    for (uint32_t i = 0; i < corpus->index_count; i++)
        count += (corpus->indices[i].count + size - 1) / size;
    load->bulks = MEM_ARRAY(struct bulk, count + 1);
    for (uint32_t i = 0; i < corpus->index_count; i++) {
        uint64_t docs = corpus->indices[i].count;
        for (uint64_t at = 0; at < docs; at += size) {
            struct bulk *bulk = &load->bulks[load->bulk_count++];
            *bulk = (struct bulk){.index = i, .at = at, .count = MIN_OF(size, docs - at)};
            buf_init(&bulk->body, 0);
        }
    }
}

static void bulk_make(const struct load *load, struct bulk *bulk)
{
    corpus_bulk_add(load->corpus, bulk->index, bulk->at, bulk->count, &bulk->body);
}

/* Makes bodies until all are made or the memory is used up. */
static void *worker_make(void *arg)
{
    struct worker *worker = arg;
    struct load *load = worker->load;
    for (;;) {
        uint64_t n = atomic_fetch_add(&load->next, 1);
        if (n >= load->bulk_count)
            return NULL;
        struct bulk *bulk = &load->bulks[n];
        bulk_make(load, bulk);
        uint64_t left = atomic_load(&load->ready_left);
        do {
            if (left < bulk->body.capacity) {
                atomic_store(&load->ready_left, 0);
                buf_deinit(&bulk->body);
                buf_init(&bulk->body, 0);
                return NULL;
            }
        } while (
            !atomic_compare_exchange_weak(&load->ready_left, &left, left - bulk->body.capacity));
    }
}

/* The bulks of a client under --order parts: of each index its share, as the benchmark's own
 * driver gives them out. */
static struct bulk *part_next(struct worker *worker)
{
    struct load *load = worker->load;
    uint64_t clients = load->options->clients;
    for (; worker->at < load->bulk_count; worker->at++) {
        struct bulk *bulk = &load->bulks[worker->at];
        uint64_t of_index = (load->corpus->indices[bulk->index].count + load->options->bulk - 1) /
                            load->options->bulk;
        if (bulk->at / load->options->bulk * clients / of_index == worker->number) {
            worker->at++;
            return bulk;
        }
    }
    return NULL;
}

static struct bulk *bulk_next(struct worker *worker)
{
    struct load *load = worker->load;
    if (load->options->is_parts)
        return part_next(worker);
    uint64_t n = atomic_fetch_add(&load->next, 1);
    return n < load->bulk_count ? &load->bulks[n] : NULL;
}

static void *worker_send(void *arg)
{
    struct worker *worker = arg;
    struct load *load = worker->load;
    struct buf head, own; /* own: for a body that was not made before */
    struct bulk *bulk;
    buf_init(&head, 0);
    buf_init(&own, 0);
    while (worker->rc == 0 && !atomic_load(&load->has_failed) && (bulk = bulk_next(worker))) {
        struct str body = buf_str(&bulk->body);
        if (body.n == 0) {
            buf_clear(&own);
            corpus_bulk_add(load->corpus, bulk->index, bulk->at, bulk->count, &own);
            body = buf_str(&own);
        }
        buf_clear(&head);
        client_head_add(&worker->client, body.n, &head);
        int64_t begin = clock_monotonic_ns(clock_system());
        worker->rc = client_post(&worker->client, buf_str(&head), body, &worker->err);
        bulk->ns = clock_monotonic_ns(clock_system()) - begin;
        worker->bytes += body.n;
    }
    if (worker->rc < 0)
        atomic_store(&load->has_failed, true);
    buf_deinit(&head);
    buf_deinit(&own);
    return NULL;
}

static void workers_run(struct worker *workers, uint64_t count, void *(*run)(void *))
{
    for (uint64_t i = 0; i < count; i++)
        ASSERT(pthread_create(&workers[i].thread, NULL, run, &workers[i]) == 0);
    for (uint64_t i = 0; i < count; i++)
        pthread_join(workers[i].thread, NULL);
}

static int ns_compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void report(const struct load *load, const struct worker *workers, double seconds,
                   double prepare_s, double cpu_s)
{
    const struct options *o = load->options;
    uint64_t bytes = 0, retries = 0, ready = 0;
    for (uint64_t i = 0; i < o->clients; i++) {
        bytes += workers[i].bytes;
        retries += workers[i].client.retries;
    }
    int64_t *ns = MEM_ARRAY(int64_t, load->bulk_count + 1);
    for (uint64_t i = 0; i < load->bulk_count; i++) {
        ns[i] = load->bulks[i].ns;
        ready += load->bulks[i].body.n ? load->bulks[i].count : 0;
    }
    qsort(ns, load->bulk_count, sizeof(*ns), ns_compare);
    printf("{\"corpus\":\"%s\",\"docs\":%llu,\"bytes\":%llu,\"bulks\":%llu,\"clients\":%llu,"
           "\"seconds\":%.4f,\"docs_per_s\":%.1f,\"client_cpu_s\":%.4f,\"prepare_s\":%.3f,"
           "\"prepared_docs\":%llu,\"retries_429\":%llu,\"bulk_ms_p50\":%.3f,\"bulk_ms_p99\":%.3f,"
           "\"bulk_ms_max\":%.3f,\"indices\":[",
           load->corpus->type->name, (unsigned long long)o->docs, (unsigned long long)bytes,
           (unsigned long long)load->bulk_count, (unsigned long long)o->clients, seconds,
           (double)o->docs / seconds, cpu_s, prepare_s, (unsigned long long)ready,
           (unsigned long long)retries, (double)ns[load->bulk_count / 2] / 1e6,
           (double)ns[load->bulk_count * 99 / 100] / 1e6,
           (double)ns[load->bulk_count ? load->bulk_count - 1 : 0] / 1e6);
    for (uint32_t i = 0; i < load->corpus->index_count; i++)
        printf("%s{\"name\":\"%s\",\"docs\":%llu}", i ? "," : "", load->corpus->indices[i].name,
               (unsigned long long)load->corpus->indices[i].count);
    printf("]}\n");
    mem_free(ns);
}

static int load_run(struct load *load, struct worker *workers, struct err *err)
{
    const struct options *o = load->options;
    for (uint64_t i = 0; i < o->clients; i++) {
        workers[i].load = load;
        workers[i].number = (uint32_t)i;
        TRY(client_init(&workers[i].client, &load->addr, err));
    }
    int64_t start_ns = clock_monotonic_ns(clock_system());
    workers_run(workers, MIN_OF(o->clients, os_cpu_count()), worker_make);
    int64_t begin_ns = clock_monotonic_ns(clock_system()), begin_cpu_ns = os_cpu_ns();
    atomic_store(&load->next, 0);
    workers_run(workers, o->clients, worker_send);
    int64_t end_ns = clock_monotonic_ns(clock_system()), end_cpu_ns = os_cpu_ns();
    for (uint64_t i = 0; i < o->clients; i++) {
        if (workers[i].rc < 0) {
            *err = workers[i].err;
            return workers[i].rc;
        }
    }
    report(load, workers, (double)(end_ns - begin_ns) / 1e9, (double)(begin_ns - start_ns) / 1e9,
           (double)(end_cpu_ns - begin_cpu_ns) / 1e9);
    return 0;
}

static void dump(const struct load *load)
{
    for (uint64_t i = 0; i < load->bulk_count; i++) {
        struct bulk *bulk = &load->bulks[i];
        bulk_make(load, bulk);
        (void)fwrite(bulk->body.p, 1, bulk->body.n, stdout);
        buf_deinit(&bulk->body);
    }
}

static bool option_set(struct options *o, struct str name, struct str value)
{
    uint64_t *number = str_is(name, "--docs")      ? &o->docs
                       : str_is(name, "--seed")    ? &o->seed
                       : str_is(name, "--bulk")    ? &o->bulk
                       : str_is(name, "--clients") ? &o->clients
                                                   : NULL;
    struct str *text = str_is(name, "--corpus")   ? &o->corpus
                       : str_is(name, "--url")    ? &o->url
                       : str_is(name, "--prefix") ? &o->prefix
                                                  : NULL;
    if (number)
        return str_to_u64(value, number);
    if (text) {
        *text = value;
        return true;
    }
    if (str_is(name, "--memory"))
        return str_to_size(value, true, &o->memory);
    o->is_parts = str_is(value, "parts");
    return str_is(name, "--order") && (o->is_parts || str_is(value, "turns"));
}

static bool options_parse(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct str name = str_from(argv[i]);
        if (str_is(name, "--dump"))
            o->is_dump = true;
        else if (i + 1 == argc || !option_set(o, name, str_from(argv[++i])))
            return false;
    }
    return o->corpus.p && (o->url.p || o->is_dump) && o->docs > 0 && o->bulk > 0 &&
           o->clients > 0 && o->clients <= CLIENTS_MAX;
}

static int addr_from_url(struct str url, struct net_addr *ret_addr, struct err *err)
{
    if (!str_starts_with(url, STR("http://")))
        return err_set(err, ERR_INVALID, "the URL does not start with http://");
    url = str_from_off(url, 7);
    if (str_ends_with(url, STR("/")))
        url.n--;
    return net_addr_parse(url, 9200, ret_addr, err);
}

static int run(const struct options *o, struct err *err)
{
    struct load load = {.options = o, .ready_left = o->memory};
    TRY(corpus_new(o->corpus, o->docs, o->seed, o->prefix, &load.corpus, err));
    bulks_init(&load);
    struct worker *workers = MEM_ARRAY(struct worker, o->clients);
    for (uint64_t i = 0; i < o->clients; i++)
        workers[i].client.fd = -1;
    int rc = 0;
    if (o->is_dump)
        dump(&load);
    else if ((rc = addr_from_url(o->url, &load.addr, err)) == 0)
        rc = load_run(&load, workers, err);
    for (uint64_t i = 0; i < o->clients; i++)
        client_deinit(&workers[i].client);
    for (uint64_t i = 0; i < load.bulk_count; i++)
        buf_deinit(&load.bulks[i].body);
    mem_free(load.bulks);
    mem_free(workers);
    corpus_free(load.corpus);
    return rc;
}

int main(int argc, char **argv)
{
    struct options options = {
        .docs = 1000000, .seed = 1, .bulk = 5000, .clients = 2, .memory = 8 * GIB};
    struct err err;
    if (!options_parse(&options, argc, argv)) {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (run(&options, &err) < 0) {
        (void)fprintf(stderr, "naru_load: %s\n", err.text);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
