/* SPDX-License-Identifier: Apache-2.0 */
#include "server/actor.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/str.h"
#include "server/call.h"

/* By the beginning of the route's path; what is not here is "rest". */
static const struct { const char *path, *what; } words[] = {
	{ "/upload", "import" }, { "/packages", "packages" }, { "/bulk/", "bulk" }, { "/shell-descriptors", "registry" },
	{ "/submodel-descriptors", "registry" }, { "/lookup/", "discovery" },
};

static const char *what_of(const struct route *r)
{
	const char *path = *r->prefix ? r->prefix : r->path;
	if (str_eq(r->handler_name, "restore"))
		return "restore";
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strncmp(path, words[i].path, strlen(words[i].path)))
			return words[i].what;
	return "rest";
}

const char *actor_of(struct call *c)
{
	if (c->user)
		return arena_printf(c->arena, "user:%s", c->user);
	if (c->client)
		return arena_printf(c->arena, "%s:%s", what_of(c->route), c->client);
	return what_of(c->route);
}

bool actor_header_ok(const char *name)
{
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
	return n && !name[n] && n <= 64;
}

const char *actor_user(struct arena *a, const char *header)
{
	header += strspn(header, " \t");
	size_t n = strlen(header);
	while (n && (header[n - 1] == ' ' || header[n - 1] == '\t'))
		n--;
	if (!n || n > ACTOR_USER_MAX || !utf8_valid(header, n))
		return NULL;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)header[i] < ' ' || header[i] == 127)
			return NULL;
	return arena_strndup(a, header, n);
}

const char *actor_address(struct arena *a, const struct sockaddr *peer)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)peer;
	char text[INET6_ADDRSTRLEN];
	const char *s = NULL;
	if (peer->sa_family == AF_UNIX)
		return "unix";
	if (peer->sa_family == AF_INET)
		s = inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, text, sizeof text);
	else if (peer->sa_family == AF_INET6 && !memcmp(six->sin6_addr.s6_addr, mapped, sizeof mapped))
		s = inet_ntop(AF_INET, six->sin6_addr.s6_addr + sizeof mapped, text, sizeof text);
	else if (peer->sa_family == AF_INET6)
		s = inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text);
	return s ? arena_strdup(a, s) : NULL;
}
