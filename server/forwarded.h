/* SPDX-License-Identifier: Apache-2.0
 * forwarded.h - how a client reached this server when proxies stand in between: RFC 7239 "Forwarded", and X-Forwarded-Proto, -Host, -Port, -Prefix.
 *
 * Nothing of this counts unless the peer of the connection is a proxy that the operator trusts.  A chain is followed from its end, which the peer
 * wrote, as long as the addresses before it are trusted too: what was claimed further out is not looked at.  Forwarded, when it is there, takes the
 * place of X-Forwarded-For, -Proto, -Host and -Port.  What is not exactly of its form is as good as not there.  Any thread.
 */
#ifndef SERVER_FORWARDED_H
#define SERVER_FORWARDED_H

#include <sys/socket.h>

#include "base/arena.h"
#include "base/diag.h"

#define FORWARDED_MAX 4096	/* bytes of one of the headers, its lines together; longer ones do not count */
#define FORWARDED_HOPS_MAX 32

/* "10.0.0.0/8, 192.0.2.7, fd00::/8, loopback, private, unix"; empty: nobody.  ERR_BAD_REQUEST names the item.  Free with proxies_free. */
struct proxies;
enum err proxies_read(const char *text, struct proxies **, struct diag *);
void proxies_free(struct proxies *);				/* NULL is allowed */
bool proxies_trust(const struct proxies *, const struct sockaddr *);	/* NULL: nobody; an IPv4 address inside of an IPv6 one is that IPv4 address */

enum forwarded_name { FWD_FORWARDED, FWD_FOR, FWD_PROTO, FWD_HOST, FWD_PORT, FWD_PREFIX, FWD_N_NAMES };
struct forwarded_headers { const char *value[FWD_N_NAMES]; };
/* Notes a header of the request if it is one of these; several lines of one are one list (RFC 9110, 5.3). */
void forwarded_note(struct forwarded_headers *, struct arena *, const char *name, const char *value);

struct forwarded {
	const char *scheme;	/* "http", "https"; NULL: not said */
	const char *host;	/* host[:port], the port only where it is not that of the scheme; NULL: not said */
	const char *mount;	/* "/twin": in front of every path; NULL: none */
	const char *client;	/* "192.0.2.7": who reached the outermost trusted proxy; NULL: not said, or no address */
};
/* `host`: the Host header, to which a port alone belongs; or NULL. */
void forwarded_read(const struct proxies *, const struct forwarded_headers *, const char *host, struct arena *, struct forwarded *);

#endif
