/* SPDX-License-Identifier: Apache-2.0 - the broker connection against a real mosquitto: late and restarted brokers, persistent sessions,
 * MQTT 5 properties, a broker that only speaks 3.1.1 and one that is slow to acknowledge (a few bytes of fake ones), and a message that must not
 * be acknowledged. */
#include "twin_engine/mqtt.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "tests/tap.h"

static char dir[64], port[8], uri[40];
static const char *tool = "tests/mosquitto-private";

static int run(const char *const *argv)
{
	int status = -1;
	pid_t pid = fork();
	if (!pid) {
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int broker(const char *verb)
{
	const char *start[] = { tool, verb, dir, port, NULL }, *stop[] = { tool, "stop", dir, NULL };
	return run(verb[2] == 'a' ? start : stop);
}

static int listener(int *fd)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(*fd, (struct sockaddr *)&a, sizeof a) || listen(*fd, 5) || getsockname(*fd, (struct sockaddr *)&a, &n))
		perror("listen");
	return ntohs(a.sin_port);
}

/* What one client has seen; its callbacks come from threads of their own. */
struct sight {
	char state[20], error[200], topic[100], payload[100], correlation[100];
	int n;
	int64_t recv;
	bool grows, refuse;
};
struct seen {
	pthread_mutex_t mutex;
	struct sight now;
};

static struct sight look(struct seen *s)
{
	pthread_mutex_lock(&s->mutex);
	struct sight now = s->now;
	pthread_mutex_unlock(&s->mutex);
	return now;
}

static bool on_message(void *ctx, int64_t recv, const struct engine_message *m)
{
	struct seen *seen = ctx;
	struct sight *s = &seen->now;
	pthread_mutex_lock(&seen->mutex);
	s->n++;
	s->grows = recv > s->recv;
	s->recv = recv;
	snprintf(s->topic, sizeof s->topic, "%s", m->topic);
	snprintf(s->payload, sizeof s->payload, "%.*s", (int)m->n, m->payload);
	snprintf(s->correlation, sizeof s->correlation, "%s", m->correlation ? m->correlation : "(none)");
	bool refuse = s->refuse;
	pthread_mutex_unlock(&seen->mutex);
	return !refuse;
}

static void on_state(void *ctx, const char *state, const char *error)
{
	struct seen *seen = ctx;
	struct sight *s = &seen->now;
	pthread_mutex_lock(&seen->mutex);
	snprintf(s->state, sizeof s->state, "%s", state);
	snprintf(s->error, sizeof s->error, "%s", error);
	pthread_mutex_unlock(&seen->mutex);
}

/* Until the client is in that state, or has seen so many messages (state NULL); up to 20 s. */
static bool reach(struct seen *s, const char *state, int n)
{
	for (int64_t until = clock_mono_us() + 20 * US_PER_S; clock_mono_us() < until; clock_sleep_us(5000)) {
		struct sight now = look(s);
		if (state ? !strcmp(now.state, state) : now.n >= n)
			return true;
	}
	return false;
}

static struct mqtt *client(const char *id, const char *at, struct seen *s)
{
	struct mqtt *m = NULL;
	*s = (struct seen){ .mutex = PTHREAD_MUTEX_INITIALIZER };
	mqtt_new(&(struct mqtt_config){ .uri = at, .client_id = id, .ctx = s, .on_message = on_message, .on_state = on_state }, &m, NULL);
	return m;
}

/* Publishes until it is taken, and until the subscriber has seen something new; subscriptions take effect some time. */
static bool through(struct mqtt *from, struct seen *to, const char *topic, const char *payload)
{
	struct engine_publish p = { .topic = topic, .payload = payload, .n = strlen(payload), .response_topic = "answers/here",
				    .correlation = "id-7", .expiry_us = 5 * US_PER_S };
	int before = look(to).n;
	for (int64_t until = clock_mono_us() + 10 * US_PER_S; clock_mono_us() < until; ) {
		if (mqtt_publish(from, &p))
			for (int i = 0; i < 40 && look(to).n == before; i++)
				clock_sleep_us(5000);
		else
			clock_sleep_us(20000);
		if (look(to).n > before)
			return true;
	}
	return false;
}

static void test_late_broker(void)
{
	struct seen a, b;
	int64_t t0 = clock_mono_us();
	struct mqtt *sub = client("sub", uri, &a), *pub = client("pub", uri, &b);
	mqtt_subscribe(sub, "plant/+/t");
	check(clock_mono_us() - t0 < US_PER_S, "without a broker nothing blocks");
	check(!mqtt_publish(pub, &(struct engine_publish){ .topic = "x", .payload = "", .n = 0 }), "and nothing is taken for sending");
	for (int64_t until = clock_mono_us() + 10 * US_PER_S; !look(&a).error[0] && clock_mono_us() < until; )
		clock_sleep_us(5000);
	struct sight now = look(&a);
	check(!strcmp(now.state, "connecting") && now.error[0], "the state tells why (%s)", now.error);
	check_int(broker("start"), 0, "the broker starts");
	check(reach(&a, "connected", 0) && reach(&b, "connected", 0), "both find it by themselves");
	check(through(pub, &a, "plant/p1/t", "21.5"), "a message goes through");
	check_str(look(&a).topic, "plant/p1/t", "its topic");
	check_str(look(&a).payload, "21.5", "its payload");
	check_str(look(&a).correlation, "id-7", "its correlation data");

	broker("stop");
	check(reach(&a, "connecting", 0), "a stopped broker is noticed");
	check(!mqtt_publish(pub, &(struct engine_publish){ .topic = "plant/p1/t", .payload = "old", .n = 3 }), "commands are refused meanwhile");
	broker("start");
	check(reach(&a, "connected", 0) && through(pub, &a, "plant/p2/t", "22"), "it resumes when the broker is back");
	broker("stop");
	char db[100];
	snprintf(db, sizeof db, "%s/mosquitto.db", dir);
	unlink(db);
	broker("start");
	check(reach(&a, "connected", 0) && through(pub, &a, "plant/p3/t", "23"), "also when the broker has forgotten the session");
	mqtt_unsubscribe(sub, "plant/+/t");
	mqtt_subscribe(sub, "other");
	check(through(pub, &a, "other", "1"), "a new subscription works at once");
	int before = look(&a).n;
	through(pub, &a, "other", "2");
	mqtt_publish(pub, &(struct engine_publish){ .topic = "plant/p1/t", .payload = "9", .n = 1 });
	check(through(pub, &a, "other", "3") && look(&a).n >= before + 2 && !strcmp(look(&a).topic, "other"), "the old one is gone");
	mqtt_free(sub);
	check_str(look(&a).state, "disconnected", "free disconnects");
	mqtt_free(pub);
}

static void test_session(void)
{
	struct seen a, b;
	struct mqtt *sub = client("keeper", uri, &a), *pub = client("pub", uri, &b);
	mqtt_subscribe(sub, "q/#");
	reach(&b, "connected", 0);
	check(through(pub, &a, "q/0", "0"), "a subscriber subscribes");
	mqtt_free(sub);
	char payload[12];
	for (int i = 1; i <= 500; i++) {
		int n = snprintf(payload, sizeof payload, "%d", i);
		while (!mqtt_publish(pub, &(struct engine_publish){ .topic = "q/1", .payload = payload, .n = (size_t)n }))
			clock_sleep_us(1000);
	}
	mqtt_free(pub);
	sub = client("keeper", uri, &a);
	reach(&a, NULL, 500);
	check_int(look(&a).n, 500, "while it is away the broker keeps its messages");
	check_str(look(&a).payload, "500", "in order");
	check(look(&a).grows, "arrival times grow");
	mqtt_free(sub);
}

/* In a process of its own, for paho's thread is lost to it. */
static int refuse_one(void)
{
	struct seen a, b;
	struct mqtt *sub = client("refuser", uri, &a), *pub = client("pub2", uri, &b);
	mqtt_subscribe(sub, "r");
	reach(&a, "connected", 0);
	if (!through(pub, &a, "r", "first"))
		return 1;
	pthread_mutex_lock(&a.mutex);
	a.now.refuse = true;
	pthread_mutex_unlock(&a.mutex);
	int before = look(&a).n;
	mqtt_publish(pub, &(struct engine_publish){ .topic = "r", .payload = "precious", .n = 8 });
	if (!reach(&a, NULL, before + 1))
		return 2;
	int64_t t0 = clock_mono_us();
	mqtt_free(sub);
	return clock_mono_us() - t0 < 5 * US_PER_S ? 0 : 3;
}

static void test_refused(void)
{
	struct seen a;
	int status = -1;
	pid_t pid = fork();
	if (!pid)
		_exit(refuse_one());
	waitpid(pid, &status, 0);
	check_int(status, 0, "a process ends although a message could not be kept");
	struct mqtt *sub = client("refuser", uri, &a);
	check(reach(&a, NULL, 1), "the next one gets it");
	check_str(look(&a).payload, "precious", "it was not acknowledged");
	mqtt_free(sub);
}

/* Speaks just enough of MQTT 3.1.1 to be connected and subscribed to; refuses (or, if rude, cuts off) protocol level 5. */
struct fake {
	int fd;
	bool rude;
	atomic_int refused, level4, subscribed;
};

static void *fake_broker(void *arg)
{
	struct fake *f = arg;
	unsigned char p[512];
	for (int c; (c = accept(f->fd, NULL, NULL)) >= 0; close(c)) {
		ssize_t n = recv(c, p, sizeof p, 0);
		if (n < 9)
			continue;
		if (p[8] == 5) {
			f->refused++;
			if (!f->rude)
				send(c, "\x20\x02\x00\x01", 4, MSG_NOSIGNAL);
			continue;
		}
		f->level4++;
		send(c, "\x20\x02\x00\x00", 4, MSG_NOSIGNAL);
		while ((n = recv(c, p, sizeof p, 0)) > 4)
			if (p[0] == 0x82) {
				unsigned char ack[] = { 0x90, 3, p[2], p[3], 1 };
				f->subscribed++;
				send(c, ack, sizeof ack, MSG_NOSIGNAL);
				send(c, "\x30\x05\x00\x01t42", 7, MSG_NOSIGNAL);
			}
	}
	return NULL;
}

static void test_fallback(bool rude)
{
	struct fake f = { .rude = rude };
	struct seen a;
	char at[40];
	pthread_t t;
	snprintf(at, sizeof at, "tcp://127.0.0.1:%d", listener(&f.fd));
	pthread_create(&t, NULL, fake_broker, &f);
	struct mqtt *m = client("old", at, &a);
	mqtt_subscribe(m, "t");
	check(reach(&a, NULL, 1), "a broker that %s MQTT 5 is spoken to in 3.1.1", rude ? "cuts off" : "refuses");
	check(f.refused >= 1 && f.subscribed == 1, "after it was asked for 5");
	check_str(look(&a).topic, "t", "the topic ends where it should");
	check_str(look(&a).correlation, "(none)", "there is no correlation data");
	mqtt_free(m);
	shutdown(f.fd, SHUT_RDWR);
	pthread_join(t, NULL);
	close(f.fd);
}

#define SOME 20		/* what the slow broker takes without acknowledging it */
#define SENT 200
#define UNWANTED 100

/* Acknowledges one message, the newest, whenever it has SOME, and then waits for the next: so does one whose kernel keeps small packets back. */
struct slow {
	int fd, c;
	size_t n, got;
	unsigned char id[SOME][2];	/* not acknowledged */
	unsigned char refused[2];
	bool wrong_order, too_many;
};

static bool take(int c, unsigned char *p, size_t n)
{
	return recv(c, p, n, MSG_WAITALL) == (ssize_t)n;
}

static void acknowledge(struct slow *b)
{
	const unsigned char *id = b->id[--b->n];
	unsigned char ok[] = { 0x40, 2, id[0], id[1] }, no[] = { 0x40, 10, id[0], id[1], 0x97, 6, 0x1f, 0, 3, 'f', 'u', 'l' };
	if (memcmp(id, b->refused, 2))
		send(b->c, ok, sizeof ok, MSG_NOSIGNAL);
	else
		send(b->c, no, sizeof no, MSG_NOSIGNAL);
}

static void slow_publish(struct slow *b, const unsigned char *p, size_t n)
{
	size_t topic = (size_t)p[0] << 8 | p[1];
	int number = 0;
	sscanf((const char *)p + n - 4, "%4d", &number);
	b->got++;
	b->wrong_order = b->wrong_order || (size_t)number != b->got;
	memcpy(b->id[b->n++], p + 2 + topic, 2);
	if (b->got == UNWANTED)
		memcpy(b->refused, p + 2 + topic, 2);
	if (b->got == SOME)
		b->too_many = poll(&(struct pollfd){ .fd = b->c, .events = POLLIN }, 1, 100) > 0;
	if (b->n == SOME)
		acknowledge(b);
	while (b->got == SENT && b->n)
		acknowledge(b);
}

static void *slow_broker(void *arg)
{
	struct slow *b = arg;
	unsigned char p[257], head[2];
	if ((b->c = accept(b->fd, NULL, NULL)) < 0)
		return NULL;
	setsockopt(b->c, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ .tv_sec = 20 }, sizeof(struct timeval));
	while (take(b->c, head, 2) && head[1] < 128 && take(b->c, p, head[1])) {
		p[head[1]] = 0;
		if (head[0] == 0x10)
			send(b->c, "\x20\x06\0\0\x03\x21\0\x14", 8, MSG_NOSIGNAL);	/* Receive Maximum: 20 */
		else if (head[0] >> 4 == 3)
			slow_publish(b, p, head[1]);
	}
	close(b->c);
	return NULL;
}

static struct {
	pthread_mutex_t mutex;
	int times[SENT + 1], n;
	enum mqtt_landing how[SENT + 1];
} landing = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static void on_landed(void *ctx, uint64_t token, enum mqtt_landing how)
{
	(void)ctx;
	pthread_mutex_lock(&landing.mutex);
	if (token <= SENT && !landing.times[token]++)
		landing.n++;
	if (token <= SENT)
		landing.how[token] = how;
	pthread_mutex_unlock(&landing.mutex);
}

static int have_landed(void)
{
	pthread_mutex_lock(&landing.mutex);
	int n = landing.n;
	pthread_mutex_unlock(&landing.mutex);
	return n;
}

static void test_slow(void)
{
	struct slow b = { .n = 0 };
	struct seen a = { .mutex = PTHREAD_MUTEX_INITIALIZER };
	struct mqtt *m = NULL;
	char at[40], payload[5];
	pthread_t t;
	int others = 0;
	snprintf(at, sizeof at, "tcp://127.0.0.1:%d", listener(&b.fd));
	pthread_create(&t, NULL, slow_broker, &b);
	mqtt_new(&(struct mqtt_config){ .uri = at, .client_id = "patient", .ctx = &a, .on_message = on_message, .on_landed = on_landed,
					.on_state = on_state }, &m, NULL);
	reach(&a, "connected", 0);
	for (unsigned i = 1; i <= SENT; i++) {
		snprintf(payload, sizeof payload, "%04u", i % 10000);
		mqtt_publish(m, &(struct engine_publish){ .topic = "t", .payload = payload, .n = 4, .token = i });
	}
	for (int64_t until = clock_mono_us() + 30 * US_PER_S; have_landed() < SENT && clock_mono_us() < until; clock_sleep_us(5000))
		;
	check_int(have_landed(), SENT, "a broker that acknowledges one message for each that it gets has them all");
	pthread_mutex_lock(&landing.mutex);
	for (int i = 1; i <= SENT; i++)
		others += landing.times[i] != 1 || (landing.how[i] == MQTT_REFUSED) != (i == UNWANTED) || landing.how[i] == MQTT_UNSENT;
	pthread_mutex_unlock(&landing.mutex);
	check_int(others, 0, "each has landed once, and the one that the broker did not want is refused");
	mqtt_free(m);
	shutdown(b.fd, SHUT_RDWR);
	pthread_join(t, NULL);
	close(b.fd);
	check(!b.wrong_order, "they came in order");
	check(!b.too_many, "never more of them than the broker takes");
}

int main(void)
{
	struct mqtt *m = NULL;
	int fd;
	log_setup(getenv("VERBOSE") ? LOG_INFO : LOG_ERROR, LOG_TEXT);
	if (getenv("srcdir") && chdir(getenv("srcdir")))
		return 1;
	if (access("/usr/sbin/mosquitto", X_OK))
		return skip_all("mosquitto is not installed");
	snprintf(dir, sizeof dir, "/tmp/mqtt-test-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	snprintf(port, sizeof port, "%d", listener(&fd));
	close(fd);
	snprintf(uri, sizeof uri, "tcp://127.0.0.1:%s", port);
	check_int(mqtt_new(&(struct mqtt_config){ .uri = "ftp:/x", .client_id = "c", .on_message = on_message }, &m, NULL), ERR_BAD_REQUEST,
		  "an address of another kind is refused");
	test_late_broker();
	test_session();
	test_refused();
	test_fallback(false);
	test_fallback(true);
	test_slow();
	broker("stop");
	const char *rm[] = { "rm", "-rf", dir, NULL };
	run(rm);
	return done();
}
