/* SPDX-License-Identifier: Apache-2.0 */
/* ruby_module.h: the border between the ruby filter and modules/ruby.so, which carries libruby. The
 * module has a copy of its own of the event code and works on the program's structs; everything
 * else it needs of the program comes through struct ruby_host. Ruby lives on one thread of its own:
 * callers from any thread hand their batch over and wait. */
#ifndef NARU_PIPELINE_FILTERS_RUBY_MODULE_H
#define NARU_PIPELINE_FILTERS_RUBY_MODULE_H

#include "pipeline/plugin.h"

#define RUBY_MODULE_ABI    1u
#define RUBY_MODULE_SYMBOL "naru_ruby_module"

struct ruby_host {
    void (*matched)(struct filter_run *run, struct event *ev);
    void (*emit)(struct filter_run *run, struct event *ev);
    void (*failed)(struct filter_run *run, struct event *ev, struct str tag);
    void (*warn)(struct plugin *plugin, const char *text);
};

struct ruby_script_config {
    struct plugin *plugin;
    struct str code, init, path; /* p == NULL: not given */
    const struct value *params;  /* script_params, a map, or NULL */
    struct str tag_on_exception;
    struct clock *clock;
    bool is_system_clock;
    struct str file; /* of the configuration, for Ruby's messages */
    uint32_t code_line, init_line;
};

struct ruby_script;
struct ruby_module {
    uint32_t abi;
    uint32_t event_bytes, batch_bytes,
        run_bytes; /* sizes of the shared structs: both sides must agree */
    /* Starts Ruby when it does not run yet; compiles. -ERR_CONFIG with Ruby's message. */
    int (*script_new)(const struct ruby_host *host, const struct ruby_script_config *config,
                      struct ruby_script **ret_script, struct err *err);
    void (*script_run)(struct ruby_script *script, struct filter_run *run, struct event **events,
                       size_t count);
    void (*script_free)(struct ruby_script *script);
};

typedef const struct ruby_module *ruby_module_fn(void);

#endif
