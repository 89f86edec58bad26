/* SPDX-License-Identifier: Apache-2.0 */
/* console_assets.h: the console's files, gzipped, inside the binary. The table is made by
 * cmake/console.cmake from web/dist; it is empty when the console was not built. */
#ifndef NARU_SERVER_CONSOLE_ASSETS_H
#define NARU_SERVER_CONSOLE_ASSETS_H

#include "base/base.h"

struct console_asset {
    const char *path; /* "/index.html", "/assets/app-1a2b3c.js" */
    const char *content_type;
    const char *etag; /* quoted */
    const uint8_t *gzip;
    const uint8_t *gzip_end;
    bool is_immutable; /* its name has a hash of its content */
};
extern const struct console_asset console_assets[];
extern const size_t console_asset_count;

#endif
