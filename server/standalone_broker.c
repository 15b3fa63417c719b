/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "server/standalone_priv.h"

/* Below the range from which the kernel takes ports for outgoing connections: such a port stays ours between two starts. */
#define PORT_FIRST 21000
#define PORT_COUNT 10000
#define READY_US (20 * US_PER_S)

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static bool port_is_free(int port)
{
	struct sockaddr_in at = loopback(port);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool free = fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) &&
		!bind(fd, (struct sockaddr *)&at, sizeof at) && !listen(fd, 1);
	if (fd >= 0)
		close(fd);
	return free;
}

static int read_number(const char *dir, const char *name)
{
	char path[STANDALONE_PATH];
	struct slice text;
	size_t v = 0;
	struct arena *a = arena_new(4096);
	if (a && standalone_path(path, dir, name) && !file_read(a, path, 64, &text, NULL)) {
		while (text.n && text.p[text.n - 1] == '\n')
			text.n--;
		if (!str_size(text.p, text.n, &v) || v > INT_MAX)
			v = 0;
	}
	arena_free(a);
	return (int)v;
}

static enum err write_number(const char *dir, const char *name, int v, struct diag *d)
{
	char path[STANDALONE_PATH], text[24];
	int n = snprintf(text, sizeof text, "%d\n", v);
	if (!standalone_path(path, dir, name))
		return diag_add(d, ERR_IO, "%s: the name is too long", dir);
	return file_write(path, text, (size_t)n, 0644, d);
}

/* The port of the last time when it is free, else another one, remembered. */
static enum err choose_port(struct standalone_broker *b, struct diag *d)
{
	int old = read_number(b->dir, "port"), from = (int)(standalone_hash(b->dir) % PORT_COUNT);
	int port = old > 0 && old < 65536 && port_is_free(old) ? old : 0;
	for (int i = 0; !port && i < PORT_COUNT; i++)
		if (port_is_free(PORT_FIRST + (from + i) % PORT_COUNT))
			port = PORT_FIRST + (from + i) % PORT_COUNT;
	if (!port)
		return diag_add(d, ERR_UNAVAILABLE, "there is no free port for the broker");
	b->port = port;
	if (old && old != port)
		log_warn("standalone", "port %d is taken: the broker moves to %d", old, port);
	return old == port ? ERR_OK : write_number(b->dir, "port", port, d);
}

static enum err write_conf(struct standalone_broker *b, struct diag *d)
{
	char text[1200];
	int n = snprintf(text, sizeof text,
		"# written at every start of the server\n"
		"listener %d 127.0.0.1\n"
		"allow_anonymous true\n"
		"set_tcp_nodelay true\n"
		"# sessions and what waits for them survive a restart; a crash may lose the last half minute of what waits\n"
		"persistence true\n"
		"persistence_location ./\n"
		"autosave_interval 30\n"
		"persistent_client_expiration 14d\n"
		"# a server that is away for an hour at a thousand messages per second misses nothing\n"
		"max_queued_messages 4000000\n"
		"max_queued_bytes 536870912\n"
		"max_inflight_messages 1000\n"
		"connection_messages false\n"
		"log_type error\nlog_type warning\nlog_type notice\n"
		"log_timestamp_format %%Y-%%m-%%dT%%H:%%M:%%SZ\n"
		"log_dest stderr\n", b->port);
	return file_write(b->conf, text, (size_t)n, 0644, d);
}

/* Where mosquitto lies: in sbin, which is not in everybody's PATH. */
static bool find_program(char out[STANDALONE_PATH], const char *given)
{
	static const char *const place[] = { "/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/sbin" };
	if (given)
		return (size_t)snprintf(out, STANDALONE_PATH, "%s", given) < STANDALONE_PATH && !access(out, X_OK);
	for (size_t i = 0; i < sizeof place / sizeof *place; i++)
		if (standalone_path(out, place[i], "mosquitto") && !access(out, X_OK))
			return true;
	const char *path = getenv("PATH");
	for (size_t n; path && *path; path += n + (path[n] == ':')) {
		n = strcspn(path, ":");
		if (n && *path == '/' && (size_t)snprintf(out, STANDALONE_PATH, "%.*s/mosquitto", (int)n, path) < STANDALONE_PATH &&
		    !access(out, X_OK))
			return true;
	}
	return false;
}

static enum err settle_port(struct standalone *s, struct diag *d)
{
	child_user_enter(&s->user);
	enum err e = choose_port(&s->broker, d);
	if (!e)
		e = write_conf(&s->broker, d);
	child_user_leave(&s->user);
	return e;
}

/* Somebody may take the port before the broker does.  Once it was announced it stays: clients know it. */
static bool still_free(void *ctx)
{
	struct standalone *s = ctx;
	return s->broker.announced || port_is_free(s->broker.port) || !settle_port(s, NULL);
}

enum err standalone_broker_start(struct standalone *s, const char *program, struct diag *d)
{
	struct standalone_broker *b = &s->broker;
	enum err e;
	if (!find_program(b->program, program))
		return diag_add(d, ERR_UNAVAILABLE, "mosquitto is not installed%s%s; install it, or name a broker", program ? " at " : "",
				program ? program : "");
	if (!standalone_path(b->dir, s->home, "broker") || !standalone_path(b->conf, b->dir, "mosquitto.conf") ||
	    !standalone_path(b->log, s->logs, "mosquitto.log"))
		return diag_add(d, ERR_IO, "%s: the name is too long", s->home);
	if ((e = standalone_mkdir(s, b->dir, 0700, d)))
		return e;
	if (!child_end_strangers("mosquitto", b->dir, SIGTERM, 10 * US_PER_S))
		return diag_add(d, ERR_CONFLICT, "a broker that an earlier server left in %s does not end", b->dir);
	if ((e = settle_port(s, d)))
		return e;
	b->argv[0] = b->program;
	b->argv[1] = "-c";
	b->argv[2] = b->conf;
	b->spec = (struct child_spec){ .name = "mosquitto", .argv = b->argv, .cwd = b->dir, .log = b->log, .user = &s->user,
				       .stop_signal = SIGTERM, .hurry_signal = SIGTERM, .grace_us = 12 * US_PER_S,
				       .before = still_free, .ctx = s };
	b->child = child_start(&b->spec);
	return b->child ? ERR_OK : diag_add(d, ERR_NO_MEMORY, "cannot start a thread for the broker");
}

/* A CONNECT of MQTT 3.1.1 without client id, answered by CONNACK "accepted": a broker, and one that lets us in. */
static bool answers(int port)
{
	static const unsigned char hello[] = { 0x10, 12, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 10, 0, 0 }, bye[] = { 0xe0, 0 };
	struct sockaddr_in at = loopback(port);
	unsigned char reply[4];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes = false;
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&at, sizeof at) && send(fd, hello, sizeof hello, MSG_NOSIGNAL) == sizeof hello) {
		struct pollfd p = { fd, POLLIN, 0 };
		yes = poll(&p, 1, 1000) == 1 && recv(fd, reply, sizeof reply, 0) == sizeof reply && reply[0] == 0x20 && reply[3] == 0;
		if (yes && send(fd, bye, sizeof bye, MSG_NOSIGNAL) < 0)
			yes = false;
	}
	if (fd >= 0)
		close(fd);
	return yes;
}

enum err standalone_broker_ready(struct standalone *s, struct diag *d)
{
	struct standalone_broker *b = &s->broker;
	int64_t until = clock_mono_us() + READY_US;
	char line[400];
	pid_t pid = 0;
	while (!((pid = child_pid(b->child)) > 0 && answers(b->port) && child_pid(b->child) == pid)) {
		if (clock_mono_us() > until || child_deaths(b->child) >= 5) {
			child_last_line(b->log, line, sizeof line);
			return diag_add(d, ERR_UNAVAILABLE, "the broker does not come up: %s (see %s)", line, b->log);
		}
		if (s->interrupted && s->interrupted())
			return diag_add(d, ERR_TIMEOUT, "interrupted while the broker came up");
		clock_sleep_us(10000);
	}
	b->announced = true;
	snprintf(b->uri, sizeof b->uri, "tcp://127.0.0.1:%d", b->port);
	return ERR_OK;
}

void standalone_broker_stop(struct standalone *s)
{
	child_stop(s->broker.child);
	s->broker.child = NULL;
}
