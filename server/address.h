/* SPDX-License-Identifier: Apache-2.0
 * address.h - which addresses lie on the public internet, so that a URL that a client wrote leads nowhere else by accident.
 */
#ifndef SERVER_ADDRESS_H
#define SERVER_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* False for loopback, private, link-local, shared, multicast, documentation, reserved and unspecified addresses (the registries of RFC 6890),
 * for IPv6 addresses that carry such an IPv4 one, and for every family that is not IP. */
bool address_is_public(const struct sockaddr *);
/* The same host, whatever the port. */
bool address_same_host(const struct sockaddr *, const struct sockaddr *);

#endif
