/* SPDX-License-Identifier: Apache-2.0 */
/* script.c: one ruby filter: its object, its compiled code, and a batch's way through it. */
#include "ruby_int.h"

#include <stdio.h>

static VALUE emit_proc;

static VALUE emit_event(RB_BLOCK_CALL_FUNC_ARGLIST(first, data))
{
    (void)data;
    (void)argc;
    (void)argv;
    (void)blockarg;
    struct event *ev = ruby__event_unwrap(first);
    if (!ev)
        rb_raise(rb_eTypeError, "wrong argument type %s (expected LogStash::Event)",
                 rb_obj_classname(first));
    if (ruby_turn.run)
        ruby_turn.script->host->emit(ruby_turn.run, ev);
    return Qnil;
}

/* ---- exceptions ---- */

static VALUE exception_text(VALUE e)
{
    return rb_funcall(rb_path2class("LogStash::Support"), rb_intern("describe"), 1, e);
}

/* Takes the pending exception and writes "Class: message (file:line)". */
static void take_exception(char *text, size_t size)
{
    VALUE e = rb_errinfo();
    rb_set_errinfo(Qnil);
    int state = 0;
    VALUE s = rb_protect(exception_text, e, &state);
    if (state || !RB_TYPE_P(s, T_STRING)) {
        rb_set_errinfo(Qnil);
        (void)snprintf(text, size, "an exception of class %s", rb_obj_classname(e));
        return;
    }
    (void)snprintf(text, size, "%.*s", (int)RSTRING_LEN(s), RSTRING_PTR(s));
}

/* ---- building ---- */

struct build {
    const struct ruby_host *host;
    const struct ruby_script_config *config;
    struct ruby_script *script;
    struct err *err;
    int rc;
};

static VALUE or_nil(struct str s)
{
    return s.p ? ruby__str(s) : Qnil;
}

static VALUE build_protected(VALUE arg)
{
    const struct build *build = (const struct build *)arg;
    const struct ruby_script_config *c = build->config;
    VALUE params = c->params ? ruby__from_value(c->params) : rb_hash_new();
    return rb_funcall(rb_path2class("LogStash::Support"), rb_intern("build"), 7, or_nil(c->code),
                      or_nil(c->init), or_nil(c->path), params, ruby__str(c->file),
                      UINT2NUM(c->code_line), UINT2NUM(c->init_line));
}

static void build_run(void *arg)
{
    struct build *build = arg;
    const struct ruby_script_config *c = build->config;
    if (!emit_proc) {
        rb_gc_register_address(&emit_proc);
        emit_proc = rb_proc_new(emit_event, Qnil);
    }
    struct ruby_script *script = MEM_NEW(struct ruby_script);
    *script = (struct ruby_script){.host = build->host,
                                   .plugin = c->plugin,
                                   .clock = c->clock,
                                   .is_system_clock = c->is_system_clock,
                                   .is_file = c->path.p != NULL,
                                   .tag_on_exception = c->tag_on_exception,
                                   .object = Qnil};
    script->method = rb_intern(script->is_file ? "__run_file" : "__run");
    rb_gc_register_address(&script->object);
    struct batch *batch = batch_new(NULL); /* for events that `init` or the script's tests make */
    ruby_turn.script = script;
    ruby_turn.batch = batch;
    int state = 0;
    if (!c->is_system_clock)
        rb_eval_string_protect("LogStash::Support.follow_clock", &state);
    script->object = rb_protect(build_protected, (VALUE)build, &state);
    ruby__turn_end();
    ruby_turn.script = NULL;
    ruby_turn.batch = NULL;
    batch_unref(batch);
    build->script = script;
    if (state) {
        char text[ERR_TEXT_BYTES];
        take_exception(text, sizeof(text));
        build->rc = err_set(build->err, ERR_CONFIG, "%s", text);
    }
}

static void free_run(void *arg)
{
    struct ruby_script *script = arg;
    rb_gc_unregister_address(&script->object);
    mem_free(script);
}

static void script_free(struct ruby_script *script)
{
    if (script)
        (void)!ruby__call(free_run, script, NULL);
}

static int script_new(const struct ruby_host *host, const struct ruby_script_config *config,
                      struct ruby_script **ret_script, struct err *err)
{
    struct build build = {.host = host, .config = config, .err = err};
    TRY(ruby__call(build_run, &build, err));
    if (build.rc < 0) {
        script_free(build.script);
        return build.rc;
    }
    *ret_script = build.script;
    return 0;
}

/* ---- running ---- */

struct work {
    struct ruby_script *script;
    struct filter_run *run;
    struct event **events;
    size_t count, at;
};

/* A script file gives an array of events: the original in it stays, others are new. */
static void results_take(struct work *work, struct event *original, VALUE results)
{
    const struct ruby_host *host = work->script->host;
    bool has_original = false;
    for (long i = 0; RB_TYPE_P(results, T_ARRAY) && i < RARRAY_LEN(results); i++) {
        struct event *ev = ruby__event_unwrap(rb_ary_entry(results, i));
        if (!ev)
            rb_raise(rb_eTypeError, "filter must give an array of events");
        if (ev == original)
            has_original = true;
        else
            host->emit(work->run, ev);
        host->matched(work->run, ev);
    }
    if (!has_original)
        original->is_cancelled = true;
}

/* Runs events from work->at on until one raises; the next call goes on behind it. */
static VALUE run_protected(VALUE arg)
{
    struct work *work = (struct work *)arg;
    struct ruby_script *script = work->script;
    while (work->at < work->count) {
        struct event *ev = work->events[work->at];
        VALUE wrapper = ruby__event_wrap(ev);
        ruby_turn.current = ev;
        VALUE result =
            rb_funcall_with_block(script->object, script->method, 1, &wrapper, emit_proc);
        if (script->is_file)
            results_take(work, ev, result);
        else
            script->host->matched(work->run, ev);
        work->at++;
    }
    return Qnil;
}

static void work_run(void *arg)
{
    struct work *work = arg;
    struct ruby_script *script = work->script;
    ruby_turn.script = script;
    ruby_turn.run = work->run;
    ruby_turn.batch = work->run->batch;
    while (work->at < work->count) {
        int state = 0;
        (void)rb_protect(run_protected, (VALUE)work, &state);
        if (!state)
            break;
        char text[ERR_TEXT_BYTES];
        take_exception(text, sizeof(text));
        script->host->warn(script->plugin, text);
        script->host->failed(work->run, work->events[work->at], script->tag_on_exception);
        work->at++;
    }
    ruby__turn_end();
    ruby_turn.current = NULL;
    ruby_turn.script = NULL;
    ruby_turn.run = NULL;
    ruby_turn.batch = NULL;
}

static void script_run(struct ruby_script *script, struct filter_run *run, struct event **events,
                       size_t count)
{
    struct work work = {.script = script, .run = run, .events = events, .count = count};
    (void)!ruby__call(work_run, &work,
                      NULL); /* cannot fail: the script was built on the same thread */
}

__attribute__((visibility("default"))) const struct ruby_module *naru_ruby_module(void);

const struct ruby_module *naru_ruby_module(void)
{
    static const struct ruby_module module = {
        .abi = RUBY_MODULE_ABI,
        .event_bytes = sizeof(struct event),
        .batch_bytes = sizeof(struct batch),
        .run_bytes = sizeof(struct filter_run),
        .script_new = script_new,
        .script_run = script_run,
        .script_free = script_free,
    };
    return &module;
}
