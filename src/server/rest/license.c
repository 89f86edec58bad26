/* SPDX-License-Identifier: Apache-2.0 */
/* license.c: GET _license and _xpack: Beats and Logstash ask before they send. The answer is that
 * of a build without the commercial features. */
#include "base/str.h"
#include "server/rest.h"

static int license_run(struct rest_call *call, struct err *err)
{
    return err_set(err, ERR_INDEX_NAME,
                   "Invalid index name [" STR_FMT "], must not start with '_'.",
                   STR_ARG(str_from_off(call->path, 1)));
}

static const char *const license_routes[] = {"GET /_license", "GET /_xpack", NULL};
const struct endpoint endpoint_license = {.name = "license",
                                          .summary = "Which commercial features there are: none.",
                                          .routes = license_routes,
                                          .privilege = "monitor",
                                          .takes_any_param = true,
                                          .run = license_run};
