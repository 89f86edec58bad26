/* SPDX-License-Identifier: Apache-2.0 */
/* env.c: ${NAME} and ${NAME:default} inside strings, as Logstash replaces them: names of letters,
 * digits, _ and ., the default up to the first }, one pass (a replaced text is not looked at
 * again). Anything else that begins with ${ stays. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "os/os.h"
#include "pipeline/config/config.h"

#define ENV_TEXT_BYTES_MAX (16 * MIB)

static bool is_name_char(char c, bool is_first)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.')
        return true;
    return !is_first && c >= '0' && c <= '9';
}

struct env_ref {
    struct str name;
    bool has_default;
    struct str dflt;
    size_t end; /* behind the } */
};

/* Is there a reference at `at` (which points to "${")? */
static bool ref_at(struct str text, size_t at, struct env_ref *ref)
{
    size_t i = at + 2;
    while (i < text.n && is_name_char(text.p[i], i == at + 2))
        i++;
    if (i == at + 2 || i >= text.n)
        return false;
    ref->name = str_sub(text, at + 2, i - at - 2);
    ref->has_default = text.p[i] == ':';
    ref->dflt = STR("");
    if (ref->has_default) {
        ptrdiff_t close = str_find_char(str_from_off(text, i + 1), '}');
        if (close < 0)
            return false;
        ref->dflt = str_sub(text, i + 1, (size_t)close);
        i += 1 + (size_t)close;
    }
    if (text.p[i] != '}')
        return false;
    ref->end = i + 1;
    return true;
}

static struct str env_look_up(const struct config_options *options, struct str name,
                              struct arena *mem)
{
    if (options->env_get)
        return options->env_get(options->env_owner, name);
    return os_env(arena_cstr(mem, name));
}

static int ref_expand(const struct config_options *options, const struct env_ref *ref,
                      struct arena *mem, struct buf *out, struct err *err)
{
    struct str value = env_look_up(options, ref->name, mem);
    if (!value.p && !ref->has_default)
        return err_set(err, ERR_CONFIG,
                       "the environment variable \"" STR_FMT
                       "\" is not set: set it, or give a default, ${" STR_FMT ":default}",
                       STR_ARG(ref->name), STR_ARG(ref->name));
    buf_add_str(out, value.p ? value : ref->dflt);
    return 0;
}

static int expand_all(const struct config_options *options, struct str text, struct arena *mem,
                      struct buf *out, struct err *err)
{
    for (size_t i = 0; i < text.n;) {
        struct env_ref ref;
        if (text.p[i] == '$' && i + 1 < text.n && text.p[i + 1] == '{' && ref_at(text, i, &ref)) {
            TRY(ref_expand(options, &ref, mem, out, err));
            i = ref.end;
        } else {
            buf_add_char(out, text.p[i++]);
        }
    }
    if (out->is_over)
        return err_set(err, ERR_CONFIG,
                       "the text is longer than %llu bytes with its variables replaced",
                       (unsigned long long)ENV_TEXT_BYTES_MAX);
    return 0;
}

int config_env_expand(const struct config_options *options, struct str text, struct arena *mem,
                      struct str *ret_text, struct err *err)
{
    if (str_find(text, STR("${")) < 0) {
        *ret_text = text;
        return 0;
    }
    struct buf out;
    buf_init(&out, ENV_TEXT_BYTES_MAX);
    int rc = expand_all(options, text, mem, &out, err);
    if (rc == 0)
        *ret_text = arena_str(mem, buf_str(&out));
    buf_deinit(&out);
    return rc;
}
