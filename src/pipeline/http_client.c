/* SPDX-License-Identifier: Apache-2.0 */
/* http_client.c: see http_client.h. */
#include "pipeline/http_client.h"

#include <curl/curl.h>
#include <pthread.h>

#include "base/arena.h"
#include "base/str.h"

struct http_client {
    CURL *curl;
    char *user, *password, *ca_file;
    struct http_client_config config;
    struct buf *body; /* of the request that runs */
    char error[CURL_ERROR_SIZE];
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static void curl_start(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct http_client *http_client_new(const struct http_client_config *config)
{
    (void)pthread_once(&curl_once, curl_start);
    struct http_client *client = MEM_NEW(struct http_client);
    client->config = *config;
    client->user = config->user.n ? mem_cstr(config->user) : NULL;
    client->password = mem_cstr(config->password);
    client->ca_file = config->ca_file.n ? mem_cstr(config->ca_file) : NULL;
    if (config->timeout_ns <= 0)
        client->config.timeout_ns = HTTP_CLIENT_TIMEOUT_NS;
    client->curl = curl_easy_init();
    ASSERT(client->curl); /* fails only without memory */
    return client;
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->curl);
    mem_free(client->user);
    mem_free(client->password);
    mem_free(client->ca_file);
    mem_free(client);
}

static size_t on_body(char *p, size_t size, size_t count, void *owner)
{
    struct http_client *client = owner;
    buf_add(client->body, p, size * count);
    return client->body->is_over ? 0 : size * count;
}

static int on_progress(void *owner, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct http_client *client = owner;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return client->config.is_stopping && client->config.is_stopping(client->config.owner);
}

/* curl_easy_setopt is a macro with type checks that warn about nothing of ours. */
#define SET(option, value) (void)curl_easy_setopt(client->curl, (option), (value))

static void set_transport(struct http_client *client)
{
    curl_easy_reset(client->curl);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_ERRORBUFFER, client->error);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, client);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, client);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(HTTP_CLIENT_CONNECT_NS / NS_PER_MS));
    SET(CURLOPT_TIMEOUT_MS, (long)(client->config.timeout_ns / NS_PER_MS));
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_TCP_NODELAY, 1L);
    SET(CURLOPT_ACCEPT_ENCODING, "");
    if (client->user) {
        SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        SET(CURLOPT_USERNAME, client->user);
        SET(CURLOPT_PASSWORD, client->password);
    }
    if (client->ca_file)
        SET(CURLOPT_CAINFO, client->ca_file);
    if (client->config.is_tls_unverified) {
        SET(CURLOPT_SSL_VERIFYPEER, 0L);
        SET(CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

static struct curl_slist *set_request(struct http_client *client,
                                      const struct http_request *request, const char *url)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    SET(CURLOPT_URL, url);
    SET(CURLOPT_CUSTOMREQUEST, request->method);
    if (request->body.p) {
        char line[160];
        (void)snprintf(line, sizeof(line), "Content-Type: %.*s", STR_ARG(request->content_type));
        headers = curl_slist_append(headers, line);
        if (request->is_gzip)
            headers = curl_slist_append(headers, "Content-Encoding: gzip");
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
        SET(CURLOPT_POSTFIELDS, request->body.p);
    } else if (strcmp(request->method, "HEAD") == 0) {
        SET(CURLOPT_NOBODY, 1L);
    }
    SET(CURLOPT_HTTPHEADER, headers);
    return headers;
}

static int curl_err(struct http_client *client, CURLcode code, struct str url, struct err *err)
{
    const char *why = client->error[0] ? client->error : curl_easy_strerror(code);
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return err_set(err, ERR_SHUTDOWN, "the pipeline stops");
    if (code == CURLE_WRITE_ERROR)
        return err_set(err, ERR_TOO_LARGE, "the reply of " STR_FMT " is above %zu bytes",
                       STR_ARG(url), client->body->bytes_max);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return err_set(err, ERR_TIMEOUT, STR_FMT ": %s", STR_ARG(url), why);
    return err_set(err, ERR_NET, STR_FMT ": %s", STR_ARG(url), why);
}

int http_client_do(struct http_client *client, const struct http_request *request, struct buf *body,
                   int *ret_status, struct err *err)
{
    char *url = mem_cstr(request->url);
    client->body = body;
    client->error[0] = '\0';
    set_transport(client);
    struct curl_slist *headers = set_request(client, request, url);
    CURLcode code = curl_easy_perform(client->curl);
    long status = 0;
    (void)curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    mem_free(url);
    if (code != CURLE_OK)
        return curl_err(client, code, request->url, err);
    *ret_status = (int)status;
    return 0;
}

static bool name_is_loopback(struct str name)
{
    return str_eq_nocase(name, STR("localhost")) || str_is(name, "::1") || str_is(name, "[::1]") ||
           (str_starts_with(name, STR("127.")) && str_find_char(name, ':') < 0);
}

int http_host_parse(struct str text, uint16_t default_port, bool is_tls, struct arena *mem,
                    struct http_host *ret_host, struct err *err)
{
    struct http_host host = {.is_tls = is_tls};
    struct str rest = str_trim(text);
    if (str_starts_with(rest, STR("http://"))) {
        host.is_tls = false;
        rest = str_from_off(rest, 7);
    } else if (str_starts_with(rest, STR("https://"))) {
        host.is_tls = true;
        rest = str_from_off(rest, 8);
    } else if (str_starts_with(rest, STR("//"))) {
        rest = str_from_off(rest, 2);
    } else if (str_find(rest, STR("://")) >= 0) {
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is neither http nor https",
                       STR_ARG(text));
    }
    ptrdiff_t slash = str_find_char(rest, '/');
    struct str path = slash < 0 ? STR("") : str_from_off(rest, (size_t)slash);
    struct str place = slash < 0 ? rest : str_sub(rest, 0, (size_t)slash);
    ptrdiff_t at = str_find_char(place, '@');
    if (at >= 0)
        return err_set(err, ERR_INVALID,
                       "\"" STR_FMT "\": give user and password as options, not in the address",
                       STR_ARG(text));
    ptrdiff_t bracket = str_find_char(place, ']'), colon = -1;
    for (size_t i = bracket < 0 ? 0 : (size_t)bracket; i < place.n; i++)
        if (place.p[i] == ':')
            colon = (ptrdiff_t)i;
    uint64_t port = default_port;
    if (colon >= 0 &&
        (!str_to_u64(str_from_off(place, (size_t)colon + 1), &port) || port == 0 || port > 65535))
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" has no port from 1 to 65535",
                       STR_ARG(text));
    host.name = colon >= 0 ? str_sub(place, 0, (size_t)colon) : place;
    if (host.name.n == 0)
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" names no host", STR_ARG(text));
    while (path.n && path.p[path.n - 1] == '/')
        path.n--;
    host.name = arena_str(mem, host.name);
    host.port = (uint16_t)port;
    host.is_loopback = name_is_loopback(host.name);
    host.base = arena_printf(mem, "%s://" STR_FMT ":%u" STR_FMT, host.is_tls ? "https" : "http",
                             STR_ARG(host.name), (unsigned)port, STR_ARG(path));
    *ret_host = host;
    return 0;
}
