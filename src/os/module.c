/* SPDX-License-Identifier: Apache-2.0 */
#include "os/module.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "os/os.h"

struct module_path {
    char text[PATH_MAX];
};

/* The folder of the running program; false: not known. */
static bool program_dir(struct module_path *dir)
{
    ssize_t n = readlink("/proc/self/exe", dir->text, sizeof(dir->text) - 1);
    if (n <= 0)
        return false;
    while (n > 0 && dir->text[n - 1] != '/')
        n--;
    dir->text[n] = '\0';
    return n > 0;
}

/* The i-th place to look at; false: no more of them. An empty text is a place that is not there. */
static bool place(size_t i, const char *name, struct module_path *ret_path)
{
    static const char *const beside[] = {"modules/", "../lib/naru/modules/", "../modules/"};
    struct module_path dir;
    ret_path->text[0] = '\0';
    int n = 0;
    if (i == 0) {
        struct str env = os_env("NARU_MODULES");
        if (env.n)
            n = snprintf(ret_path->text, sizeof(ret_path->text), STR_FMT "/%s.so", STR_ARG(env),
                         name);
    } else if (i - 1 < ARRAY_COUNT(beside)) {
        if (program_dir(&dir))
            n = snprintf(ret_path->text, sizeof(ret_path->text), "%s%s%s.so", dir.text,
                         beside[i - 1], name);
    } else {
        return false;
    }
    if (n < 0 || (size_t)n >= sizeof(ret_path->text))
        ret_path->text[0] = '\0';
    return true;
}

int os_module_symbol(const char *name, const char *symbol, void **ret_symbol, struct err *err)
{
    struct module_path path;
    for (size_t i = 0; place(i, name, &path); i++) {
        if (!path.text[0] || access(path.text, R_OK) != 0)
            continue;
        void *handle = dlopen(path.text, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        if (!handle)
            return err_set(err, ERR_UNSUPPORTED, "the module \"%s\" cannot be loaded: %s", name,
                           dlerror());
        void *p = dlsym(handle, symbol);
        if (!p)
            return err_set(err, ERR_UNSUPPORTED,
                           "\"%s\" is no module of this program: %s is missing", path.text, symbol);
        *ret_symbol = p;
        return 0;
    }
    return err_set(err, ERR_NOT_FOUND,
                   "the module \"%s\" is not installed: %s.so is neither in NARU_MODULES nor in"
                   " \"modules\" next to the program",
                   name, name);
}
