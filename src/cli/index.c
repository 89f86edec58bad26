/* SPDX-License-Identifier: Apache-2.0 */
/* index.c: `naru index check DIR`: verifies every checksum and cross-reference of a data folder at
 * rest. */
#include <stdio.h>

#include "base/buf.h"
#include "base/str.h"
#include "cli/command.h"
#include "index/engine.h"

#define REPORT_BYTES_MAX (64 * MIB)

static int index_run(struct app *app, void *settings, const struct str *args, size_t arg_count)
{
    (void)settings;
    if (arg_count != 2 || !str_is(args[0], "check")) {
        fprintf(stderr, "naru: usage: naru index check DIR\n");
        return EXIT_USAGE;
    }
    struct str path = args[1];
    struct vfs_stat stat;
    struct str engine_path = path_join(app->mem, path, STR("engine"));
    if (vfs_stat(app->fs, engine_path, true, &stat, NULL) == 0 && stat.kind == VFS_KIND_DIR)
        path = engine_path; /* a node's --path.data holds it under engine/ */
    struct buf report;
    struct err err;
    buf_init(&report, REPORT_BYTES_MAX);
    int rc = index_check(app->fs, path, &report, &err);
    (void)fwrite(report.p, 1, report.n, stdout);
    buf_deinit(&report);
    return rc < 0 ? app_fail(&err) : EXIT_OK;
}

static const char *const index_examples[] = {
    "naru index check data", "reads every file of the data folder and says what it checked", NULL};

const struct command command_index = {
    .name = "index",
    .summary = "checks the files of a data folder",
    .usage = "naru index check DIR",
    .text = "The folder must not be in use. Exit status 0: everything is sound.",
    .examples = index_examples,
    .args = "check DIR",
    .run = index_run,
};
