/* SPDX-License-Identifier: Apache-2.0 */
/* config.h: a Logstash configuration as a tree. The parser accepts what Logstash 7.11 accepts, and
 * where that one's grammar is known to trip people (a comment on the last line, comments inside
 * hashes, `not  in`) what later ones do; everything else gets file, line, column and the right
 * form.
 *
 * Several files of one pipeline are parsed one after the other into the same `struct config`: each
 * must be complete by itself, inputs and outputs are united, filters follow each other. */
#ifndef NARU_PIPELINE_CONFIG_CONFIG_H
#define NARU_PIPELINE_CONFIG_CONFIG_H

#include "event/value.h"
#include "pipeline/config/source.h"

#define CONFIG_DEPTH_MAX 64u /* nesting of branches, parentheses and values */

struct condition;
struct unit;

enum config_section { CONFIG_INPUT, CONFIG_FILTER, CONFIG_OUTPUT, CONFIG_SECTION_COUNT };

/* In `extra` of a VALUE_MAP: a plugin as a setting's value (`codec => json { … }`); its only entry
 * is name => settings. */
#define CONFIG_VALUE_PLUGIN 1u

struct config_plugin {
    struct str name;
    const struct source *source;
    uint32_t pos;          /* byte offset + 1, as in values */
    struct value settings; /* a map */
    struct unit *unit;     /* the instance, once there is one */
};

struct config_node { /* a plugin, or a branch with its arms in order */
    struct config_node *next;
    struct config_plugin *plugin;
    struct config_arm *arms;
};

struct config_arm {
    struct config_arm *next;
    struct condition *condition; /* NULL: else; config_free frees it */
    const struct source *source;
    uint32_t pos;
    struct config_node *nodes;
};

struct config {
    struct config_node *first[CONFIG_SECTION_COUNT], *last[CONFIG_SECTION_COUNT];
};

struct config_options {
    bool support_escapes;
    /* Looks an environment variable up; p == NULL: not set. NULL: the process's environment. */
    struct str (*env_get)(void *owner, struct str name);
    void *env_owner;
    /* What is accepted, but probably not meant. MAY be NULL. */
    void (*warn)(void *owner, const struct source *source, size_t off, const char *text);
    void *warn_owner;
};

/* Adds one file's content; `source` is borrowed for the tree's life. -ERR_CONFIG with position. */
int config_parse(struct config *config, const struct source *source,
                 const struct config_options *options, struct arena *mem,
                 struct err *err) WARN_UNUSED;

/* Frees the conditions; the tree itself lies in the arena. Fine after a failed parse. */
void config_free(struct config *config);

/* Replaces ${NAME} and ${NAME:default}. Borrows `text` when there is nothing to replace.
 * -ERR_CONFIG naming the variable. */
int config_env_expand(const struct config_options *options, struct str text, struct arena *mem,
                      struct str *ret_text, struct err *err) WARN_UNUSED;

/* Reads the files a path stands for: itself, all of a folder, or what a glob in its last part
 * matches; sorted, names that end in ~ left out. Adds them to a heap array grown by mem_grow. */
int config_read(struct vfs *fs, struct str path, struct arena *mem, struct source ***sources,
                size_t *count, size_t *capacity, struct err *err) WARN_UNUSED;

#endif
