/* SPDX-License-Identifier: Apache-2.0 */
#include "server/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

struct block {
	unsigned char prefix[16];
	unsigned bits;
};

/* IANA IPv4 Special-Purpose Address Registry, multicast, and what is reserved. */
static const struct block closed4[] = {
	{ { 0 }, 8 }, { { 10 }, 8 }, { { 100, 64 }, 10 }, { { 127 }, 8 }, { { 169, 254 }, 16 }, { { 172, 16 }, 12 }, { { 192, 0, 0 }, 24 },
	{ { 192, 0, 2 }, 24 }, { { 192, 88, 99 }, 24 }, { { 192, 168 }, 16 }, { { 198, 18 }, 15 }, { { 198, 51, 100 }, 24 },
	{ { 203, 0, 113 }, 24 }, { { 224 }, 4 }, { { 240 }, 4 },
};

/* Of IPv6 only 2000::/3 is given out at all (RFC 4291), and of that not these. */
static const struct block closed6[] = {
	{ { 0x20, 0x01 }, 23 },				/* protocol assignments, Teredo */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, { { 0x3f, 0xff }, 20 },	/* documentation */
};
static const struct block global6 = { { 0x20 }, 3 };

/* An IPv4 address inside of an IPv6 one, and where. */
static const struct { struct block block; size_t at; } carriers[] = {
	{ { { [10] = 0xff, [11] = 0xff }, 96 }, 12 },	/* mapped */
	{ { { 0x00, 0x64, 0xff, 0x9b }, 96 }, 12 },	/* NAT64 */
	{ { { 0x20, 0x02 }, 16 }, 2 },			/* 6to4 */
};

static bool within(const unsigned char *a, const struct block *b)
{
	size_t bytes = b->bits / 8;
	unsigned rest = b->bits % 8;
	if (memcmp(a, b->prefix, bytes))
		return false;
	return !rest || ((a[bytes] ^ b->prefix[bytes]) >> (8 - rest)) == 0;
}

static bool public4(const unsigned char *a)
{
	for (size_t i = 0; i < sizeof closed4 / sizeof *closed4; i++)
		if (within(a, &closed4[i]))
			return false;
	return true;
}

static bool public6(const unsigned char *a)
{
	for (size_t i = 0; i < sizeof carriers / sizeof *carriers; i++)
		if (within(a, &carriers[i].block))
			return public4(a + carriers[i].at);
	for (size_t i = 0; i < sizeof closed6 / sizeof *closed6; i++)
		if (within(a, &closed6[i]))
			return false;
	return within(a, &global6);
}

/* The bytes of the address; NULL: another family. */
static const unsigned char *bytes_of(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET)
		return (const unsigned char *)&((const struct sockaddr_in *)(const void *)a)->sin_addr;
	if (a->sa_family == AF_INET6)
		return ((const struct sockaddr_in6 *)(const void *)a)->sin6_addr.s6_addr;
	return NULL;
}

bool address_is_public(const struct sockaddr *a)
{
	const unsigned char *p = bytes_of(a);
	return p && (a->sa_family == AF_INET ? public4(p) : public6(p));
}

bool address_same_host(const struct sockaddr *a, const struct sockaddr *b)
{
	const unsigned char *p = bytes_of(a), *q = bytes_of(b);
	return p && q && a->sa_family == b->sa_family && !memcmp(p, q, a->sa_family == AF_INET ? 4 : 16);
}
