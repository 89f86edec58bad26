/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_test.c: what was saved is read again, over failed calls, torn tails and power losses.
 */
#include "support/test.h"

#include "stream/checkpoint.h"
#include "support/fault.h"

struct seen {
    char text[256]; /* payloads joined by | */
};

static int on_payload(void *owner, struct str payload, struct err *err)
{
    struct seen *seen = owner;
    (void)err;
    size_t n = strlen(seen->text);
    (void)snprintf(seen->text + n, sizeof(seen->text) - n, "%s" STR_FMT, n ? "|" : "",
                   STR_ARG(payload));
    return 0;
}

static struct checkpoint *open_it(struct test *t, struct vfs *fs, struct seen *seen)
{
    struct checkpoint *c = NULL;
    *seen = (struct seen){""};
    assert_ok(checkpoint_open(fs, STR("s"), STR("me"), on_payload, seen, &c, &t->err), &t->err);
    return c;
}

static void reads_what_it_wrote(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    struct seen seen;
    struct checkpoint *c = open_it(t, fs, &seen);
    assert_true(checkpoint_wants_whole(c));
    assert_ok(checkpoint_write(c, STR("A"), &t->err), &t->err);
    assert_false(checkpoint_wants_whole(c));
    assert_ok(checkpoint_append(c, STR("b"), &t->err), &t->err);
    checkpoint_close(c);
    c = open_it(t, fs, &seen);
    assert_string_equal(seen.text, "A|b");
    assert_ok(checkpoint_append(c, STR("c"), &t->err), &t->err);
    assert_ok(checkpoint_write(c, STR("ABC"), &t->err), &t->err);
    checkpoint_close(c);
    c = open_it(t, fs, &seen);
    assert_string_equal(seen.text, "ABC");
    checkpoint_close(c);
    vfs_mem_free(fs);
}

static void cuts_a_torn_tail(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    struct seen seen;
    struct checkpoint *c = open_it(t, fs, &seen);
    assert_ok(checkpoint_write(c, STR("A"), &t->err), &t->err);
    assert_ok(checkpoint_append(c, STR("bbbb"), &t->err), &t->err);
    checkpoint_close(c);
    struct str whole;
    assert_ok(vfs_read_file(fs, STR("s"), MIB, t->mem, &whole, &t->err), &t->err);
    for (size_t n = whole.n - 11; n < whole.n; n++) {
        assert_ok(vfs_write_file(fs, STR("s"), str_sub(whole, 0, n), &t->err), &t->err);
        c = open_it(t, fs, &seen);
        assert_string_equal(seen.text, "A");
        assert_ok(checkpoint_append(c, STR("c"), &t->err), &t->err);
        checkpoint_close(c);
        c = open_it(t, fs, &seen);
        assert_string_equal(seen.text, "A|c");
        checkpoint_close(c);
    }
    vfs_mem_free(fs);
}

static void refuses_another_identity(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    struct seen seen = {""};
    struct checkpoint *c = open_it(t, fs, &seen);
    assert_ok(checkpoint_write(c, STR("A"), &t->err), &t->err);
    checkpoint_close(c);
    c = NULL;
    assert_err(checkpoint_open(fs, STR("s"), STR("you"), on_payload, &seen, &c, &t->err), &t->err,
               ERR_INVALID);
    assert_err_has(&t->err, "other settings");
    assert_ok(vfs_write_file(fs, STR("s"), STR("rubbish"), &t->err), &t->err);
    assert_err(checkpoint_open(fs, STR("s"), STR("me"), on_payload, &seen, &c, &t->err), &t->err,
               ERR_CORRUPT);
    vfs_mem_free(fs);
}

static void grows_then_wants_whole(struct test *t)
{
    struct vfs *fs = vfs_mem_new();
    struct seen seen;
    struct checkpoint *c = open_it(t, fs, &seen);
    char *block = arena_zalloc(t->mem, 300000);
    assert_ok(checkpoint_write(c, STR("A"), &t->err), &t->err);
    int appends = 0;
    while (!checkpoint_wants_whole(c)) {
        assert_ok(checkpoint_append(c, (struct str){block, 300000}, &t->err), &t->err);
        assert_true(++appends < 10);
    }
    assert_int_equal(appends, 4);
    checkpoint_close(c);
    vfs_mem_free(fs);
}

/* A failed save leaves what was there, or what was to be saved; the next one works. */
static void faults(struct test *t)
{
    FAULT_LOOP(f)
    {
        struct seen seen;
        struct checkpoint *c = open_it(t, f.fs, &seen);
        assert_ok(checkpoint_write(c, STR("A"), &t->err), &t->err);
        fault_arm(&f);
        int rc = checkpoint_append(c, STR("b"), &t->err);
        bool was_hit = fault_disarm(&f);
        assert_true(was_hit || rc == 0);
        struct seen after;
        struct checkpoint *reader = open_it(t, f.fs, &after);
        bool has_new = strcmp(after.text, "A|b") == 0;
        assert_true(has_new || (rc < 0 && strcmp(after.text, "A") == 0));
        checkpoint_close(reader);
        if (rc < 0) {
            assert_true(checkpoint_wants_whole(c));
            assert_ok(checkpoint_write(c, STR("AB"), &t->err), &t->err);
        }
        checkpoint_close(c);
    }
}

/* Power goes at every step: at least everything that was acknowledged is there, and nothing else
 * than what was written. */
static void power_losses(struct test *t)
{
    for (uint64_t step = 1; step < 60; step++) {
        struct vfs *fs = vfs_sim_new(t->seed + step);
        struct seen seen;
        struct checkpoint *c = NULL;
        int acknowledged = -1;
        vfs_sim_crash_at(fs, step);
        int rc = checkpoint_open(fs, STR("s"), STR("me"), on_payload, &seen, &c, &t->err);
        for (int i = 0; rc == 0 && i < 8; i++) {
            struct str payload = arena_printf(t->mem, "%d", i);
            rc = i % 3 == 0 ? checkpoint_write(c, payload, &t->err)
                            : checkpoint_append(c, payload, &t->err);
            acknowledged = rc == 0 ? i : acknowledged;
        }
        checkpoint_close(c);
        vfs_sim_crash(fs, t->seed ^ step);
        c = open_it(t, fs, &seen);
        int last = seen.text[0] ? seen.text[strlen(seen.text) - 1] - '0' : -1;
        if (last != acknowledged && last != acknowledged + 1)
            fail_msg("step %llu: \"%s\", acknowledged %d", (unsigned long long)step, seen.text,
                     acknowledged);
        checkpoint_close(c);
        vfs_sim_free(fs);
    }
}

TEST_MAIN(TEST(reads_what_it_wrote), TEST(cuts_a_torn_tail), TEST(refuses_another_identity),
          TEST(grows_then_wants_whole), TEST(faults), TEST(power_losses))
