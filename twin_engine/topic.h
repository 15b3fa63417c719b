/* SPDX-License-Identifier: Apache-2.0
 * topic.h - which filters match an MQTT topic (MQTT 5.0, 4.7): a tree over levels, with + and #.
 *
 * Values are the caller's pointers; one filter may carry many values, in the order they were added.  One thread at a time.
 */
#ifndef TWIN_ENGINE_TOPIC_H
#define TWIN_ENGINE_TOPIC_H

#include <stdbool.h>
#include <stddef.h>

#define TOPIC_LENGTH_MAX 65535
#define TOPIC_LEVELS_MAX 128	/* of a filter: bounds the recursion; names may be deeper */

struct topic_tree;

struct topic_tree *topic_tree_new(void);	/* NULL without memory */
void topic_tree_free(struct topic_tree *);	/* NULL is allowed */

/* NULL when it is a filter, else what is wrong with it. */
const char *topic_filter_fault(const char *filter);
/* The same for a topic name: what may be published to. */
const char *topic_name_fault(const char *name);

bool topic_add(struct topic_tree *, const char *filter, void *value);	/* false: not a filter, or no memory */
bool topic_del(struct topic_tree *, const char *filter, const void *value);	/* false: was not there */

/* Calls `hit` once for every value of every filter that matches.  The tree must not be changed by `hit`. */
void topic_match(const struct topic_tree *, const char *name, void (*hit)(void *ctx, void *value), void *ctx);

#endif
