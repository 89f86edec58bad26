/* SPDX-License-Identifier: Apache-2.0 */
/* ruby.c: runs Ruby code for each event. The language is CRuby 3.1 in modules/ruby.so, loaded when
 * the first ruby filter is built: whoever has none pays nothing. */
#include "pipeline/filters/ruby_module.h"

#include "base/arena.h"
#include "base/str.h"
#include "os/module.h"
#include "os/os.h"
#include "pipeline/config/source.h"

struct ruby {
    struct str code, init, path, tag_on_exception;
    struct value script_params;
    const struct ruby_module *module;
    struct ruby_script *script;
};

static const struct opt ruby_opts[] = {
    OPT_STR(struct ruby, code,
            .help =
                "Ruby code; `event` is the event, `new_event_block.call(e)` hands on a new one."),
    OPT_STR(struct ruby, init, .help = "Ruby code that runs once at the start."),
    OPT_STR(struct ruby, path, .help = "A script file with register(params) and filter(event)."),
    OPT_MAP(struct ruby, script_params, .help = "What register gets."),
    OPT_STR(struct ruby, tag_on_exception, .dflt = "_rubyexception",
            .help = "Tag of events whose code raised."),
    OPT_END,
};

static void host_warn(struct plugin *plugin, const char *text)
{
    plugin_warn(plugin, "%s", text);
}

static const struct ruby_host host = {filter_matched, filter_emit, filter_failed, host_warn};

static int module_get(const struct ruby_module **ret_module, struct err *err)
{
    void *symbol;
    int rc = os_module_symbol("ruby", RUBY_MODULE_SYMBOL, &symbol, err);
    if (rc == -ERR_UNSUPPORTED)
        return err_wrap(err,
                        "the ruby filter needs libruby 3.1 (Debian: apt-get install libruby3.1)");
    TRY(rc);
    ruby_module_fn *fn;
    memcpy(&fn, &symbol, sizeof(fn)); /* ISO C has no cast from an object to a function */
    const struct ruby_module *module = fn();
    if (module->abi != RUBY_MODULE_ABI || module->event_bytes != sizeof(struct event) ||
        module->batch_bytes != sizeof(struct batch) ||
        module->run_bytes != sizeof(struct filter_run))
        return err_set(err, ERR_UNSUPPORTED,
                       "modules/ruby.so is of another version of naru: install both together");
    *ret_module = module;
    return 0;
}

/* The line of the configuration on which a setting's text begins. */
static uint32_t setting_line(const struct plugin *plugin, const char *name)
{
    const struct value *v = value_map_get(&plugin->settings, str_from(name));
    uint32_t line = plugin->line, column;
    if (v && v->pos && plugin->source)
        source_position(plugin->source->text, v->pos - 1, &line, &column);
    return line;
}

/* Ruby says "SyntaxError: FILE:LINE: text": takes the place out of it. */
static int syntax_error_place(const struct plugin *plugin, struct err *err)
{
    if (!err)
        return -ERR_CONFIG;
    struct str text = str_from(err->text);
    struct str head = arena_printf(plugin->mem, "SyntaxError: " STR_FMT ":", STR_ARG(plugin->file)),
               number;
    uint64_t line;
    if (!str_starts_with(text, head))
        return -(int)err->code;
    struct str rest = arena_str(plugin->mem, str_from_off(text, head.n));
    if (!str_split_next(&rest, ':', &number) || !str_to_u64(number, &line) || line > UINT32_MAX)
        return -(int)err->code;
    err_set(err, ERR_CONFIG, "ruby:" STR_FMT, STR_ARG(rest));
    return err_at(err, plugin->file, (uint32_t)line, 1);
}

static int ruby_init(void *self, struct plugin *plugin, struct err *err)
{
    struct ruby *ruby = self;
    if (!ruby->code.p == !ruby->path.p)
        return err_set(err, ERR_CONFIG, "wants either \"code\" or \"path\"");
    TRY(module_get(&ruby->module, err));
    struct ruby_script_config config = {
        .plugin = plugin,
        .code = ruby->code,
        .init = ruby->init,
        .path = ruby->path,
        .params = ruby->script_params.kind == VALUE_MAP ? &ruby->script_params : NULL,
        .tag_on_exception = ruby->tag_on_exception,
        .clock = plugin->env->clock,
        .is_system_clock = plugin->env->clock == clock_system(),
        .file = plugin->file,
        .code_line = setting_line(plugin, "code"),
        .init_line = setting_line(plugin, "init"),
    };
    int rc = ruby->module->script_new(&host, &config, &ruby->script, err);
    return rc < 0 ? syntax_error_place(plugin, err) : 0;
}

static void ruby_process(void *self, struct filter_run *run, struct event **events, size_t count)
{
    struct ruby *ruby = self;
    ruby->module->script_run(ruby->script, run, events, count);
}

static void ruby_deinit(void *self)
{
    struct ruby *ruby = self;
    if (ruby->script)
        ruby->module->script_free(ruby->script);
}

const struct filter_type filter_ruby = {
    .name = "ruby",
    .summary = "Runs Ruby code for each event.",
    .since = "0.1",
    .opts = ruby_opts,
    .size = sizeof(struct ruby),
    .init = ruby_init,
    .process = ruby_process,
    .deinit = ruby_deinit,
};
