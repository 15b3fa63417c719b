/* SPDX-License-Identifier: Apache-2.0
 * pattern.c - compiled by recursive descent into a small program, run in all its states at once (K. Thompson, 1968).
 */
#include "aas/pattern.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define OPS_MAX 600
#define GROUPS_MAX 24		/* nested */
#define ATOMS_MAX 4000		/* read, those that are repeated each time */
#define MANY (-1)

enum op_kind { OP_SET, OP_SPLIT, OP_JUMP, OP_MATCH };

/* Jumps are relative, so that a part can be moved. */
struct op {
	enum op_kind kind;
	int x, y;
	uint32_t set[8];		/* of bytes */
};

struct compiler {
	const char *p;
	struct op op[OPS_MAX];
	int n, depth, atoms;
	bool bad;
};

static void emit(struct compiler *c, enum op_kind kind, int x, int y)
{
	if (c->n < OPS_MAX)
		c->op[c->n++] = (struct op){ .kind = kind, .x = x, .y = y };
	else
		c->bad = true;
}

/* Move what was emitted since `at` by one, and put a split before it. */
static void split_before(struct compiler *c, int at, int x, int y)
{
	emit(c, OP_SPLIT, 0, 0);
	if (c->bad)
		return;
	memmove(&c->op[at + 1], &c->op[at], (size_t)(c->n - 1 - at) * sizeof *c->op);
	c->op[at] = (struct op){ .kind = OP_SPLIT, .x = x, .y = y };
}

/* ---- classes ------------------------------------------------------------------------------------------- */

static void add(uint32_t set[8], unsigned from, unsigned to)
{
	for (; from <= to; from++)
		set[from >> 5] |= 1u << (from & 31);
}

/* The set of \d, \w, \s and their opposites; false: the letter stands for itself. */
static bool named(uint32_t set[8], char letter)
{
	uint32_t s[8] = { 0 };
	switch (letter | 0x20) {
	case 'd':
		add(s, '0', '9');
		break;
	case 'w':
		add(s, '0', '9');
		add(s, 'A', 'Z');
		add(s, 'a', 'z');
		add(s, '_', '_');
		break;
	case 's':
		add(s, '\t', '\r');
		add(s, ' ', ' ');
		break;
	default:
		return false;
	}
	for (int i = 0; i < 8; i++)
		set[i] |= letter & 0x20 ? s[i] : ~s[i];
	return true;
}

static unsigned char escaped(char c)
{
	return (unsigned char)(c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c);
}

/* "{2,3}]": published templates have the number of a class before its bracket; it can only be meant behind it. */
static const char *misplaced_count(const char *p)
{
	const char *q = p + 1;
	if (*p != '{')
		return NULL;
	q += strspn(q, "0123456789,");
	return q > p + 1 && q[0] == '}' && q[1] == ']' ? p : NULL;
}

static unsigned char class_byte(struct compiler *c)
{
	unsigned char b = (unsigned char)*c->p++;
	if (b != '\\')
		return b;
	if (!*c->p) {
		c->bad = true;
		return b;
	}
	return escaped(*c->p++);
}

/* After the bracket.  A count that stands inside is left for the caller, with its place. */
static const char *class(struct compiler *c, uint32_t set[8])
{
	const char *count = NULL;
	bool not = *c->p == '^';
	c->p += not;
	for (bool first = true; *c->p && (*c->p != ']' || first) && !c->bad; first = false) {
		if ((count = misplaced_count(c->p))) {
			c->p += strcspn(c->p, "}") + 1;
			break;
		}
		if (*c->p == '\\' && c->p[1] && named(set, c->p[1])) {
			c->p += 2;
			continue;
		}
		unsigned char from = class_byte(c), to = from;
		if (*c->p == '-' && c->p[1] && c->p[1] != ']') {
			c->p++;
			to = class_byte(c);
		}
		if (from > to)
			c->bad = true;
		else
			add(set, from, to);
	}
	if (*c->p != ']')
		c->bad = true;
	else
		c->p++;
	for (int i = 0; i < 8; i++)
		set[i] = not ? ~set[i] : set[i];
	return count;
}

/* ---- grammar --------------------------------------------------------------------------------------------- */

static void alternatives(struct compiler *);

static const char *atom(struct compiler *c)
{
	uint32_t set[8] = { 0 };
	const char *count = NULL;
	char b = *c->p++;
	if (++c->atoms > ATOMS_MAX) {	/* groups of nothing, counted again and again, make no program but take their time */
		c->bad = true;
		return NULL;
	}
	if (b == '(') {
		if (!strncmp(c->p, "?:", 2))
			c->p += 2;
		if (++c->depth > GROUPS_MAX)
			c->bad = true;
		else
			alternatives(c);
		c->depth--;
		if (*c->p == ')')
			c->p++;
		else
			c->bad = true;
		return NULL;
	}
	if (b == '[') {
		count = class(c, set);
	} else if (b == '.') {
		add(set, 0, 255);
	} else if (b == '\\' && *c->p) {
		if (!named(set, *c->p))
			add(set, escaped(*c->p), escaped(*c->p));
		c->p++;
	} else if (strchr("?*+{\\", b)) {
		c->bad = true;
	} else {
		add(set, (unsigned char)b, (unsigned char)b);
	}
	emit(c, OP_SET, 0, 0);
	if (!c->bad)
		memcpy(c->op[c->n - 1].set, set, sizeof set);
	return count;
}

static int number(const char **p)
{
	int n = 0;
	while (**p >= '0' && **p <= '9')
		n = n < OPS_MAX ? n * 10 + *(*p)++ - '0' : ((*p)++, n);
	return n;
}

/* How often: false when nothing is said. */
static bool quantity(struct compiler *c, const char **p, int *least, int *most)
{
	static const struct { char sign; int least, most; } signs[] = { { '?', 0, 1 }, { '*', 0, MANY }, { '+', 1, MANY } };
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
		if (**p == signs[i].sign) {
			*least = signs[i].least;
			*most = signs[i].most;
			(*p)++;
			return true;
		}
	if (**p != '{')
		return false;
	(*p)++;
	if (**p < '0' || **p > '9')
		c->bad = true;
	*least = *most = number(p);
	if (**p == ',') {
		(*p)++;
		*most = **p >= '0' && **p <= '9' ? number(p) : MANY;
	}
	if (**p != '}' || (*most != MANY && *most < *least))
		c->bad = true;
	else
		(*p)++;
	return true;
}

static void again(struct compiler *c, const char *from)
{
	c->p = from;
	atom(c);
}

static void piece(struct compiler *c)
{
	const char *from = c->p;
	int start = c->n, least, most;
	const char *inside = atom(c), *after = c->p;
	if (c->bad || !quantity(c, inside ? &inside : &after, &least, &most) || c->bad)
		return;
	if (!least)
		c->n = start;
	for (int i = 1; i < least && !c->bad; i++) {
		start = c->n;
		again(c, from);
	}
	if (most == MANY && least) {
		emit(c, OP_SPLIT, start - c->n, 1);
	} else if (most == MANY) {
		again(c, from);
		split_before(c, start, 1, c->n - start + 2);
		emit(c, OP_JUMP, start - c->n, 0);
	}
	for (int i = least; i < most && !c->bad; i++) {
		start = c->n;
		again(c, from);
		split_before(c, start, 1, c->n - start + 1);
	}
	c->p = after;
}

static void alternatives(struct compiler *c)
{
	int start = c->n;
	while (*c->p && *c->p != '|' && *c->p != ')' && !(*c->p == '$' && !c->p[1]) && !c->bad)
		piece(c);
	if (*c->p != '|' || c->bad)
		return;
	c->p++;
	split_before(c, start, 1, c->n - start + 2);
	int jump = c->n;
	emit(c, OP_JUMP, 0, 0);
	alternatives(c);
	if (!c->bad)
		c->op[jump].x = c->n - jump;
}

/* ---- run ------------------------------------------------------------------------------------------------- */

struct states {
	uint32_t in[(OPS_MAX + 32) / 32];
	int at[OPS_MAX + 1], n;
};

/* Whatever can be reached without a byte; each once, so the stack is never longer than the program. */
static void reach(const struct compiler *c, struct states *s, int at)
{
	int stack[2 * OPS_MAX], n = 0;
	stack[n++] = at;
	while (n) {
		at = stack[--n];
		if (s->in[at >> 5] >> (at & 31) & 1)
			continue;
		s->in[at >> 5] |= 1u << (at & 31);
		s->at[s->n++] = at;
		if (c->op[at].kind == OP_SPLIT)
			stack[n++] = at + c->op[at].y;
		if (c->op[at].kind == OP_SPLIT || c->op[at].kind == OP_JUMP)
			stack[n++] = at + c->op[at].x;
	}
}

static bool run(const struct compiler *c, const char *text, size_t n)
{
	struct states now = { .n = 0 }, next;
	reach(c, &now, 0);
	for (size_t i = 0; i < n && now.n; i++, now = next) {
		unsigned char b = (unsigned char)text[i];
		memset(&next, 0, sizeof next);
		for (int k = 0; k < now.n; k++) {
			const struct op *op = &c->op[now.at[k]];
			if (op->kind == OP_SET && op->set[b >> 5] >> (b & 31) & 1)
				reach(c, &next, now.at[k] + 1);
		}
	}
	return now.in[(c->n - 1) >> 5] >> ((c->n - 1) & 31) & 1;
}

enum aas_pattern_result aas_pattern_match(const char *pattern, const char *text, size_t n)
{
	struct compiler c = { .p = pattern + (*pattern == '^') };
	alternatives(&c);
	if (*c.p == '$' && !c.p[1])
		c.p++;
	if (*c.p)
		c.bad = true;
	emit(&c, OP_MATCH, 0, 0);
	return c.bad ? AAS_PATTERN_UNKNOWN : run(&c, text, n) ? AAS_PATTERN_YES : AAS_PATTERN_NO;
}
