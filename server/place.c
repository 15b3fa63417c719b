/* SPDX-License-Identifier: Apache-2.0
 * The text of a place: its number, the hash of its item, and those of the items before it, the nearest first. */
#include "server/place.h"

#include <stdio.h>
#include <stdlib.h>

#define NEIGHBOURS 8		/* items before the place */
#define NOWHERE SIZE_MAX

static uint64_t hash(const char *s)
{
	uint64_t h = 0xCBF29CE484222325u;	/* FNV-1a, the same in every process */
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001B3u;
	return h;
}

/* Where the item is, if it is not behind `most`: an item that has been made again is at the end. */
static size_t find(const struct aas_node *n, place_name *name, uint64_t h, size_t most)
{
	for (size_t i = 0; n && i <= most; n = n->next, i++)
		if (hash(name(n)) == h)
			return i;
	return NOWHERE;
}

static bool read_place(const char *text, size_t *at, uint64_t *of, unsigned *n)
{
	char *end;
	size_t digits = strcspn(text, ",");
	if (!str_size(text, digits, at))
		return false;
	for (*n = 0, text += digits; *text == ',' && *n <= NEIGHBOURS; text = end)
		of[(*n)++] = strtoull(text + 1, &end, 16);
	return !*text;
}

enum err place_begin(struct call *c, const struct aas_node *head, place_name *name, const struct aas_node **first, size_t *at)
{
	uint64_t of[NEIGHBOURS + 1];
	unsigned n = 0;
	size_t was = 0, self, before = NOWHERE;
	*at = 0;
	*first = head;
	if (!c->after)
		return ERR_OK;
	if (!read_place(c->after, &was, of, &n))
		return diag_add(&c->diag, ERR_BAD_REQUEST, "cursor: not one of this list");
	self = n ? find(head, name, of[0], was) : NOWHERE;
	for (unsigned i = 1; i < n && i <= was && before == NOWHERE; i++)
		before = find(head, name, of[i], was - i);
	if (before != NOWHERE)
		before++;
	else if (n && n <= NEIGHBOURS)
		before = 0;		/* there were no more before it, and they are gone */
	*at = self < before ? self : before;
	if (*at == NOWHERE)
		*at = was;
	for (size_t i = 0; *first && i < *at; i++)
		*first = (*first)->next;
	return ERR_OK;
}

const char *place_next(struct call *c, const struct aas_node *head, place_name *name, size_t at)
{
	uint64_t of[NEIGHBOURS + 1];
	size_t i = 0;
	char text[24 + (NEIGHBOURS + 1) * 17], *p = text;
	for (; head && i < at; head = head->next, i++)
		of[i % (NEIGHBOURS + 1)] = hash(name(head));
	if (!head)
		return NULL;
	p += snprintf(p, 24, "%zu", at);
	p += snprintf(p, 18, ",%llx", (unsigned long long)hash(name(head)));
	for (size_t k = 1; k <= NEIGHBOURS && k <= at; k++)
		p += snprintf(p, 18, ",%llx", (unsigned long long)of[(at - k) % (NEIGHBOURS + 1)]);
	return arena_strdup(c->arena, text);
}
