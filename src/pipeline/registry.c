/* SPDX-License-Identifier: Apache-2.0 */
/* registry.c: the tables of built-in plugins, from the four .tbl files. Explicit lists instead of
 * linker sections: the order is fixed, grep finds it, and nothing is lost from a static library. */
#include "pipeline/registry.h"

#include "base/str.h"

const struct input_type *const input_types[] = {
#define INPUT(name) &input_##name,
#include "pipeline/inputs/inputs.tbl"
#undef INPUT
    NULL};

const struct filter_type *const filter_types[] = {
#define FILTER(name) &filter_##name,
#include "pipeline/filters/filters.tbl"
#undef FILTER
    NULL};

const struct output_type *const output_types[] = {
#define OUTPUT(name) &output_##name,
#include "pipeline/outputs/outputs.tbl"
#undef OUTPUT
    NULL};

const struct codec_type *const codec_types[] = {
#define CODEC(name) &codec_##name,
#include "pipeline/codecs/codecs.tbl"
#undef CODEC
    NULL};

/* Also in what a test brings; NULL where there is none (a weak symbol). */
#define FIND_BY_NAME(types, more, name_)                                                           \
    do {                                                                                           \
        for (size_t i_ = 0; (types)[i_]; i_++) {                                                   \
            if (str_eq(str_from((types)[i_]->name), (name_)))                                      \
                return (types)[i_];                                                                \
        }                                                                                          \
        for (size_t i_ = 0; (more) && (more)[i_]; i_++) {                                          \
            if (str_eq(str_from((more)[i_]->name), (name_)))                                       \
                return (more)[i_];                                                                 \
        }                                                                                          \
        return NULL;                                                                               \
    } while (0)

const struct input_type *input_type_find(struct str name)
{
    const struct input_type *const *more = test_input_types;
    FIND_BY_NAME(input_types, more, name);
}

const struct filter_type *filter_type_find(struct str name)
{
    const struct filter_type *const *more = test_filter_types;
    FIND_BY_NAME(filter_types, more, name);
}

const struct output_type *output_type_find(struct str name)
{
    const struct output_type *const *more = test_output_types;
    FIND_BY_NAME(output_types, more, name);
}

const struct codec_type *codec_type_find(struct str name)
{
    const struct codec_type *const *more = NULL;
    FIND_BY_NAME(codec_types, more, name);
}

const char *plugin_kind_name(enum plugin_kind kind)
{
    static const char *const names[] = {"input", "filter", "output", "codec"};
    return names[kind];
}

#define NAMES_MAX 256u

/* Fills a NULL-terminated list of the names of a kind. */
static void names_of(enum plugin_kind kind, const char *names[NAMES_MAX])
{
    size_t n = 0;
    switch (kind) {
    case PLUGIN_INPUT:
        for (size_t i = 0; input_types[i] && n < NAMES_MAX - 1; i++)
            names[n++] = input_types[i]->name;
        break;
    case PLUGIN_FILTER:
        for (size_t i = 0; filter_types[i] && n < NAMES_MAX - 1; i++)
            names[n++] = filter_types[i]->name;
        break;
    case PLUGIN_OUTPUT:
        for (size_t i = 0; output_types[i] && n < NAMES_MAX - 1; i++)
            names[n++] = output_types[i]->name;
        break;
    case PLUGIN_CODEC:
        for (size_t i = 0; codec_types[i] && n < NAMES_MAX - 1; i++)
            names[n++] = codec_types[i]->name;
        break;
    }
    names[n] = NULL;
}

const char *plugin_nearest(enum plugin_kind kind, struct str name)
{
    const char *names[NAMES_MAX];
    names_of(kind, names);
    return name_nearest(names, name);
}

/* The default plugins of Logstash 7.11. */
static const char *const known_elsewhere[] = {
    [PLUGIN_INPUT] = " azure_event_hubs beats couchdb_changes dead_letter_queue elasticsearch exec "
                     "file ganglia gelf generator "
                     "graphite heartbeat http http_poller imap jms pipe redis s3 snmp snmptrap sqs "
                     "stdin syslog tcp twitter udp "
                     "unix jdbc kafka rabbitmq pipeline java_generator java_stdin lumberjack ",
    [PLUGIN_FILTER] = " aggregate anonymize cidr clone csv date de_dot dissect dns drop "
                      "elasticsearch fingerprint geoip grok http "
                      "json kv memcached metrics mutate prune ruby sleep split syslog_pri throttle "
                      "translate truncate urldecode "
                      "useragent uuid xml jdbc_static jdbc_streaming java_uuid multiline ",
    [PLUGIN_OUTPUT] = " cloudwatch csv elastic_app_search elasticsearch email file graphite http "
                      "lumberjack nagios null pipe redis "
                      "s3 sns sqs stdout tcp udp webhdfs kafka rabbitmq pipeline sink java_stdout "
                      "jdbc opensearch ",
    [PLUGIN_CODEC] = " avro cef cloudfront cloudtrail collectd dots edn edn_lines es_bulk fluent "
                     "graphite gzip_lines json "
                     "json_lines line msgpack multiline netflow plain rubydebug java_plain "
                     "java_line java_dots csv ",
};

bool plugin_is_known_elsewhere(enum plugin_kind kind, struct str name)
{
    struct str list = str_from(known_elsewhere[kind]), word;
    while (str_split_next(&list, ' ', &word)) {
        if (word.n && str_eq(word, name))
            return true;
    }
    return false;
}
