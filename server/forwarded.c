/* SPDX-License-Identifier: Apache-2.0 */
#include "server/forwarded.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

#define PROXIES_MAX 64
#define HOST_MAX 255
#define MOUNT_MAX 200

/* -- whom to trust ---------------------------------------------------------------------------------------------------------------- */
struct block {
	int family;
	unsigned char address[16];
	unsigned bits;
};

struct proxies {
	struct block block[PROXIES_MAX];
	size_t n;
};

static const struct { const char *word, *blocks[5]; } words[] = {
	{ "loopback", { "127.0.0.0/8", "::1/128" } },
	{ "private", { "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7" } },		/* RFC 1918, RFC 4193 */
};

static bool read_address(struct slice s, struct block *b)
{
	char text[INET6_ADDRSTRLEN];
	if (!s.n || s.n >= sizeof text)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = 0;
	memset(b, 0, sizeof *b);
	b->family = memchr(s.p, ':', s.n) ? AF_INET6 : AF_INET;
	b->bits = b->family == AF_INET ? 32 : 128;
	return inet_pton(b->family, text, b->address) == 1;
}

static bool read_block(struct slice s, struct block *b)
{
	const char *slash = memchr(s.p, '/', s.n);
	size_t bits;
	if (!read_address((struct slice){ s.p, slash ? (size_t)(slash - s.p) : s.n }, b))
		return false;
	if (!slash)
		return true;
	slash++;
	if (!str_size(slash, (size_t)(s.p + s.n - slash), &bits) || bits > b->bits)
		return false;
	b->bits = (unsigned)bits;
	return true;
}

static struct slice trimmed(struct slice s)
{
	while (s.n && (*s.p == ' ' || *s.p == '\t'))
		s.p++, s.n--;
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* The part in front of the next comma; false: there is none any more. */
static bool next_item(const char **p, struct slice *item)
{
	if (!*p)
		return false;
	size_t n = strcspn(*p, ",");
	*item = trimmed((struct slice){ *p, n });
	*p = (*p)[n] ? *p + n + 1 : NULL;
	return true;
}

static bool add_block(struct proxies *p, struct slice s)
{
	return p->n < PROXIES_MAX && read_block(s, &p->block[p->n]) && ++p->n;
}

static bool add_item(struct proxies *p, struct slice s)
{
	if (slice_is(s, "unix")) {
		if (p->n == PROXIES_MAX)
			return false;
		p->block[p->n++] = (struct block){ .family = AF_UNIX };
		return true;
	}
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!slice_is(s, words[i].word))
			continue;
		bool ok = true;
		for (const char *const *b = words[i].blocks; *b && ok; b++)
			ok = add_block(p, slice_of(*b));
		return ok;
	}
	return add_block(p, s);
}

enum err proxies_read(const char *text, struct proxies **out, struct diag *d)
{
	struct proxies *p = calloc(1, sizeof *p);
	struct slice item;
	*out = NULL;
	if (!p)
		return ERR_NO_MEMORY;
	while (next_item(&text, &item)) {
		if (!item.n || add_item(p, item))
			continue;
		free(p);
		return diag_add(d, ERR_BAD_REQUEST, "trusted_proxies: \"%.*s\" is no address, no block like 10.0.0.0/8, and none of the words "
				"loopback, private, unix; at most %d blocks", (int)(item.n < 100 ? item.n : 100), item.p, PROXIES_MAX);
	}
	*out = p;
	return ERR_OK;
}

void proxies_free(struct proxies *p)
{
	free(p);
}

static bool within(const struct block *a, const struct block *b)
{
	unsigned bytes = b->bits / 8, rest = b->bits % 8;
	if (a->family != b->family || memcmp(a->address, b->address, bytes))
		return false;
	return !rest || !((a->address[bytes] ^ b->address[bytes]) >> (8 - rest));
}

static bool trusted(const struct proxies *p, struct block *a)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	if (a->family == AF_INET6 && !memcmp(a->address, mapped, sizeof mapped)) {
		a->family = AF_INET;
		memmove(a->address, a->address + 12, 4);
	}
	for (size_t i = 0; p && i < p->n; i++)
		if (within(a, &p->block[i]))
			return true;
	return false;
}

bool proxies_trust(const struct proxies *p, const struct sockaddr *peer)
{
	struct block a = { .family = peer->sa_family };
	if (a.family == AF_INET)
		memcpy(a.address, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, 4);
	else if (a.family == AF_INET6)
		memcpy(a.address, ((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr.s6_addr, 16);
	return trusted(p, &a);
}

/* -- headers ------------------------------------------------------------------------------------------------------------------------ */
void forwarded_note(struct forwarded_headers *h, struct arena *a, const char *name, const char *value)
{
	static const char *const names[FWD_N_NAMES] = {
		"Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix",
	};
	if (*name != 'F' && *name != 'f' && *name != 'X' && *name != 'x')
		return;
	for (int i = 0; i < FWD_N_NAMES; i++) {
		if (strcasecmp(name, names[i]))
			continue;
		const char *before = h->value[i];
		size_t n = (before ? strlen(before) : 0) + strlen(value);
		if (n > FORWARDED_MAX)
			h->value[i] = "";	/* a list that was cut would end with somebody else */
		else
			h->value[i] = before ? arena_printf(a, "%s,%s", before, value) : value;
	}
}

static bool word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._", c));
}

static bool read_port(struct slice s, size_t *port)
{
	return s.n <= 5 && str_size(s.p, s.n, port) && *port > 0 && *port <= 65535;
}

/* host[:port]; *port 0: none.  The name with its brackets goes to *name. */
static bool read_host(struct slice s, struct slice *name, size_t *port)
{
	const char *end = s.p + s.n, *p = s.p;
	struct block b;
	*port = 0;
	if (!s.n || s.n > HOST_MAX)
		return false;
	if (*p == '[') {
		const char *close = memchr(p, ']', s.n);
		if (!close || !read_address((struct slice){ p + 1, (size_t)(close - p - 1) }, &b) || b.family != AF_INET6)
			return false;
		p = close + 1;
	} else {
		while (p < end && word_char(*p))
			p++;
	}
	*name = (struct slice){ s.p, (size_t)(p - s.p) };
	return name->n && (p == end || (*p == ':' && read_port((struct slice){ p + 1, (size_t)(end - p - 1) }, port)));
}

/* The node that connected: an address with or without port (RFC 7239, 6); "unknown" and "_hidden" are nobody's. */
static bool read_node(struct slice s, struct block *b)
{
	struct slice name;
	size_t port;
	if (read_address(s, b))
		return true;
	if (!read_host(s, &name, &port))
		return false;
	if (*name.p == '[')
		name = (struct slice){ name.p + 1, name.n - 2 };
	return read_address(name, b);
}

static bool trusted_node(const struct proxies *p, struct slice s)
{
	struct block b;
	return read_node(s, &b) && trusted(p, &b);
}

static const char *address_of(struct arena *a, struct slice s)
{
	char text[INET6_ADDRSTRLEN];
	struct block b;
	return s.p && read_node(s, &b) && inet_ntop(b.family, b.address, text, sizeof text) ? arena_strdup(a, text) : NULL;
}

struct said {
	struct slice proto, host, port, client;
};

/* -- RFC 7239 ----------------------------------------------------------------------------------------------------------------------- */
struct element {
	struct slice by_for, proto, host;
};

/* token = token / quoted-string; a value with a backslash is none that we need, and makes the header be of no use */
static bool read_pair(const char **at, struct element *e)
{
	static const char token[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~";
	const char *p = *at;
	size_t n = strspn(p, token);
	struct slice name = { p, n }, value, *to = NULL;
	p += n;
	if (!n || *p++ != '=')
		return false;
	if (*p == '"') {
		n = strcspn(++p, "\"\\");
		if (p[n] != '"')
			return false;
		value = (struct slice){ p, n };
		p += n + 1;
	} else {
		n = strspn(p, token);
		if (!n)
			return false;
		value = (struct slice){ p, n };
		p += n;
	}
	if (name.n == 3 && !strncasecmp(name.p, "for", 3))
		to = &e->by_for;
	else if (name.n == 4 && !strncasecmp(name.p, "host", 4))
		to = &e->host;
	else if (name.n == 5 && !strncasecmp(name.p, "proto", 5))
		to = &e->proto;
	if (to && to->p)
		return false;		/* "each parameter MUST NOT occur more than once" */
	if (to)
		*to = value;
	*at = p;
	return true;
}

static const char *blanks(const char *p)
{
	return p + strspn(p, " \t");
}

static bool read_elements(const char *p, struct element *e, size_t *n)
{
	for (*n = 0;; p++) {
		if (*n == FORWARDED_HOPS_MAX)
			return false;
		e[*n] = (struct element){ 0 };
		p = blanks(p);
		while (read_pair(&p, &e[*n])) {
			p = blanks(p);
			if (*p != ';')
				break;
			p = blanks(p + 1);
		}
		(*n)++;
		if (!*p)
			return true;
		if (*p != ',')
			return false;
	}
}

static bool read_forwarded(const struct proxies *p, const char *text, struct said *out)
{
	struct element e[FORWARDED_HOPS_MAX];
	size_t n;
	if (!read_elements(text, e, &n))
		return false;
	while (n--) {
		out->proto = e[n].proto.p ? e[n].proto : out->proto;
		out->host = e[n].host.p ? e[n].host : out->host;
		out->client = e[n].by_for;
		if (!e[n].by_for.p || !trusted_node(p, e[n].by_for))
			break;
	}
	return true;
}

/* -- X-Forwarded-* ------------------------------------------------------------------------------------------------------------------ */
/* The items of the list; 0: none, or too many. */
static size_t items(const char *text, struct slice *item)
{
	size_t n = 0;
	while (text && next_item(&text, &item[n]))
		if (++n == FORWARDED_HOPS_MAX)
			return 0;
	return n;
}

/* What the outermost trusted proxy wrote, `hops` from the end; a proxy that replaces the list leaves a shorter one. */
static struct slice pick(const char *text, size_t hops)
{
	struct slice item[FORWARDED_HOPS_MAX];
	size_t n = items(text, item);
	return n ? item[n - 1 - (hops < n ? hops : n - 1)] : (struct slice){ NULL, 0 };
}

static size_t trusted_hops(const struct proxies *p, const char *text)
{
	struct slice item[FORWARDED_HOPS_MAX];
	size_t n = items(text, item), hops = 0;
	while (hops < n && trusted_node(p, item[n - 1 - hops]))
		hops++;
	return hops;
}

/* A path without anything that a path can be misread by. */
static const char *read_mount(struct arena *a, struct slice s)
{
	while (s.n && s.p[s.n - 1] == '/')
		s.n--;
	if (!s.n || s.n > MOUNT_MAX || *s.p != '/')
		return NULL;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '/' ? s.p[i + 1] == '/' || s.p[i + 1] == '.' : !word_char(s.p[i]) && s.p[i] != '~')
			return NULL;
	return arena_strndup(a, s.p, s.n);
}

static const char *scheme_of(struct slice s)
{
	static const char *const schemes[] = { "http", "https" };
	for (size_t i = 0; i < 2; i++)
		if (s.n == strlen(schemes[i]) && !strncasecmp(s.p, schemes[i], s.n))
			return schemes[i];
	return NULL;
}

static const char *host_of(struct arena *a, const struct said *said, const char *given, const char *scheme)
{
	struct slice name, text = said->host.p ? said->host : slice_of(given ? given : "");
	size_t port, other;
	if (!said->host.p && !said->port.p && !scheme)
		return NULL;
	if (!read_host(text, &name, &port))
		return NULL;
	if (said->port.p && read_port(said->port, &other))
		port = other;
	if (!port || port == (str_eq(scheme ? scheme : "http", "https") ? 443 : 80))
		return arena_strndup(a, name.p, name.n);
	return arena_printf(a, "%.*s:%zu", (int)name.n, name.p, port);
}

void forwarded_read(const struct proxies *p, const struct forwarded_headers *h, const char *host, struct arena *a, struct forwarded *out)
{
	struct said said = { 0 };
	const char *const *v = h->value;
	size_t hops = v[FWD_FOR] ? trusted_hops(p, v[FWD_FOR]) : 0;
	if (v[FWD_FORWARDED]) {
		if (!read_forwarded(p, v[FWD_FORWARDED], &said))
			said = (struct said){ 0 };
	} else {
		said = (struct said){ pick(v[FWD_PROTO], hops), pick(v[FWD_HOST], hops), pick(v[FWD_PORT], hops), pick(v[FWD_FOR], hops) };
	}
	out->scheme = scheme_of(said.proto);
	out->host = host_of(a, &said, host, out->scheme);
	struct slice mount = pick(v[FWD_PREFIX], hops);
	out->mount = mount.p ? read_mount(a, mount) : NULL;
	out->client = address_of(a, said.client);
}
