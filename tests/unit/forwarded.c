/* SPDX-License-Identifier: Apache-2.0
 * Who is trusted, and what of Forwarded and X-Forwarded-* then counts.
 */
#include "server/forwarded.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "tests/tap.h"

static struct arena *arena;

static struct proxies *list(const char *text)
{
	struct proxies *p;
	check_int(proxies_read(text, &p, NULL), ERR_OK, "\"%s\" is a list", text);
	return p;
}

static bool trusts(const char *proxies, const char *peer)
{
	struct sockaddr_storage a = { .ss_family = strchr(peer, '/') ? AF_UNIX : strchr(peer, ':') ? AF_INET6 : AF_INET };
	if (a.ss_family != AF_UNIX)
		inet_pton(a.ss_family, peer, a.ss_family == AF_INET ? (void *)&((struct sockaddr_in *)(void *)&a)->sin_addr :
			  (void *)&((struct sockaddr_in6 *)(void *)&a)->sin6_addr);
	struct proxies *p = list(proxies);
	bool yes = proxies_trust(p, (struct sockaddr *)(void *)&a);
	proxies_free(p);
	return yes;
}

static void peers(void)
{
	static const struct { const char *proxies, *peer; bool want; } cases[] = {
		{ "", "127.0.0.1", false }, { "127.0.0.1", "127.0.0.1", true }, { "127.0.0.1", "127.0.0.2", false }, { "loopback", "127.9.9.9", true }, { "loopback", "::1", true },
		{ "loopback", "10.0.0.1", false }, { "10.0.0.0/8", "10.255.0.1", true }, { "10.0.0.0/8", "11.0.0.1", false }, { "10.1.2.128/25", "10.1.2.200", true },
		{ "10.1.2.128/25", "10.1.2.100", false }, { "0.0.0.0/0", "8.8.8.8", true }, { "0.0.0.0/0", "2600::1", false }, { "fd00::/8", "fd12::1", true }, { "fd00::/8", "fe80::1", false },
		{ "2001:db8::7", "2001:db8::7", true }, { "2001:db8::7", "2001:db8::8", false }, { "10.0.0.0/8", "::ffff:10.1.1.1", true }, { "private", "172.31.0.1", true },
		{ "private", "172.32.0.1", false }, { " 192.0.2.1 ,, unix ", "/socket", true }, { "loopback", "/socket", false }, { "192.0.2.1,198.51.100.0/24", "198.51.100.9", true },
	};
	static const char *const bad[] = { "x", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "::/129", "10.0.0.1:80", "loopback private", "1.2.3.4/8/8" };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_int(trusts(cases[i].proxies, cases[i].peer), cases[i].want, "\"%s\" and %s", cases[i].proxies, cases[i].peer);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct proxies *p;
		struct diag d = DIAG_INIT;
		check(proxies_read(bad[i], &p, &d) == ERR_BAD_REQUEST && !p && d.n == 1, "\"%s\" is none", bad[i]);
		diag_fini(&d);
	}
	check(!proxies_trust(NULL, &(struct sockaddr){ .sa_family = AF_INET }), "without a list nobody is trusted");
}

/* "scheme host mount", "-" for what is not said. */
static const char *read_all(const char *const *header)
{
	struct forwarded_headers h = { { NULL } };
	struct forwarded f;
	struct proxies *p;
	proxies_read("loopback, 10.0.0.0/8", &p, NULL);
	for (; *header; header += 2)
		forwarded_note(&h, arena, header[0], header[1]);
	forwarded_read(p, &h, "inner:8080", arena, &f);
	proxies_free(p);
	return arena_printf(arena, "%s %s %s", f.scheme ? f.scheme : "-", f.host ? f.host : "-", f.mount ? f.mount : "-");
}

#define H(...) (const char *const[]){ __VA_ARGS__, NULL }
static void headers(void)
{
	const struct { const char *const *header; const char *want; } cases[] = {
		{ H("Accept", "x"), "- - -" }, { H("X-Forwarded-Proto", "https"), "https inner:8080 -" }, { H("x-forwarded-proto", "HTTPS"), "https inner:8080 -" },
		{ H("X-Forwarded-Proto", "ftp"), "- - -" }, { H("X-Forwarded-Host", "plant.example"), "- plant.example -" },
		{ H("X-Forwarded-Proto", "https", "X-Forwarded-Host", "plant.example:443"), "https plant.example -" },
		{ H("X-Forwarded-Proto", "https", "X-Forwarded-Host", "plant.example", "X-Forwarded-Port", "8443"), "https plant.example:8443 -" },
		{ H("X-Forwarded-Host", "plant.example:81", "X-Forwarded-Port", "80"), "- plant.example -" }, { H("X-Forwarded-Port", "9000"), "- inner:9000 -" },
		{ H("X-Forwarded-Port", "99999"), "- inner:8080 -" }, { H("X-Forwarded-Host", "[2001:db8::1]:8443"), "- [2001:db8::1]:8443 -" },
		{ H("X-Forwarded-Host", "[10.0.0.1]"), "- - -" }, { H("X-Forwarded-Host", "a b"), "- - -" }, { H("X-Forwarded-Host", "a\"b"), "- - -" }, { H("X-Forwarded-Host", "a/b"), "- - -" },
		{ H("X-Forwarded-Host", "a:0"), "- - -" }, { H("X-Forwarded-Host", ""), "- - -" }, { H("X-Forwarded-Host", "user@a"), "- - -" },
		{ H("X-Forwarded-Prefix", "/twin/"), "- - /twin" }, { H("X-Forwarded-Prefix", "/"), "- - -" }, { H("X-Forwarded-Prefix", "/a/../b"), "- - -" }, { H("X-Forwarded-Prefix", "//evil"), "- - -" },
		{ H("X-Forwarded-Prefix", "twin"), "- - -" }, { H("X-Forwarded-Prefix", "/a\rX"), "- - -" }, { H("X-Forwarded-Prefix", "/a%2f"), "- - -" },
		/* what the outermost trusted proxy wrote counts, not what stood there before */
		{ H("X-Forwarded-For", "203.0.113.9", "X-Forwarded-Host", "evil.example, plant.example"), "- plant.example -" },
		{ H("X-Forwarded-For", "203.0.113.9, 10.0.0.7", "X-Forwarded-Host", "evil.example, plant.example, inner2"), "- plant.example -" },
		{ H("X-Forwarded-For", "203.0.113.9, 10.0.0.7:443", "X-Forwarded-Host", "plant.example"), "- plant.example -" },
		{ H("X-Forwarded-For", "10.0.0.1, unknown, 10.0.0.7", "X-Forwarded-Proto", "http, https, http"), "https inner:8080 -" },
		{ H("X-Forwarded-Host", "evil.example", "X-Forwarded-Host", "plant.example"), "- plant.example -" },
		/* RFC 7239 */
		{ H("Forwarded", "for=203.0.113.9;proto=https;host=plant.example"), "https plant.example -" },
		{ H("Forwarded", "For=\"[2001:db8::1]:4711\" ; Proto=https; host=\"plant.example:8443\""), "https plant.example:8443 -" },
		{ H("Forwarded", "host=evil.example, for=203.0.113.9;host=plant.example"), "- plant.example -" },
		{ H("Forwarded", "host=evil.example;for=1.1.1.1, for=203.0.113.9;host=plant.example;proto=https, for=10.0.0.7;proto=http"), "https plant.example -" },
		{ H("Forwarded", "for=_hidden;proto=https", "X-Forwarded-Host", "evil.example", "X-Forwarded-Prefix", "/twin"), "https inner:8080 /twin" },
		{ H("Forwarded", "proto=https;proto=http"), "- - -" }, { H("Forwarded", "proto=https;;host=a b"), "- - -" }, { H("Forwarded", "proto=\"https"), "- - -" },
		{ H("Forwarded", "host=\"a\\\"b\""), "- - -" }, { H("Forwarded", "proto"), "- - -" }, { H("Forwarded", "=x"), "- - -" }, { H("Forwarded", ""), "- - -" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_str(read_all(cases[i].header), cases[i].want, "%s: %s", cases[i].header[0], cases[i].header[1]);
	char *longer = arena_alloc(arena, FORWARDED_MAX + 2);
	memset(longer, 'a', FORWARDED_MAX + 1);
	check_str(read_all(H("X-Forwarded-Host", longer, "X-Forwarded-Host", "b")), "- b -", "a line that is too long is forgotten");
	memset(longer, ',', FORWARDED_MAX + 1);
	longer[FORWARDED_MAX] = 0;
	check_str(read_all(H("X-Forwarded-Host", longer)), "- - -", "so is a list of too many");
}

int main(void)
{
	arena = arena_new(0);
	peers();
	headers();
	arena_free(arena);
	return done();
}
