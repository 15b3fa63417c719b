/* SPDX-License-Identifier: Apache-2.0
 * Addresses of the public internet, and all the others.
 */
#include "server/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "tests/tap.h"

static struct sockaddr_storage of(const char *text)
{
	struct sockaddr_storage a;
	memset(&a, 0, sizeof a);
	a.ss_family = strchr(text, ':') ? AF_INET6 : AF_INET;
	void *to = a.ss_family == AF_INET ? (void *)&((struct sockaddr_in *)(void *)&a)->sin_addr : (void *)&((struct sockaddr_in6 *)(void *)&a)->sin6_addr;
	if (inet_pton(a.ss_family, text, to) != 1)
		exit(1);
	return a;
}

static void is(const char *text, bool want)
{
	struct sockaddr_storage a = of(text);
	check_int(address_is_public((struct sockaddr *)&a), want, "%s is %s", text, want ? "public" : "not public");
}

/* Both sides of every border. */
static const char *const open_ones[] = {
	"1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1", "169.253.255.255", "169.255.0.0",
	"172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
	"198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255", "8.8.8.8",
	"2001:200::1", "2001:4860:4860::8888", "2600::1", "2003::1", "3ffe::1", "2001:db7:ffff::1", "2001:db9::1",
	"::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1",
};
static const char *const closed_ones[] = {
	"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1", "127.255.255.255", "169.254.0.0",
	"169.254.169.254", "169.254.255.255", "172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.255", "192.0.2.1", "192.88.99.1", "192.168.0.0", "192.168.255.255",
	"198.18.0.0", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
	"::", "::1", "::7f00:1", "fc00::1", "fdff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "2001::1", "2001:1ff::1", "2001:db8::1", "3fff::1", "100::1", "4000::1",
	"::ffff:127.0.0.1", "::ffff:10.1.2.3", "64:ff9b::7f00:1", "64:ff9b:1::808:808", "2002:7f00:1::1", "2002:c0a8:1::",
};

int main(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_storage a = of("127.0.0.1"), b = of("127.0.0.1"), c = of("127.0.0.2"), d = of("::1"), e = of("::1"), f = of("::ffff:127.0.0.1");
	for (size_t i = 0; i < sizeof open_ones / sizeof *open_ones; i++)
		is(open_ones[i], true);
	for (size_t i = 0; i < sizeof closed_ones / sizeof *closed_ones; i++)
		is(closed_ones[i], false);
	check(!address_is_public((struct sockaddr *)&un), "a socket in a file is not public");
	((struct sockaddr_in *)(void *)&b)->sin_port = 7;
	check(address_same_host((struct sockaddr *)&a, (struct sockaddr *)&b), "the same host on another port");
	check(!address_same_host((struct sockaddr *)&a, (struct sockaddr *)&c), "another host");
	check(address_same_host((struct sockaddr *)&d, (struct sockaddr *)&e), "the same of IPv6");
	check(!address_same_host((struct sockaddr *)&a, (struct sockaddr *)&f), "another family is another host");
	check(!address_same_host((struct sockaddr *)&un, (struct sockaddr *)&un), "no host at all");
	return done();
}
