/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/url.h"

#include "base/str.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

struct str url_decode(struct arena *mem, struct str s, bool is_form)
{
    if (str_find_char(s, '%') < 0 && !(is_form && str_find_char(s, '+') >= 0))
        return s;
    char *out = arena_alloc(mem, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int high = s.p[i] == '%' && i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;
        if (low >= 0) {
            out[n++] = (char)(high * 16 + low);
            i += 2;
        } else {
            out[n++] = is_form && s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    out[n] = '\0';
    return (struct str){out, n};
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void url_encode(struct buf *out, struct str s)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (is_unreserved((char)c)) {
            buf_add_char(out, (char)c);
        } else {
            char code[3] = {'%', digits[c >> 4], digits[c & 15]};
            buf_add(out, code, 3);
        }
    }
}

bool url_query_next(struct str *query, struct arena *mem, struct str *ret_name,
                    struct str *ret_value)
{
    struct str part;
    do {
        if (query->n == 0 || !str_split_next(query, '&', &part))
            return false;
    } while (part.n == 0);
    ptrdiff_t eq = str_find_char(part, '=');
    *ret_name = url_decode(mem, eq < 0 ? part : str_sub(part, 0, (size_t)eq), true);
    *ret_value = eq < 0 ? STR_NONE : url_decode(mem, str_from_off(part, (size_t)eq + 1), true);
    return true;
}

static bool parse_host(struct str s, struct url *url)
{
    if (s.n > 0 && s.p[0] == '[') { /* [::1]:9200 */
        ptrdiff_t end = str_find_char(s, ']');
        if (end < 0)
            return false;
        url->host = str_sub(s, 1, (size_t)end - 1);
        s = str_from_off(s, (size_t)end + 1);
    } else {
        ptrdiff_t colon = str_find_char(s, ':');
        url->host = colon < 0 ? s : str_sub(s, 0, (size_t)colon);
        s = colon < 0 ? STR("") : str_from_off(s, (size_t)colon);
    }
    if (s.n == 0)
        return url->host.n > 0;
    uint64_t port;
    if (s.p[0] != ':' || !str_to_u64(str_from_off(s, 1), &port) || port > 65535)
        return false;
    url->port = (uint32_t)port;
    return url->host.n > 0;
}

bool url_parse(struct str text, struct url *ret_url)
{
    struct url url = {0};
    ptrdiff_t at = str_find(text, STR("://"));
    if (at <= 0)
        return false;
    url.scheme = str_sub(text, 0, (size_t)at);
    struct str rest = str_from_off(text, (size_t)at + 3);
    size_t end = 0;
    while (end < rest.n && rest.p[end] != '/' && rest.p[end] != '?')
        end++;
    struct str authority = str_sub(rest, 0, end);
    rest = str_from_off(rest, end);
    ptrdiff_t question = str_find_char(rest, '?');
    url.path = question < 0 ? rest : str_sub(rest, 0, (size_t)question);
    url.query = question < 0 ? STR("") : str_from_off(rest, (size_t)question + 1);
    for (size_t i = authority.n; i-- > 0;) { /* the last '@': a password may hold one */
        if (authority.p[i] != '@')
            continue;
        struct str user = str_sub(authority, 0, i);
        ptrdiff_t colon = str_find_char(user, ':');
        url.user = colon < 0 ? user : str_sub(user, 0, (size_t)colon);
        url.password = colon < 0 ? STR("") : str_from_off(user, (size_t)colon + 1);
        authority = str_from_off(authority, i + 1);
        break;
    }
    if (!parse_host(authority, &url))
        return false;
    *ret_url = url;
    return true;
}
