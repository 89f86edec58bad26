/* SPDX-License-Identifier: Apache-2.0 */
/* ruby_int.h: shared by the files of the Ruby module. All of it runs on Ruby's thread, except where
 * it says otherwise. */
#ifndef NARU_MODULES_RUBY_RUBY_INT_H
#define NARU_MODULES_RUBY_RUBY_INT_H

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wundef"
#include <ruby.h>
#include <ruby/encoding.h>
#include <ruby/thread.h>
#pragma GCC diagnostic pop
#undef NORETURN /* base/base.h has its own */
#undef ALWAYS_INLINE
#undef NOINLINE

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "pipeline/filters/ruby_module.h"

#define RUBY_VALUE_DEPTH_MAX 64

struct ruby_script {
    const struct ruby_host *host;
    struct plugin *plugin;
    struct clock *clock;
    bool is_system_clock, is_file;
    struct str tag_on_exception;
    VALUE object; /* the instance whose variables the code shares */
    ID method;
};

/* What the thread is working on: set for the length of one call into Ruby. */
struct ruby_turn {
    struct ruby_script *script;
    struct filter_run *run;      /* NULL while a script is built */
    struct batch *batch;         /* events made now belong to it */
    const struct event *current; /* new events come from where this one comes from */
    VALUE wrappers; /* array: the Event objects of this turn, which lose their event at its end */
};
extern struct ruby_turn ruby_turn;

/* ---- vm.c ---- */
/* Any thread: runs fn(arg) on Ruby's thread and waits; starts Ruby first when needed. */
int ruby__call(void (*fn)(void *arg), void *arg, struct err *err) WARN_UNUSED;

/* ---- value.c ---- */
VALUE ruby__from_value(const struct value *v);
/* Raises TypeError for what an event cannot hold. Everything is copied into mem. */
struct value ruby__to_value(struct arena *mem, VALUE v);
VALUE ruby__str(struct str s);
VALUE ruby__timestamp(int64_t ns);
void ruby__value_init(void);

/* ---- event.c ---- */
VALUE ruby__event_wrap(struct event *ev);
/* NULL: no Event. Raises when its batch is over. */
struct event *ruby__event_unwrap(VALUE v);
void ruby__event_init(VALUE logstash);
/* Ends the turn: the Event objects handed out lose their event. */
void ruby__turn_end(void);

#endif
