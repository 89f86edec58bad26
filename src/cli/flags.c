/* SPDX-License-Identifier: Apache-2.0 */
/* flags.c: command-line text to settings by a flag table. Values go through the same option code as
 * configuration files (event/options.h), so a size or duration is written the same way everywhere.
 */
#include "base/str.h"
#include "cli/command.h"
#include "cli/settings_file.h"
#include "event/options.h"

static const struct flag *flag_by_name(const struct command *command, struct str name)
{
    for (const struct flag *f = command->flags; f && f->opt.kind != OPT_KIND_END; f++) {
        if (str_eq(str_from(f->opt.name), name))
            return f;
    }
    return NULL;
}

static const struct flag *flag_by_letter(const struct command *command, char letter)
{
    for (const struct flag *f = command->flags; f && f->opt.kind != OPT_KIND_END; f++) {
        if (f->letter == letter)
            return f;
    }
    return NULL;
}

static size_t flag_count(const struct command *command)
{
    size_t n = 0;
    while (command->flags && command->flags[n].opt.kind != OPT_KIND_END)
        n++;
    return n;
}

static int unknown_flag(const struct command *command, struct str text, struct err *err)
{
    const char *names[64] = {0};
    for (size_t i = 0; i < flag_count(command) && i < ARRAY_COUNT(names) - 1; i++)
        names[i] = command->flags[i].opt.name;
    struct str name = text;
    while (name.n && name.p[0] == '-')
        name = str_from_off(name, 1);
    const char *near = name_nearest(names, name);
    if (near)
        return err_set(err, ERR_INVALID, "unknown flag \"" STR_FMT "\": did you mean --%s?",
                       STR_ARG(text), near);
    return err_set(err, ERR_INVALID, "unknown flag \"" STR_FMT "\": see naru %s --help",
                   STR_ARG(text), command->name);
}

/* Adds one given value to the tree that options_fill reads; lists collect, others must be given
 * once. */
static void flag_add(struct arena *mem, struct value *map, const struct flag *flag, struct str text)
{
    struct str name = str_from(flag->opt.name);
    if (flag->opt.kind != OPT_KIND_LIST) {
        value_map_set(mem, map, name, value_str(text)); /* the last one wins, as in other tools */
        return;
    }
    struct value *list = value_map_get(map, name);
    if (!list) {
        value_map_set(mem, map, name, value_list(mem, 4));
        list = value_map_get(map, name);
    }
    value_list_add(mem, list, value_str(text));
}

struct split {
    const struct flag *flag;
    struct str value; /* p == NULL: is the next argument */
};

/* Takes "--name=value", "--name", "-xvalue" or "-x" apart. */
static int flag_split(const struct command *command, struct str arg, struct split *ret_split,
                      struct err *err)
{
    struct split split = {0};
    if (str_starts_with(arg, STR("--"))) {
        struct str name = str_from_off(arg, 2);
        ptrdiff_t eq = str_find_char(name, '=');
        if (eq >= 0) {
            split.value = str_from_off(name, (size_t)eq + 1);
            name = str_sub(name, 0, (size_t)eq);
        }
        split.flag = flag_by_name(command, name);
    } else {
        split.flag = flag_by_letter(command, arg.p[1]);
        if (arg.n > 2)
            split.value = str_from_off(arg, 2);
    }
    if (!split.flag)
        return unknown_flag(command, arg, err);
    *ret_split = split;
    return 0;
}

static int fill(const struct command *command, const struct value *map, void *settings,
                struct arena *mem, struct err *err)
{
    size_t n = flag_count(command);
    struct opt *opts = ARENA_ARRAY(mem, struct opt, n + 1);
    for (size_t i = 0; i < n; i++)
        opts[i] = command->flags[i].opt;
    return options_fill(opts, settings, map, OPTIONS_LOGSTASH, mem, NULL, NULL, NULL, err);
}

int flags_parse(const struct command *command, int argc, char **argv, struct arena *mem,
                void *settings, bool *ret_wants_help, struct str **ret_args, size_t *ret_arg_count,
                struct err *err)
{
    struct value map = value_map(mem, 8);
    struct str *args = ARENA_ARRAY(mem, struct str, (size_t)argc + 1);
    size_t arg_count = 0;
    bool only_args = false;
    *ret_wants_help = false;
    for (int i = 0; i < argc; i++) {
        struct str arg = str_from(argv[i]);
        if (only_args || arg.n < 2 || arg.p[0] != '-') {
            if (!command->args)
                return err_set(err, ERR_INVALID,
                               "unexpected argument \"" STR_FMT "\": see naru %s --help",
                               STR_ARG(arg), command->name);
            args[arg_count++] = arg;
            continue;
        }
        if (str_is(arg, "--")) {
            only_args = true;
            continue;
        }
        if (str_is(arg, "--help") || str_is(arg, "-h")) {
            *ret_wants_help = true;
            return 0;
        }
        struct split split;
        TRY(flag_split(command, arg, &split, err));
        if (!split.value.p && split.flag->opt.kind == OPT_KIND_BOOL)
            split.value = STR("true");
        if (!split.value.p) {
            if (i + 1 >= argc)
                return err_set(err, ERR_INVALID, "flag --%s needs a value (%s)",
                               split.flag->opt.name,
                               split.flag->value_name ? split.flag->value_name : "VALUE");
            split.value = str_from(argv[++i]);
        }
        flag_add(mem, &map, split.flag, split.value);
    }
    const struct value *file =
        command->settings_flag ? value_map_get(&map, str_from(command->settings_flag)) : NULL;
    if (file)
        TRY(settings_file_read(vfs_posix(), command, file->s, mem, &map, err));
    TRY(fill(command, &map, settings, mem, err));
    *ret_args = args;
    *ret_arg_count = arg_count;
    return 0;
}
