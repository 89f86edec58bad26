/* SPDX-License-Identifier: Apache-2.0 */
/* vm.c: Ruby's thread. Ruby is bound to the thread that started it, so there is one for the
 * process, started with the first script and never ended; work is handed to it through one slot.
 * While it waits, Ruby's lock is free, so that threads that a script made can run.
 *
 * Ruby takes over the process's signal handlers when it starts; they are put back, since stopping
 * is not its business. */
#include <pthread.h>
#include <signal.h>

#include "ruby_int.h"

#define VM_STACK_BYTES (16 * MIB)

struct job {
    void (*fn)(void *arg);
    void *arg;
    bool is_done;
    struct job *next;
};

static struct {
    pthread_mutex_t mu;
    pthread_cond_t has_job, has_result; /* with mu */
    struct job *first, *last;           /* guarded by mu */
    bool is_started, is_up, is_broken;  /* guarded by mu */
    pthread_t thread;
} vm = {.mu = PTHREAD_MUTEX_INITIALIZER,
        .has_job = PTHREAD_COND_INITIALIZER,
        .has_result = PTHREAD_COND_INITIALIZER};

struct ruby_turn ruby_turn;
extern const char ruby_prelude[], ruby_prelude_end[];

static void *wait_job(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&vm.mu);
    while (!vm.first)
        pthread_cond_wait(&vm.has_job, &vm.mu);
    struct job *job = vm.first;
    vm.first = job->next;
    if (!vm.first)
        vm.last = NULL;
    pthread_mutex_unlock(&vm.mu);
    return job;
}

static VALUE clock_ns(VALUE self)
{
    (void)self;
    const struct ruby_script *script = ruby_turn.script;
    return script && !script->is_system_clock ? LL2NUM(clock_wall_ns(script->clock)) : Qnil;
}

static VALUE host_log(VALUE self, VALUE text)
{
    (void)self;
    if (ruby_turn.script)
        ruby_turn.script->host->warn(ruby_turn.script->plugin, StringValueCStr(text));
    return Qnil;
}

static VALUE iso8601(VALUE self, VALUE ns)
{
    (void)self;
    char text[40];
    size_t n = time_to_iso8601(NUM2LL(ns), text);
    return rb_utf8_str_new(text, (long)n);
}

static VALUE prelude_eval(VALUE text)
{
    return rb_funcall(rb_mKernel, rb_intern("eval"), 4, text, Qnil, rb_utf8_str_new_cstr("(naru)"),
                      INT2FIX(1));
}

static bool set_up(void)
{
    VALUE logstash = rb_define_module("LogStash");
    rb_define_singleton_method(logstash, "__clock_ns", clock_ns, 0);
    rb_define_singleton_method(logstash, "__log", host_log, 1);
    rb_define_singleton_method(logstash, "__iso8601", iso8601, 1);
    int state = 0;
    (void)rb_protect(prelude_eval, rb_utf8_str_new(ruby_prelude, ruby_prelude_end - ruby_prelude),
                     &state);
    if (state) {
        rb_p(rb_errinfo());
        rb_set_errinfo(Qnil);
        return false;
    }
    ruby__value_init();
    ruby__event_init(logstash);
    return true;
}

static bool start_ruby(void)
{
    static const int signals[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGALRM, SIGUSR1, SIGUSR2,
                                  SIGCHLD, SIGPIPE, SIGSEGV, SIGBUS,  SIGILL,  SIGSYS};
    struct sigaction saved[ARRAY_COUNT(signals)];
    for (size_t i = 0; i < ARRAY_COUNT(signals); i++)
        (void)sigaction(signals[i], NULL, &saved[i]);
    static char name[] = "naru", gems[] = "--disable=gems,did_you_mean,error_highlight,rubyopt",
                encoding[] = "-EUTF-8:UTF-8", code[] = "-e", nothing[] = "";
    char *argv[] = {name, gems, encoding, code, nothing, NULL};
    bool is_ok = ruby_setup() == 0;
    if (is_ok) {
        void *node = ruby_options(5, argv);
        int status;
        is_ok = ruby_executable_node(node, &status) != 0 && ruby_exec_node(node) == 0;
    }
    for (size_t i = 0; i < ARRAY_COUNT(signals); i++)
        (void)sigaction(signals[i], &saved[i], NULL);
    return is_ok && set_up();
}

/* Signals of the process are for its other threads; SIGVTALRM is how Ruby wakes its own. */
static void mask_signals(void)
{
    sigset_t set;
    (void)sigfillset(&set);
    (void)sigdelset(&set, SIGVTALRM);
    (void)sigdelset(&set, SIGSEGV);
    (void)sigdelset(&set, SIGBUS);
    (void)sigdelset(&set, SIGFPE);
    (void)sigdelset(&set, SIGILL);
    (void)pthread_sigmask(SIG_SETMASK, &set, NULL);
}

static void *vm_main(void *arg)
{
    (void)arg;
    volatile VALUE stack_start = Qnil;
    (void)pthread_setname_np(pthread_self(), "ruby");
    ruby_init_stack(&stack_start);
    mask_signals();
    bool is_ok = start_ruby();
    pthread_mutex_lock(&vm.mu);
    vm.is_up = is_ok;
    vm.is_broken = !is_ok;
    pthread_cond_broadcast(&vm.has_result);
    pthread_mutex_unlock(&vm.mu);
    while (is_ok) {
        struct job *job = rb_thread_call_without_gvl(wait_job, NULL, NULL, NULL);
        job->fn(job->arg);
        pthread_mutex_lock(&vm.mu);
        job->is_done = true;
        pthread_cond_broadcast(&vm.has_result);
        pthread_mutex_unlock(&vm.mu);
    }
    return NULL;
}

/* Called with mu. */
static bool start_locked(void)
{
    if (!vm.is_started) {
        pthread_attr_t attr;
        vm.is_started = true;
        (void)pthread_attr_init(&attr);
        (void)pthread_attr_setstacksize(&attr, VM_STACK_BYTES);
        vm.is_broken = pthread_create(&vm.thread, &attr, vm_main, NULL) != 0;
        (void)pthread_attr_destroy(&attr);
    }
    while (!vm.is_up && !vm.is_broken)
        pthread_cond_wait(&vm.has_result, &vm.mu);
    return vm.is_up;
}

int ruby__call(void (*fn)(void *arg), void *arg, struct err *err)
{
    struct job job = {.fn = fn, .arg = arg};
    pthread_mutex_lock(&vm.mu);
    if (!start_locked()) {
        pthread_mutex_unlock(&vm.mu);
        return err_set(err, ERR_UNSUPPORTED, "Ruby does not start in this process");
    }
    if (vm.last)
        vm.last->next = &job;
    else
        vm.first = &job;
    vm.last = &job;
    pthread_cond_signal(&vm.has_job);
    while (!job.is_done)
        pthread_cond_wait(&vm.has_result, &vm.mu);
    pthread_mutex_unlock(&vm.mu);
    return 0;
}
