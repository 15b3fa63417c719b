/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "aas/store_mem_priv.h"
#include "base/clock.h"

void store_mem_series_free(struct mem_store *m)
{
	for (size_t i = 0; i < m->n_series; i++) {
		struct mem_series *s = &m->series[i];
		for (size_t k = 0; k < s->n; k++)
			free((char *)(uintptr_t)s->sample[k].text);
		free(s->sample);
		free((char *)(uintptr_t)s->live.text);
		free(s->submodel_id);
		free(s->path);
	}
	free(m->series);
	for (struct mem_spool *p = m->spools, *next; p; p = next) {
		next = p->next;
		free(p->name);
		free(p);
	}
}

static enum err series_new(struct mem_store *m, const char *submodel_id, const char *path)
{
	if (m->n_series == m->cap_series) {
		size_t cap = m->cap_series ? m->cap_series * 2 : 16;
		struct mem_series *more = realloc(m->series, cap * sizeof *more);
		if (!more)
			return ERR_NO_MEMORY;
		m->series = more;
		m->cap_series = cap;
	}
	struct mem_series s = { .submodel_id = strdup(submodel_id), .path = strdup(path) };
	if (!s.submodel_id || !s.path) {
		free(s.submodel_id);
		free(s.path);
		return ERR_NO_MEMORY;
	}
	m->series[m->n_series++] = s;
	return ERR_OK;
}

enum err store_mem_series(struct store *st, const char *submodel_id, const char *path, const char *unit, int64_t *id)
{
	struct mem_store *m = (struct mem_store *)st;
	enum err e = ERR_OK;
	size_t i = 0;
	(void)unit;
	pthread_mutex_lock(&m->mutex);
	while (i < m->n_series && (strcmp(m->series[i].submodel_id, submodel_id) || strcmp(m->series[i].path, path)))
		i++;
	if (i == m->n_series)
		e = series_new(m, submodel_id, path);
	*id = (int64_t)i + 1;
	pthread_mutex_unlock(&m->mutex);
	return e;
}

/* Room for everything is made first, so that the batch goes in whole or not at all. */
static enum err reserve(struct mem_store *m, const struct store_batch *b)
{
	for (size_t i = 0; i < b->n_samples; i++) {
		if (b->sample[i].series < 1 || (size_t)b->sample[i].series > m->n_series)
			return ERR_NOT_FOUND;
		struct mem_series *s = &m->series[b->sample[i].series - 1];
		if (s->cap - s->n < b->n_samples) {
			size_t cap = s->cap * 2 + b->n_samples;
			struct store_sample *more = realloc(s->sample, cap * sizeof *more);
			if (!more)
				return ERR_NO_MEMORY;
			s->sample = more;
			s->cap = cap;
		}
	}
	for (size_t i = 0; i < b->n_live; i++)
		if (b->live[i].series < 1 || (size_t)b->live[i].series > m->n_series)
			return ERR_NOT_FOUND;
	return ERR_OK;
}

static struct mem_spool *spool_of(struct mem_store *m, const char *name, bool make)
{
	struct mem_spool *p = m->spools;
	while (p && strcmp(p->name, name))
		p = p->next;
	if (p || !make || !(p = calloc(1, sizeof *p)))
		return p;
	if (!(p->name = strdup(name))) {
		free(p);
		return NULL;
	}
	p->next = m->spools;
	return m->spools = p;
}

static void add_sample(struct mem_series *s, const struct store_sample *sample)
{
	size_t at = s->n++;
	for (; at > 0 && s->sample[at - 1].time_us > sample->time_us; at--)
		s->sample[at] = s->sample[at - 1];
	s->sample[at] = *sample;
	s->sample[at].text = sample->text ? strdup(sample->text) : NULL;
}

/* FNV-1a; a text goes in with its end, so that neighbours cannot be mixed up. */
static uint64_t mix(uint64_t h, const void *p, size_t n)
{
	for (const unsigned char *c = p; n--; c++)
		h = (h ^ *c) * UINT64_C(0x100000001B3);
	return h;
}

static uint64_t mix_text(uint64_t h, const char *s)
{
	return s ? mix(mix(h, "+", 1), s, strlen(s) + 1) : mix(h, "-", 1);
}

static uint64_t fingerprint(const struct store_batch *b)
{
	uint64_t h = mix(UINT64_C(0xCBF29CE484222325), &b->position, sizeof b->position);
	for (size_t i = 0; i < b->n_samples; i++) {
		const struct store_sample *s = &b->sample[i];
		h = mix(mix(h, &s->series, sizeof s->series), &s->time_us, sizeof s->time_us);
		h = mix_text(mix(mix(h, &s->num, sizeof s->num), &s->quality, sizeof s->quality), s->text);
	}
	h = mix(h, &b->n_samples, sizeof b->n_samples);
	for (size_t i = 0; i < b->n_live; i++) {
		const struct store_live *l = &b->live[i];
		h = mix(mix(h, &l->series, sizeof l->series), &l->time_us, sizeof l->time_us);
		h = mix_text(mix(h, &l->quality, sizeof l->quality), l->text);
	}
	return h;
}

/* *again: this batch was the last one of its spool already. */
static enum err advance(struct mem_store *m, const struct store_batch *b, bool *again)
{
	uint64_t batch = b->spool ? fingerprint(b) : 0;
	struct mem_spool *p = b->spool ? spool_of(m, b->spool, true) : NULL;
	*again = p && p->batch == batch;
	if (p) {
		p->position = b->position;
		p->batch = batch;
	}
	return p || !b->spool ? ERR_OK : ERR_NO_MEMORY;
}

enum err store_mem_append(struct store *st, const struct store_batch *b)
{
	struct mem_store *m = (struct mem_store *)st;
	bool again = false;
	pthread_mutex_lock(&m->mutex);
	enum err e = reserve(m, b);
	if (!e && !(e = advance(m, b, &again)) && again)
		goto out;
	for (size_t i = 0; !e && i < b->n_samples; i++)
		add_sample(&m->series[b->sample[i].series - 1], &b->sample[i]);
	for (size_t i = 0; !e && i < b->n_live; i++) {
		struct mem_series *s = &m->series[b->live[i].series - 1];
		free((char *)(uintptr_t)s->live.text);
		s->live = b->live[i];
		s->live.text = b->live[i].text ? strdup(b->live[i].text) : NULL;
		s->has_live = true;
	}
out:
	pthread_mutex_unlock(&m->mutex);
	return e;
}

enum err store_mem_position(struct store *st, const char *spool, uint64_t *position)
{
	struct mem_store *m = (struct mem_store *)st;
	pthread_mutex_lock(&m->mutex);
	struct mem_spool *p = spool_of(m, spool, false);
	*position = p ? p->position : 0;
	pthread_mutex_unlock(&m->mutex);
	return ERR_OK;
}

enum err store_mem_samples(struct store *st, int64_t series, int64_t t0, int64_t t1, size_t limit, struct arena *a,
			   struct store_sample **out, size_t *n)
{
	struct mem_store *m = (struct mem_store *)st;
	enum err e = ERR_OK;
	*n = 0;
	*out = NULL;
	pthread_mutex_lock(&m->mutex);
	if (series < 1 || (size_t)series > m->n_series) {
		e = ERR_NOT_FOUND;
	} else {
		const struct mem_series *s = &m->series[series - 1];
		size_t to = s->n, from;
		while (to > 0 && s->sample[to - 1].time_us >= t1)
			to--;
		for (from = to; from > 0 && s->sample[from - 1].time_us >= t0 && to - from < limit; from--)
			;
		*out = to > from ? ARENA_ARRAY(a, struct store_sample, to - from) : NULL;
		for (size_t i = from; *out && i < to; i++) {
			(*out)[*n] = s->sample[i];
			(*out)[(*n)++].text = s->sample[i].text ? arena_strdup(a, s->sample[i].text) : NULL;
		}
		if (to > from && (!*out || arena_failed(a)))
			e = ERR_NO_MEMORY;
	}
	pthread_mutex_unlock(&m->mutex);
	return e;
}

static const int64_t widths[] = { [STORE_MINUTE] = 60 * US_PER_S, [STORE_HOUR] = 3600 * US_PER_S, [STORE_DAY] = 86400 * US_PER_S };

static int64_t bucket_of(int64_t us, enum store_level level)
{
	int64_t rest = us % widths[level];
	return us - rest - (rest < 0 ? widths[level] : 0);
}

/* A bucket in the making: the time since `from_us` is added up, and `last` holds since `last_us`. */
struct mem_bucket {
	struct store_bucket *b;
	size_t numbers;
	double area, last;
	int64_t from_us, last_us;	/* TIME_NONE: no number yet */
};

static bool is_number(double v)
{
	return fabs(v) <= 1e140;
}

static void bucket_add(struct mem_bucket *m, double v, int64_t us)
{
	struct store_bucket *b = m->b;
	b->min = b->min <= v ? b->min : v;
	b->max = b->max >= v ? b->max : v;
	b->mean = ++m->numbers == 1 ? v : b->mean + (v - b->mean) / (double)m->numbers;
	if (m->last_us != TIME_NONE)
		m->area += m->last * ((double)(us - m->last_us) / US_PER_S);
	m->from_us = m->from_us == TIME_NONE ? us : m->from_us;
	m->last = v;
	m->last_us = us;
}

static void bucket_end(struct mem_bucket *m, int64_t end, int64_t now)
{
	if (!m->b || !m->numbers)
		return;
	end = end < now ? end : now;
	end = end > m->last_us ? end : m->last_us;
	double whole = (double)(end - m->from_us) / US_PER_S;
	m->b->time_mean = whole > 0 ? (m->area + m->last * ((double)(end - m->last_us) / US_PER_S)) / whole : m->last;
}

/* The number before it holds since its beginning. */
static void bucket_begin(struct mem_bucket *m, struct store_bucket *b, int64_t at, double before)
{
	*b = (struct store_bucket){ at, NAN, NAN, NAN, NAN };
	*m = (struct mem_bucket){ b, 0, 0, before, isnan(before) ? TIME_NONE : at, isnan(before) ? TIME_NONE : at };
}

static enum err buckets_of(const struct mem_series *s, int64_t t0, int64_t t1, enum store_level level, struct arena *a, struct store_bucket **out,
			   size_t *n)
{
	struct mem_bucket now = { 0 };
	int64_t clock = clock_now_us();
	double before = NAN;
	if (s->n && !(*out = ARENA_ARRAY(a, struct store_bucket, s->n)))
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < s->n; i++) {
		int64_t us = s->sample[i].time_us, at = bucket_of(us, level);
		bool inside = at >= t0 && at < t1;
		if (inside && (!now.b || now.b->time_us != at)) {
			if (now.b)
				bucket_end(&now, now.b->time_us + widths[level], clock);
			bucket_begin(&now, &(*out)[(*n)++], at, before);
		}
		if (!is_number(s->sample[i].num))
			continue;
		before = s->sample[i].num;
		if (inside)
			bucket_add(&now, before, us);
	}
	if (now.b)
		bucket_end(&now, now.b->time_us + widths[level], clock);
	return ERR_OK;
}

enum err store_mem_buckets(struct store *st, int64_t series, int64_t t0, int64_t t1, enum store_level level, size_t limit, struct arena *a,
			   struct store_bucket **out, size_t *n)
{
	struct mem_store *m = (struct mem_store *)st;
	*n = 0;
	*out = NULL;
	pthread_mutex_lock(&m->mutex);
	enum err e = series < 1 || (size_t)series > m->n_series ? ERR_NOT_FOUND : buckets_of(&m->series[series - 1], t0, t1, level, a, out, n);
	pthread_mutex_unlock(&m->mutex);
	if (*n > limit) {
		*out += *n - limit;
		*n = limit;
	}
	return e;
}

enum err store_mem_live(struct store *st, void (*row)(void *, const char *, const char *, const struct store_live *), void *ctx)
{
	struct mem_store *m = (struct mem_store *)st;
	pthread_mutex_lock(&m->mutex);
	for (size_t i = 0; i < m->n_series; i++)
		if (m->series[i].has_live)
			row(ctx, m->series[i].submodel_id, m->series[i].path, &m->series[i].live);
	pthread_mutex_unlock(&m->mutex);
	return ERR_OK;
}

/* Commands are an audit for SQL; in memory there is nobody to read them, so only their number is kept. */
enum err store_mem_command(struct store *st, const struct store_command *c)
{
	struct mem_store *m = (struct mem_store *)st;
	(void)c;
	pthread_mutex_lock(&m->mutex);
	m->n_commands++;
	pthread_mutex_unlock(&m->mutex);
	return ERR_OK;
}

/* The same holds for these. */
enum err store_mem_invoked(struct store *st, const struct store_invoked *i)
{
	(void)st, (void)i;
	return ERR_OK;
}
