/* SPDX-License-Identifier: Apache-2.0 */
/* How: a run of characters is cut by the word rules of Unicode's UAX #29 as Lucene's
 * StandardTokenizer applies them: letters, digits and connectors hold together; ' . : between
 * letters and . , ; between digits too; each ideograph and each hiragana is a token; katakana and
 * Hangul run. ASCII goes through a table, the rest asks libunistring for the property. */
#include "index/analyze.h"

#include <unicase.h>
#include <unistr.h>
#include <uniwbrk.h>

#include "base/str.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define WORD_STEP_BYTES 16u

enum class {
    CLASS_OTHER = 0,
    CLASS_LETTER,
    CLASS_DIGIT,
    CLASS_CONNECTOR,
    CLASS_MID_LETTER,
    CLASS_MID_NUM,
    CLASS_MID_BOTH,
    CLASS_EXTEND,
    CLASS_KATAKANA,
    CLASS_SINGLE,
    CLASS_COMPLEX
};

/* Of the characters below 128. */
static const uint8_t ascii_classes[128] = {
    ['0' ... '9'] = CLASS_DIGIT, ['A' ... 'Z'] = CLASS_LETTER, ['a' ... 'z'] = CLASS_LETTER,
    ['_'] = CLASS_CONNECTOR,     [':'] = CLASS_MID_LETTER,     [','] = CLASS_MID_NUM,
    [';'] = CLASS_MID_NUM,       ['.'] = CLASS_MID_BOTH,       ['\''] = CLASS_MID_BOTH,
};

static bool in_range(ucs4_t c, ucs4_t first, ucs4_t last)
{
    return c >= first && c <= last;
}

static uint8_t wide_class(ucs4_t c)
{
    /* Ideographs and hiragana: a token each. Thai, Lao, Myanmar, Khmer: a run is a token, for want
     * of a dictionary. */
    if (in_range(c, 0x3041, 0x309F) || in_range(c, 0x3400, 0x4DBF) || in_range(c, 0x4E00, 0x9FFF) ||
        in_range(c, 0xF900, 0xFAFF) || in_range(c, 0x20000, 0x3FFFD) || c == 0x3005 || c == 0x3007)
        return CLASS_SINGLE;
    if (in_range(c, 0x0E01, 0x0ECD) || in_range(c, 0x1000, 0x109F) || in_range(c, 0x1780, 0x17DD))
        return CLASS_COMPLEX;
    switch (uc_wordbreak_property(c)) {
    case WBP_ALETTER:
    case WBP_HL:
        return CLASS_LETTER;
    case WBP_NUMERIC:
        return CLASS_DIGIT;
    case WBP_KATAKANA:
        return CLASS_KATAKANA;
    case WBP_EXTENDNUMLET:
        return CLASS_CONNECTOR;
    case WBP_MIDLETTER:
        return CLASS_MID_LETTER;
    case WBP_MIDNUM:
        return CLASS_MID_NUM;
    case WBP_MIDNUMLET:
    case WBP_SQ:
        return CLASS_MID_BOTH;
    case WBP_EXTEND:
    case WBP_FORMAT:
    case WBP_ZWJ:
        return CLASS_EXTEND;
    default:
        return CLASS_OTHER;
    }
}

static ALWAYS_INLINE uint8_t class_at(const char *p, const char *end, size_t *ret_n, ucs4_t *ret_c)
{
    unsigned char c = (unsigned char)*p;
    if (LIKELY(c < 0x80)) {
        *ret_n = 1;
        *ret_c = c;
        return ascii_classes[c];
    }
    int n = u8_mbtouc(ret_c, (const uint8_t *)p, (size_t)(end - p));
    *ret_n = n > 0 ? (size_t)n : 1;
    return *ret_c == 0xFFFD ? CLASS_OTHER : wide_class(*ret_c);
}

bool analyzer_from_name(struct str name, enum analyzer *ret_analyzer)
{
    static const char *const names[] = {"standard", "simple", "whitespace", "keyword", "stop"};
    *ret_analyzer = ANALYZER_STANDARD;
    if (name.n == 0 || str_is(name, "default"))
        return true;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (str_eq(name, str_from(names[i]))) {
            *ret_analyzer = (enum analyzer)i;
            return true;
        }
    }
    return false;
}

void analysis_init(struct analysis *a, enum analyzer analyzer, struct str text)
{
    a->start = a->p = text.p;
    a->end = str_end(text);
    a->analyzer = analyzer;
    a->position = 0;
    a->token = STR_NONE;
}

/* Whether the mark at hand binds the character before it (`last`) to the one behind it. */
static bool mark_binds(uint8_t mark, uint8_t last, const char *behind, const char *end)
{
    size_t n;
    ucs4_t c;
    if (behind >= end)
        return false;
    uint8_t next = class_at(behind, end, &n, &c);
    bool letters = last == CLASS_LETTER && next == CLASS_LETTER;
    bool digits = last == CLASS_DIGIT && next == CLASS_DIGIT;
    return (letters && mark != CLASS_MID_NUM) || (digits && mark != CLASS_MID_LETTER);
}

static bool joins(uint8_t last, uint8_t next)
{
    switch (next) {
    case CLASS_LETTER:
    case CLASS_DIGIT:
        return last == CLASS_LETTER || last == CLASS_DIGIT || last == CLASS_CONNECTOR;
    case CLASS_KATAKANA:
        return last == CLASS_KATAKANA || last == CLASS_CONNECTOR;
    case CLASS_CONNECTOR:
        return last != CLASS_COMPLEX;
    case CLASS_COMPLEX:
        return last == CLASS_COMPLEX;
    default:
        return false;
    }
}

static void token_set(struct analysis *a, const char *from, const char *to, size_t bytes)
{
    a->token = (struct str){a->text, bytes};
    a->begin = (uint32_t)(from - a->start);
    a->finish = (uint32_t)(to - a->start);
    a->token_position = a->position++;
}

static size_t lower_put(char *out, ucs4_t c)
{
    if (LIKELY(c < 0x80)) {
        *out = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        return 1;
    }
    int n = u8_uctomb((uint8_t *)out, uc_tolower(c), 6);
    return n > 0 ? (size_t)n : 0;
}

#if defined(__SSE2__)
/* How many of the 16 bytes at p are letters and digits of ASCII before the first that is not; all
 * 16 go to `out` in lower case. */
static inline unsigned word_bytes_16(const char *p, char *out)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    /* As signed bytes: what is above 127 is less than any letter. */
    __m128i is_upper = _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8('A' - 1)),
                                     _mm_cmplt_epi8(v, _mm_set1_epi8('Z' + 1)));
    __m128i lower = _mm_or_si128(v, _mm_and_si128(is_upper, _mm_set1_epi8(0x20)));
    __m128i is_letter = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)),
                                      _mm_cmplt_epi8(lower, _mm_set1_epi8('z' + 1)));
    __m128i is_digit = _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8('0' - 1)),
                                     _mm_cmplt_epi8(v, _mm_set1_epi8('9' + 1)));
    _mm_storeu_si128((__m128i *)(void *)out, lower);
    unsigned mask = (unsigned)_mm_movemask_epi8(_mm_or_si128(is_letter, is_digit));
    return (unsigned)__builtin_ctz(~mask); /* the upper half of ~mask is set */
}
#endif

/* Takes the letters and digits of ASCII at p, in lower case, to the token's end: at most as many as
 * a token has left. Returns how many. */
static size_t word_take(struct analysis *a, const char *p, size_t bytes, size_t chars)
{
    size_t max = MIN_OF((size_t)(a->end - p), (size_t)(TOKEN_CHARS_MAX - chars)), n = 0;
    char *out = a->text + bytes;
#if defined(__SSE2__)
    while (max - n >= WORD_STEP_BYTES) {
        unsigned taken = word_bytes_16(p + n, out + n);
        n += taken;
        if (taken < WORD_STEP_BYTES)
            return n;
    }
#endif
    for (unsigned char c; n < max && (c = (unsigned char)p[n]) < 0x80 &&
                          (ascii_classes[c] == CLASS_LETTER || ascii_classes[c] == CLASS_DIGIT);
         n++)
        out[n] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    return n;
}

static bool standard_next(struct analysis *a)
{
    const char *p = a->p, *end = a->end;
    while (p < end) {
        size_t n, chars = 0, bytes = 0;
        ucs4_t c;
        uint8_t class = class_at(p, end, &n, &c);
        if (class == CLASS_OTHER || class == CLASS_EXTEND ||
            (class >= CLASS_MID_LETTER && class <= CLASS_MID_BOTH)) {
            p += n;
            continue;
        }
        const char *from = p;
        bool has_word = false;
        uint8_t last = class;
        for (;;) {
            bytes += lower_put(a->text + bytes, c);
            chars++;
            p += n;
            if (LIKELY(class == CLASS_LETTER || class == CLASS_DIGIT)) {
                /* Most characters: letters and digits of ASCII behind one another. */
                size_t more = word_take(a, p, bytes, chars);
                if (more > 0)
                    class = ascii_classes[(unsigned char)p[more - 1]];
                p += more;
                chars += more;
                bytes += more;
            }
            if (class != CLASS_EXTEND && class < CLASS_MID_LETTER)
                last = class;
            else if (class > CLASS_EXTEND)
                last = class;
            has_word |= class != CLASS_CONNECTOR && class != CLASS_EXTEND;
            if (p == end || chars == TOKEN_CHARS_MAX)
                break;
            class = class_at(p, end, &n, &c);
            if (class == CLASS_EXTEND || joins(last, class))
                continue;
            if (class >= CLASS_MID_LETTER && class <= CLASS_MID_BOTH &&
                mark_binds(class, last, p + n, end) && chars + 1 < TOKEN_CHARS_MAX)
                continue;
            break;
        }
        if (!has_word)
            continue;
        a->p = p;
        token_set(a, from, p, bytes);
        return true;
    }
    a->p = p;
    return false;
}

static bool is_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool whitespace_next(struct analysis *a)
{
    const char *p = a->p, *end = a->end;
    while (p < end && is_space((unsigned char)*p))
        p++;
    const char *from = p;
    size_t bytes = 0;
    while (p < end && !is_space((unsigned char)*p) && bytes < TOKEN_CHARS_MAX)
        a->text[bytes++] = *p++;
    a->p = p;
    if (bytes)
        token_set(a, from, p, bytes);
    return bytes > 0;
}

static bool simple_next(struct analysis *a)
{
    const char *p = a->p, *end = a->end, *from = NULL;
    size_t bytes = 0, chars = 0, n;
    ucs4_t c;
    for (; p < end && chars < TOKEN_CHARS_MAX; p += n) {
        uint8_t class = class_at(p, end, &n, &c);
        bool is_letter = class == CLASS_LETTER || class >= CLASS_KATAKANA;
        if (!is_letter && from)
            break;
        if (!is_letter)
            continue;
        if (!from)
            from = p;
        bytes += lower_put(a->text + bytes, c);
        chars++;
    }
    a->p = p;
    if (from)
        token_set(a, from, p, bytes);
    return from != NULL;
}

/* Lucene's English stop set. */
static bool is_stop_word(struct str s)
{
    static const char *const words[] = {
        "a",   "an",    "and",  "are",   "as",    "at",   "be",   "but", "by",  "for",  "if",
        "in",  "into",  "is",   "it",    "no",    "not",  "of",   "on",  "or",  "such", "that",
        "the", "their", "then", "there", "these", "they", "this", "to",  "was", "will", "with"};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (str_eq(s, str_from(words[i])))
            return true;
    }
    return false;
}

bool analysis_next(struct analysis *a)
{
    switch (a->analyzer) {
    case ANALYZER_STANDARD:
        return standard_next(a);
    case ANALYZER_WHITESPACE:
        return whitespace_next(a);
    case ANALYZER_SIMPLE:
        return simple_next(a);
    case ANALYZER_STOP:
        while (simple_next(a)) {
            if (!is_stop_word(a->token))
                return true;
        }
        return false;
    case ANALYZER_KEYWORD:
        break;
    }
    if (a->position > 0 || a->p == a->end)
        return false;
    a->token = (struct str){a->start, (size_t)(a->end - a->start)};
    a->begin = 0;
    a->finish = (uint32_t)a->token.n;
    a->token_position = a->position++;
    a->p = a->end;
    return true;
}

size_t text_lower(struct str text, char *out, size_t size)
{
    size_t bytes = 0, n;
    ucs4_t c;
    char one[8];
    for (const char *p = text.p, *end = str_end(text); p < end; p += n) {
        (void)class_at(p, end, &n, &c);
        size_t k = lower_put(one, c);
        for (size_t i = 0; i < k; i++, bytes++) {
            if (bytes < size)
                out[bytes] = one[i];
        }
    }
    return bytes;
}
