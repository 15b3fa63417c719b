/* SPDX-License-Identifier: Apache-2.0 */
#include "server/etag.h"

#include <stdio.h>

static const char compressed[] = "+gzip";

static uint64_t mix(uint64_t h, uint64_t w)
{
	h = (h ^ w) * 0xff51afd7ed558ccdu;
	return h ^ h >> 32;
}

/* Not a hash against attackers: whoever can write the bytes may show the reader anything he likes.  Eight bytes at a time, in four sums that do not
 * wait for each other; the same in every process. */
static uint64_t sum(struct slice s)
{
	uint64_t h[4] = { 0x9e3779b97f4a7c15u ^ s.n, 1, 2, 3 }, w[4] = { 0 };
	for (; s.n >= sizeof w; s.p += sizeof w, s.n -= sizeof w) {
		memcpy(w, s.p, sizeof w);
		for (int i = 0; i < 4; i++)
			h[i] = mix(h[i], w[i]);
	}
	memset(w, 0, sizeof w);
	if (s.n)
		memcpy(w, s.p, s.n);
	for (int i = 0; i < 4; i++)
		h[0] = mix(h[0], mix(h[i], w[i]));
	h[0] = (h[0] ^ h[0] >> 29) * 0xc4ceb9fe1a85ec53u;
	return h[0] ^ h[0] >> 29;
}

static const char *const form_of[] = {
	[AAS_NORMAL] = "", [AAS_METADATA] = "-metadata", [AAS_VALUE] = "-value", [AAS_PATH] = "-path", [AAS_REFERENCE] = "-reference",
};

static char *append(char *p, const char *text)
{
	size_t n = strlen(text);
	memcpy(p, text, n + 1);
	return p + n;
}

/* Every GET of a cached document does this: printf takes ten times as long. */
static size_t versioned(char out[ETAG_MAX], int64_t version, const struct aas_view *view)
{
	char digits[24], *d = digits + sizeof digits - 1, *p = append(out, "\"v");
	uint64_t v = (uint64_t)version;
	*d = 0;
	do
		*--d = (char)('0' + v % 10);
	while (v /= 10);
	p = append(append(p, d), form_of[view->modifier]);
	p = append(p, view->core ? "-core" : "");
	return (size_t)(append(p, view->blobs ? "-blobs" : "") - out);
}

void etag_of_version(char out[ETAG_MAX], int64_t version, const struct aas_view *v)
{
	append(out + versioned(out, version, v), "\"");
}

void etag_of_live(char out[ETAG_MAX], int64_t version, const struct aas_view *v, struct slice bytes)
{
	size_t n = versioned(out, version, v);
	snprintf(out + n, ETAG_MAX - n, "-live-%016llx\"", (unsigned long long)sum(bytes));
}

void etag_of_hash(char out[ETAG_MAX], const unsigned char *sha256)
{
	char *p = out + snprintf(out, ETAG_MAX, "\"sha256-");
	for (int i = 0; i < 32; i++)
		p += snprintf(p, 3, "%02x", sha256[i]);
	memcpy(p, "\"", 2);
}

void etag_of_bytes(char out[ETAG_MAX], struct slice bytes)
{
	snprintf(out, ETAG_MAX, "\"%016llx\"", (unsigned long long)sum(bytes));
}

uint64_t etag_sum(uint64_t before, struct slice bytes)
{
	return mix(before, sum(bytes));
}

void etag_of_sum(char out[ETAG_MAX], uint64_t total)
{
	snprintf(out, ETAG_MAX, "\"%016llx\"", (unsigned long long)total);
}

void etag_compressed(char tag[ETAG_MAX])
{
	size_t n = strlen(tag);
	if (n && n + sizeof compressed <= ETAG_MAX)
		snprintf(tag + n - 1, ETAG_MAX - n + 1, "%s\"", compressed);
}

/* -- headers -------------------------------------------------------------------------------------------------------------------- */

/* The next entity tag of a list, without its quotes; false at the end, and where the text is no list any more. */
static bool next_tag(const char **p, struct slice *opaque, bool *weak)
{
	const char *s = *p + strspn(*p, " \t,");
	*weak = s[0] == 'W' && s[1] == '/';
	if (*weak)
		s += 2;
	if (*s != '"')
		return false;
	const char *end = strchr(s + 1, '"');
	if (!end)
		return false;
	*opaque = (struct slice){ s + 1, (size_t)(end - s - 1) };
	*p = end + 1;
	return true;
}

static bool is_any(const char *header)
{
	header += strspn(header, " \t");
	return *header == '*' && !header[1 + strspn(header + 1, " \t")];
}

static struct slice uncoded(struct slice s)
{
	size_t n = sizeof compressed - 1;
	if (s.n > n && !memcmp(s.p + s.n - n, compressed, n))
		s.n -= n;
	return s;
}

static struct slice inner(const char *tag)
{
	size_t n = strlen(tag);
	return n < 2 ? (struct slice){ tag, 0 } : (struct slice){ tag + 1, n - 2 };
}

bool etag_known(const char *header, const char *tag)
{
	struct slice own = uncoded(inner(tag)), other;
	bool weak;
	if (is_any(header))
		return true;
	while (next_tag(&header, &other, &weak))
		if (slice_eq(uncoded(other), own))
			return true;
	return false;
}

/* "v12" of "v12-value+gzip"; empty when it has no version. */
static struct slice version_of(struct slice s)
{
	size_t n = 1;
	while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	bool ok = s.n > 1 && s.p[0] == 'v' && n > 1 && (n == s.n || s.p[n] == '-' || s.p[n] == '+');
	return (struct slice){ s.p, ok ? n : 0 };
}

bool etag_current(const char *header, const char *tag)
{
	struct slice own = uncoded(inner(tag)), version = version_of(own), other;
	bool weak;
	if (is_any(header))
		return true;
	while (next_tag(&header, &other, &weak))
		if (!weak && (slice_eq(uncoded(other), own) || (version.n && slice_eq(version_of(other), version))))
			return true;
	return false;
}
