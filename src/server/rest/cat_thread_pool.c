/* SPDX-License-Identifier: Apache-2.0 */
/* cat_thread_pool.c: GET _cat/thread_pool: the pools there are: "rest", whose workers answer
 * requests, searches and writes alike. */
#include "base/str.h"
#include "os/os.h"
#include "server/http.h"
#include "server/rest.h"

static const struct cat_column columns[] = {
    {"node_name", "nn", "node name", false, true},
    {"node_id", "id", "persistent node id", false, false},
    {"pid", "p", "process id", true, false},
    {"host", "h", "host name", false, false},
    {"ip", "i", "ip address", false, false},
    {"name", "n", "thread pool name", false, true},
    {"type", "t", "thread pool type", false, false},
    {"active", "a", "number of active threads", true, true},
    {"pool_size", "psz", "number of threads", true, false},
    {"queue", "q", "number of tasks currently in queue", true, true},
    {"queue_size", "qs", "maximum number of tasks permitted in queue", true, false},
    {"rejected", "r", "number of rejected tasks", true, true},
    {"completed", "c", "number of completed tasks", true, false},
    {"size", "sz", "number of threads in a fixed thread pool", true, false},
};

static int cat_thread_pool_run(struct rest_call *call, struct err *err)
{
    struct cat_table table;
    const struct http_server *http = call->context->http;
    struct str wanted = rest_part(call, "pools");
    cat_init(&table, call, columns, ARRAY_COUNT(columns));
    if (http && (wanted.n == 0 || str_glob(wanted, STR("rest")))) {
        const struct http_metrics *m = http_metrics(http);
        cat_cell(&table, call->context->node_name);
        cat_cell(&table, STR("naru"));
        cat_cellf(&table, "%lld", (long long)os_pid());
        cat_cell(&table, STR("127.0.0.1"));
        cat_cell(&table, STR("127.0.0.1"));
        cat_cell(&table, STR("rest"));
        cat_cell(&table, STR("fixed"));
        cat_cellf(&table, "%llu", (unsigned long long)metric_get(&m->active));
        cat_cellf(&table, "%zu", http_worker_count(http));
        cat_cellf(&table, "%zu", http_queue_count(http));
        cat_cellf(&table, "%zu", http_queue_requests_max(http));
        cat_cellf(&table, "%llu", (unsigned long long)metric_get(&m->rejected_queue));
        cat_cellf(&table, "%llu", (unsigned long long)metric_get(&m->completed));
        cat_cellf(&table, "%zu", http_worker_count(http));
    }
    return cat_finish(&table, err);
}

static const char *const cat_thread_pool_routes[] = {"GET /_cat/thread_pool",
                                                     "GET /_cat/thread_pool/{pools}", NULL};
const struct endpoint endpoint_cat_thread_pool = {.name = "cat.thread_pool",
                                                  .summary = "Worker pools as a table.",
                                                  .routes = cat_thread_pool_routes,
                                                  .privilege = "monitor",
                                                  .params = cat_opts,
                                                  .size = sizeof(struct cat_params),
                                                  .run = cat_thread_pool_run};
