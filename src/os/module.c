/* SPDX-License-Identifier: Apache-2.0 */
/* module.c: see module.h. The loader of the C library keeps one handle a file, so nothing is cached here. */
#include "os/module.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"

#define TRIED_BYTES 384u

struct module_search {
    struct str name;
    void *handle;
    char tried[TRIED_BYTES]; /* folders, for the error's text */
    char failure[256];       /* of a file that is there and cannot be loaded */
};

static void search_in(struct module_search *search, struct str dir, const char *below)
{
    char path[PATH_MAX];
    if (search->handle || dir.n == 0)
        return;
    int n = snprintf(path, sizeof(path), STR_FMT "%s/" STR_FMT ".so", STR_ARG(dir), below, STR_ARG(search->name));
    if (n <= 0 || (size_t)n >= sizeof(path))
        return;
    size_t used = strlen(search->tried);
    (void)snprintf(search->tried + used, TRIED_BYTES - used, "%s" STR_FMT "%s", used ? ", " : "", STR_ARG(dir), below);
    if (access(path, R_OK) != 0)
        return;
    search->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const char *why = search->handle ? NULL : dlerror();
    if (why)
        (void)snprintf(search->failure, sizeof(search->failure), "%s", why);
}

static struct str program_dir(char path[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (n <= 0)
        return STR_NONE;
    while (n > 0 && path[n - 1] != '/')
        n--;
    return (struct str){path, n > 1 ? (size_t)n - 1 : (size_t)n};
}

int module_symbol(struct str name, const char *symbol, void **ret_symbol, struct err *err)
{
    struct module_search search = {.name = name};
    char program[PATH_MAX];
    struct str folders = str_from(getenv("NARU_MODULES")), folder;
    while (folders.n && str_split_next(&folders, ':', &folder))
        search_in(&search, folder, "");
    struct str dir = program_dir(program);
    search_in(&search, dir, "/modules");
    search_in(&search, dir, "/../lib/naru");
    search_in(&search, dir, "");
    if (!search.handle && search.failure[0])
        return err_set(err, ERR_UNSUPPORTED, "module \"" STR_FMT "\" cannot be loaded: %s", STR_ARG(name), search.failure);
    if (!search.handle)
        return err_set(err, ERR_UNSUPPORTED, "module \"" STR_FMT ".so\" is not there (looked in %s; NARU_MODULES names other "
                       "folders)", STR_ARG(name), search.tried);
    *ret_symbol = dlsym(search.handle, symbol);
    if (!*ret_symbol)
        return err_set(err, ERR_UNSUPPORTED, "module \"" STR_FMT "\" has no %s: it belongs to another version",
                       STR_ARG(name), symbol);
    return 0;
}
