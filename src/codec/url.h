/* SPDX-License-Identifier: Apache-2.0 */
/* url.h: percent-encoding and query strings (RFC 3986, application/x-www-form-urlencoded). */
#ifndef NARU_CODEC_URL_H
#define NARU_CODEC_URL_H

#include "base/arena.h"
#include "base/buf.h"

/* Decodes %XX; with `is_form` also '+' to a space. A '%' without two hex digits stays as it is.
 * Borrows when nothing is encoded. */
struct str url_decode(struct arena *mem, struct str s, bool is_form);
/* Encodes everything but unreserved characters (letters, digits, - . _ ~). */
void url_encode(struct buf *out, struct str s);
/* Takes the next name=value off a query string, decoded; false at its end. A name without '=' has p
 * == NULL as value. */
bool url_query_next(struct str *query, struct arena *mem, struct str *ret_name,
                    struct str *ret_value);

/* scheme://user:password@host:port/path?query taken apart; borrowed, still encoded. False: no such
 * shape. */
struct url {
    struct str scheme, user, password, host, path, query;
    uint32_t port; /* 0: none was given */
};
bool url_parse(struct str text, struct url *ret_url);

#endif
