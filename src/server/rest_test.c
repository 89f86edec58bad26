/* SPDX-License-Identifier: Apache-2.0 */
/* rest_test.c: which endpoint a request reaches, what the core adds to every one of them, and the
 * shape of errors. What each endpoint answers is checked by the goldens in tests/api. */
#include "support/server.h"

static void finds_endpoints(struct test *t)
{
    static const struct {
        const char *what, *body;
        int status;
        const char *part; /* of the reply */
    } rows[] = {
        {"GET /", "", 200, "\"tagline\""},
        {"HEAD /", "", 200, ""},
        {"POST /", "", 405, "allowed: [GET]\",\"status\":405"},
        {"PUT /i", "", 200, "\"index\":\"i\""},
        {"PUT /i/_doc/_search", "{}", 201, "\"_id\":\"_search\""}, /* an id may begin with '_' */
        {"GET /i/_doc/_search", "", 200, "\"found\":true"},
        {"GET /i/_doc", "", 405, "allowed: [POST]"},
        {"GET /i//_doc///_search/", "", 200, "\"found\":true"},
        {"GET /_all/_count", "", 200,
         "\"count\":"}, /* the one index expression that begins with '_' */
        {"GET /_al/_count", "", 400, "no handler found for uri [/_al/_count] and method [GET]"},
        {"GET /_search", "", 200, "\"hits\""},
        {"GET /i/_search", "", 200, "\"hits\""},
        {"GET /_search/scroll/x", "", 404, "\"status\":404"}, /* not the index _search */
        {"DELETE /_search", "", 405, "allowed: [GET, POST]"},
        {"GET /i/_stats/docs", "", 200, "\"_all\""},
        {"GET /i/_nothing", "", 400, "no handler found"},
        {"GET /a/b/c/d/e/f/g/h/i/j/k", "", 400, "no handler found"},
        {"BREW /i", "", 405, "allowed: [PUT, DELETE, GET]"},
        {"GET /_cat", "", 400, "no handler found"},
        {"GET /_cat/count", "", 200, ""},
        {"GET /%69/_doc/%5fsearch", "", 200, "\"found\":true"},
        {"PUT /%2e%2e", "", 400, "invalid_index_name_exception"},
        {"PUT /..%2fx", "", 400, "invalid_index_name_exception"},
    };
    struct bed bed;
    bed_open(&bed, t, SERVER_LISTENER_COUNT, STR_NONE);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str reply;
        int status = bed_call(&bed, rows[i].what, rows[i].body, &reply);
        if (status != rows[i].status || str_find(reply, str_from(rows[i].part)) < 0)
            fail_msg("%s: %d " STR_FMT, rows[i].what, status, STR_ARG(reply));
    }
    bed_close(&bed);
}

static void reads_parameters(struct test *t)
{
    static const struct {
        const char *what;
        int status;
        const char *part;
    } rows[] = {
        {"GET /?pretty", 200, "{\n  \"name\" : "},
        {"GET /?pretty=false", 200, "{\"name\":"},
        {"GET /?human&error_trace=true&format=json&source_content_type=application%2Fjson", 200,
         "\"name\""},
        {"GET /?filter_path=version.number", 200, "{\"version\":{\"number\":\"7.10.2\"}}"},
        {"GET /?nope=1", 400, "request [/] contains unrecognized parameter: [nope]"},
        {"GET /i/_doc/1?versoin=1", 400, "[versoin] -> did you mean [version]?"},
        {"GET /i/_doc/1?version=one", 400, "version must be a whole number, not \\\"one\\\""},
        {"GET /i/_doc/1?realtime=yes", 400, "realtime must be true or false"},
        {"GET /i/_doc/1?realtime", 200, "\"found\":true"}, /* a bare name is true */
        {"GET /i/_count?source=%7B%22query%22%3A%7B%22match_none%22%3A%7B%7D%7D%7D", 200,
         "\"count\":0"},
        {"GET /i/_count?source=%5B%5D", 400, "Expected [START_OBJECT] but found [START_ARRAY]"},
        {"GET /i/_count?ignore_unavailable=maybe", 400, "ignore_unavailable must be true or false"},
        {"GET /i/_doc/1?version=7&version=1", 200, "\"found\":true"}, /* the last one counts */
        {"GET /i/_doc/1?", 200, "\"found\":true"},
        {"GET /i/_doc/1?&&", 200, "\"found\":true"},
    };
    struct bed bed;
    bed_open(&bed, t, SERVER_LISTENER_COUNT, STR_NONE);
    assert_int_equal(bed_call(&bed, "PUT /i/_doc/1?refresh=true", "{\"a\":1}", NULL), 201);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str reply;
        int status = bed_call(&bed, rows[i].what, "", &reply);
        if (status != rows[i].status || str_find(reply, str_from(rows[i].part)) < 0)
            fail_msg("%s: %d " STR_FMT, rows[i].what, status, STR_ARG(reply));
    }
    bed_close(&bed);
}

static void shapes_errors(struct test *t)
{
    struct bed bed;
    struct str reply;
    bed_open(&bed, t, SERVER_LISTENER_COUNT, STR_NONE);
    assert_int_equal(bed_call(&bed, "GET /nix/_doc/1", "", &reply), 404);
#define NIX                                                                                        \
    "\"type\":\"index_not_found_exception\",\"reason\":\"no such index "                           \
    "[nix]\",\"resource.type\":\"index_or_alias\","                                                \
    "\"resource.id\":\"nix\",\"index_uuid\":\"_na_\",\"index\":\"nix\"}"
    assert_str_eq(
        reply,
        "{\"error\":{\"root_cause\":[{" NIX "],"
        "\"type\":\"index_not_found_exception\",\"reason\":\"no such index "
        "[nix]\",\"resource.type\":\"index_or_alias\","
        "\"resource.id\":\"nix\",\"index_uuid\":\"_na_\",\"index\":\"nix\"},\"status\":404}");
    assert_int_equal(bed_call(&bed, "GET /nix/_doc/1?filter_path=error.type", "", &reply), 404);
    assert_str_eq(reply, "{\"error\":{\"type\":\"index_not_found_exception\"}}");
    /* What a handler wrote before it failed is not in the reply. */
    assert_int_equal(
        bed_call(&bed, "POST /_msearch", "{}\n{\"size\":0}\n{\"indx\":1}\n{}\n", &reply), 400);
    assert_true(str_starts_with(reply, STR("{\"error\":{\"root_cause\"")));
    bed_close(&bed);
}

/* Anything may come: each request has a reply with a status. */
static void survives_garbage(struct test *t)
{
    static const char alphabet[] = "/_?=&%{}[]\"*,:. abisearch0123456789\x80\xff";
    struct bed bed;
    bed_open(&bed, t, SERVER_LISTENER_COUNT, STR_NONE);
    for (int round = 0; round < 3000; round++) {
        char text[64] = "GET /", body[64] = "";
        size_t n = (size_t)rng_below(&t->rng, sizeof(text) - 6),
               m = (size_t)rng_below(&t->rng, sizeof(body) - 1);
        for (size_t i = 0; i < n; i++)
            text[5 + i] = alphabet[rng_below(&t->rng, sizeof(alphabet) - 1)];
        for (size_t i = 0; i < m; i++)
            body[i] = alphabet[rng_below(&t->rng, sizeof(alphabet) - 1)];
        int status = bed_call(&bed, text, body, NULL);
        if (status < 200 || status > 599)
            fail_msg("%s: %d", text, status);
    }
    bed_close(&bed);
}

TEST_MAIN(TEST(finds_endpoints), TEST(reads_parameters), TEST(shapes_errors),
          TEST(survives_garbage))
