/* SPDX-License-Identifier: Apache-2.0
 * zip.c - the directory of an archive, read with distrust (APPNOTE.TXT; the streams are in zip_stream.c).
 */
#include "aas/zip.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "aas/partname.h"
#include "aas/zip_form.h"
#include "aas/zip_priv.h"

#define TAIL (ZIP_LOCATOR + ZIP_END + 65535)
#define DIRECTORY_MAX ((size_t)32 << 20)
#define UNIX_SYSTEM 3
#define MACOS_SYSTEM 19

/* Where the directory is, as the records at the end of the archive say. */
struct end {
	uint64_t count, size, offset;
	size_t at;			/* where the first of those records begins: the directory must end there */
};

/* One entry of the directory. */
struct central {
	const char *p;			/* the record */
	const char *name;
	size_t n;
	unsigned flags, method;
	uint32_t crc, attributes;
	uint64_t packed, size, offset;
};

static enum err no_memory(struct diag *d)
{
	return diag_add(d, ERR_NO_MEMORY, "out of memory");
}

enum err zip_fetch(const struct zip_bytes *from, size_t at, void *to, size_t n, struct diag *d)
{
	if (n > from->n || at > from->n - n)
		return diag_add(d, ERR_BAD_REQUEST, "the package is cut off");
	if (from->p)
		memcpy(to, from->p + at, n);
	else if (!from->read(from->ctx, at, to, n))
		return diag_add(d, ERR_IO, "the package cannot be read");
	return ERR_OK;
}

/* -- the end -------------------------------------------------------------------------------------------------------------------- */

/* Numbers that do not fit stand in another record, which must not contradict those that do fit. */
static enum err read_end64(const struct zip_bytes *from, size_t at, struct end *e, struct diag *d)
{
	char loc[ZIP_LOCATOR], rec[ZIP_END64];
	if (at < ZIP_LOCATOR + ZIP_END64)
		return ERR_OK;
	enum err err = zip_fetch(from, at - ZIP_LOCATOR, loc, sizeof loc, d);
	if (err || zip_u32(loc) != ZIP_LOCATOR_SIGN)
		return err;
	uint64_t pos = zip_u64(loc + 8);
	if (zip_u32(loc + 4) || zip_u32(loc + 16) > 1 || pos > at - ZIP_LOCATOR - ZIP_END64)
		return diag_add(d, ERR_BAD_REQUEST, "the zip64 records of the package lead nowhere");
	if ((err = zip_fetch(from, (size_t)pos, rec, sizeof rec, d)))
		return err;
	if (zip_u32(rec) != ZIP_END64_SIGN || zip_u64(rec + 4) != at - ZIP_LOCATOR - pos - 12)
		return diag_add(d, ERR_BAD_REQUEST, "the zip64 records of the package lead nowhere");
	struct end large = { zip_u64(rec + 32), zip_u64(rec + 40), zip_u64(rec + 48), (size_t)pos };
	if (zip_u32(rec + 16) || zip_u32(rec + 20) || zip_u64(rec + 24) != large.count ||
	    (e->count != 0xFFFF && e->count != large.count) || (e->size != 0xFFFFFFFF && e->size != large.size) ||
	    (e->offset != 0xFFFFFFFF && e->offset != large.offset))
		return diag_add(d, ERR_BAD_REQUEST, "the zip64 records of the package contradict the others");
	*e = large;
	return ERR_OK;
}

/* The end record is the last thing in the archive but for a comment that it announces. */
static enum err find_end(const struct zip_bytes *from, struct arena *a, struct end *e, struct diag *d)
{
	size_t n = from->n < TAIL ? from->n : TAIL, other = 0;
	char *tail = arena_raw(a, n + 1);
	if (!tail)
		return no_memory(d);
	enum err err = zip_fetch(from, from->n - n, tail, n, d);
	if (err)
		return err;
	for (size_t k = ZIP_END; k <= n; k++) {
		const char *p = tail + n - k;
		if (*p != 'P' || zip_u32(p) != ZIP_END_SIGN)
			continue;
		if (zip_u16(p + 20) != k - ZIP_END) {
			other = other ? other : k;
			continue;
		}
		if (zip_u16(p + 4) || zip_u16(p + 6) || zip_u16(p + 8) != zip_u16(p + 10))
			return diag_add(d, ERR_BAD_REQUEST, "the package is one of several volumes");
		*e = (struct end){ zip_u16(p + 10), zip_u32(p + 12), zip_u32(p + 16), from->n - k };
		return read_end64(from, from->n - k, e, d);
	}
	if (other)
		return diag_add(d, ERR_BAD_REQUEST, "the package is cut off within its last record, or bytes follow its end");
	return diag_add(d, ERR_BAD_REQUEST, "not a ZIP archive, or one that is cut off");
}

static enum err check_end(const struct end *e, struct diag *d)
{
	if (e->count > ZIP_ENTRIES_MAX)
		return diag_add(d, ERR_TOO_LARGE, "the package has %llu parts, the limit is %d", (unsigned long long)e->count, ZIP_ENTRIES_MAX);
	if (e->size > e->at || e->offset > e->at || e->offset + e->size > e->at || e->count > e->size / ZIP_CENTRAL)
		return diag_add(d, ERR_BAD_REQUEST, "the directory of the package is damaged");
	if (e->offset + e->size != e->at)
		return diag_add(d, ERR_BAD_REQUEST, "%llu bytes that belong to no part stand before the package or its end",
				(unsigned long long)(e->at - e->size - e->offset));
	if (e->size > DIRECTORY_MAX)
		return diag_add(d, ERR_TOO_LARGE, "the directory of the package has more than %zu MiB", DIRECTORY_MAX >> 20);
	return ERR_OK;
}

/* -- one entry ------------------------------------------------------------------------------------------------------------------ */

/* In the extra field of zip64 stand, in this order, those of the numbers that are all ones in the record itself. */
static bool large_numbers(const char *extra, size_t n, uint64_t *const number[3])
{
	unsigned wanted = 0;
	for (int i = 0; i < 3; i++)
		wanted += number[i] && *number[i] == 0xFFFFFFFF;
	while (n >= 4) {
		size_t len = zip_u16(extra + 2);
		if (len > n - 4)
			return false;
		if (zip_u16(extra) == ZIP_EXTRA64) {
			if (len < 8 * (size_t)wanted)
				return false;
			extra += 4;
			for (int i = 0; i < 3; i++)
				if (number[i] && *number[i] == 0xFFFFFFFF) {
					*number[i] = zip_u64(extra);
					extra += 8;
				}
			return true;
		}
		extra += 4 + len;
		n -= 4 + len;
	}
	return !wanted;
}

static bool read_central(const char *p, size_t n, struct central *c, size_t *used)
{
	if (n < ZIP_CENTRAL || zip_u32(p) != ZIP_CENTRAL_SIGN)
		return false;
	size_t name = zip_u16(p + 28), extra = zip_u16(p + 30), comment = zip_u16(p + 32);
	*used = ZIP_CENTRAL + name + extra + comment;
	if (*used > n)
		return false;
	*c = (struct central){
		.p = p, .name = p + ZIP_CENTRAL, .n = name, .flags = zip_u16(p + 8), .method = zip_u16(p + 10), .crc = zip_u32(p + 16),
		.packed = zip_u32(p + 20), .size = zip_u32(p + 24), .attributes = zip_u32(p + 38), .offset = zip_u32(p + 42),
	};
	return zip_u16(p + 34) == 0 && large_numbers(c->name + name, extra, (uint64_t *[3]){ &c->size, &c->packed, &c->offset });
}

/* A link, device or pipe: the upper half of the attributes is a Unix mode where a Unix has written it; a link is refused anyway. */
static bool is_special(const struct central *c)
{
	unsigned system = (unsigned char)c->p[5], mode = c->attributes >> 16 & S_IFMT;
	return mode == S_IFLNK || ((system == UNIX_SYSTEM || system == MACOS_SYSTEM) && mode && mode != S_IFREG && mode != S_IFDIR);
}

/* What the directory says of one entry, before anything is unpacked. */
static enum err check_entry(struct zip_file *f, const struct central *c, const char *name, struct diag *d)
{
	bool folder = c->n && c->name[c->n - 1] == '/';
	const char *why = memchr(c->name, 0, c->n) ? "has a control character" : part_name_fault(name, strlen(name) - folder);
	if (why)
		return diag_add(d, ERR_BAD_REQUEST, "the part name \"%.100s\" is not allowed: it %s", name, why);
	if (is_special(c))
		return diag_add(d, ERR_BAD_REQUEST, "the part name \"%.100s\" is not allowed: it is a link or a device", name);
	if (c->flags & ZIP_FLAG_ENCRYPTED)
		return diag_add(d, ERR_BAD_REQUEST, "the part \"%s\" is encrypted", name);
	if (c->method != ZIP_STORED && c->method != ZIP_DEFLATED)
		return diag_add(d, ERR_BAD_REQUEST, "the part \"%s\" is packed by a method that is not allowed (%u)", name, c->method);
	if (c->size > ZIP_ENTRY_MAX || c->size > ZIP_TOTAL_MAX - f->unpacked)
		return diag_add(d, ERR_TOO_LARGE, "the package unpacks to too much at \"%s\"", name);
	if (c->packed > f->from->n || (c->method == ZIP_STORED && c->packed != c->size) || (folder && c->size))
		return diag_add(d, ERR_BAD_REQUEST, "the sizes of the part \"%s\" are impossible", name);
	if (c->size > ZIP_RATIO_FREE && c->size / ZIP_RATIO_MAX > c->packed)
		return diag_add(d, ERR_TOO_LARGE, "the part \"%s\" unpacks to more than %d times its size", name, ZIP_RATIO_MAX);
	f->unpacked += (size_t)c->size;
	return ERR_OK;
}

/* A header must say what the directory says; where a descriptor follows the data it may leave out checksum and sizes. */
static enum err check_header(const struct zip_file *f, const struct central *c, const char *name, size_t end, size_t *data, struct diag *d)
{
	char *head = f->header;
	enum err e;
	if (c->offset > end || end - (size_t)c->offset < ZIP_LOCAL)
		return diag_add(d, ERR_BAD_REQUEST, "the part \"%s\" lies outside of the package", name);
	if ((e = zip_fetch(f->from, (size_t)c->offset, head, ZIP_LOCAL, d)))
		return e;
	size_t n = zip_u16(head + 26), extra = zip_u16(head + 28);
	uint64_t packed = zip_u32(head + 18), size = zip_u32(head + 22);
	*data = (size_t)c->offset + ZIP_LOCAL + n + extra;
	if (zip_u32(head) != ZIP_LOCAL_SIGN || *data > end || c->packed > end - *data)
		return diag_add(d, ERR_BAD_REQUEST, "the part \"%s\" lies outside of the package", name);
	if ((e = zip_fetch(f->from, (size_t)c->offset + ZIP_LOCAL, head + ZIP_LOCAL, n + extra, d)))
		return e;
	bool later = zip_u16(head + 6) & ZIP_FLAG_DESCRIPTOR;
	if (n != c->n || memcmp(head + ZIP_LOCAL, c->name, n))
		return diag_add(d, ERR_BAD_REQUEST, "the part \"%s\" has another name in its header", name);
	if (zip_u16(head + 6) & ZIP_FLAG_ENCRYPTED)
		return diag_add(d, ERR_BAD_REQUEST, "the part \"%s\" is encrypted", name);
	if (zip_u16(head + 8) != c->method || !large_numbers(head + ZIP_LOCAL + n, extra, (uint64_t *[3]){ &size, &packed, NULL }) ||
	    (!(later && !packed) && packed != c->packed) || (!(later && !size) && size != c->size) ||
	    (!(later && !zip_u32(head + 14)) && zip_u32(head + 14) != c->crc))
		return diag_add(d, ERR_BAD_REQUEST, "the header of the part \"%s\" contradicts the directory", name);
	return ERR_OK;
}

/* Old tools write the code page of DOS where they do not say UTF-8; pure ASCII is both. */
static char *name_of(struct arena *a, const struct central *c)
{
	static const uint16_t cp437[128] = {
		0xC7, 0xFC, 0xE9, 0xE2, 0xE4, 0xE0, 0xE5, 0xE7, 0xEA, 0xEB, 0xE8, 0xEF, 0xEE, 0xEC, 0xC4, 0xC5, 0xC9, 0xE6, 0xC6, 0xF4,
		0xF6, 0xF2, 0xFB, 0xF9, 0xFF, 0xD6, 0xDC, 0xA2, 0xA3, 0xA5, 0x20A7, 0x192, 0xE1, 0xED, 0xF3, 0xFA, 0xF1, 0xD1, 0xAA, 0xBA,
		0xBF, 0x2310, 0xAC, 0xBD, 0xBC, 0xA1, 0xAB, 0xBB, 0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555,
		0x2563, 0x2551, 0x2557, 0x255D, 0x255C, 0x255B, 0x2510, 0x2514, 0x2534, 0x252C, 0x251C, 0x2500, 0x253C, 0x255E, 0x255F,
		0x255A, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256C, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553,
		0x256B, 0x256A, 0x2518, 0x250C, 0x2588, 0x2584, 0x258C, 0x2590, 0x2580, 0x3B1, 0xDF, 0x393, 0x3C0, 0x3A3, 0x3C3, 0xB5,
		0x3C4, 0x3A6, 0x398, 0x3A9, 0x3B4, 0x221E, 0x3C6, 0x3B5, 0x2229, 0x2261, 0xB1, 0x2265, 0x2264, 0x2320, 0x2321, 0xF7, 0x2248,
		0xB0, 0x2219, 0xB7, 0x221A, 0x207F, 0xB2, 0x25A0, 0xA0,
	};
	if (c->n > PART_NAME_MAX || c->flags & ZIP_FLAG_UTF8 || utf8_valid(c->name, c->n))
		return arena_strndup(a, c->name, c->n);
	char *out = arena_raw(a, 3 * c->n + 1), *to = out;
	for (size_t i = 0; out && i < c->n; i++) {
		unsigned char b = (unsigned char)c->name[i];
		to += utf8_put(to, b < 0x80 ? b : cp437[b - 0x80]);
	}
	if (out)
		*to = 0;
	return out;
}

static enum err take_entry(struct zip_file *f, struct arena *a, const struct central *c, size_t end, struct span *span, struct diag *d)
{
	char key[PART_NAME_MAX];
	size_t data = 0;
	char *name = name_of(a, c);
	enum err e = name ? check_entry(f, c, name, d) : no_memory(d);
	if (!e)
		e = check_header(f, c, name, end, &data, d);
	if (e)
		return e;
	*span = (struct span){ (size_t)c->offset, data + (size_t)c->packed, name };
	size_t n = strlen(name);
	if (!n || name[n - 1] == '/')
		return ERR_OK;		/* a folder is no part */
	n = part_name_key(key, name, n);
	struct slice kept = { arena_strndup(a, key, n), n };
	f->entry[f->n++] = (struct zip_entry){ name, (size_t)c->size, (size_t)c->packed, data, c->crc, c->method, kept };
	return kept.p ? ERR_OK : no_memory(d);
}

/* -- all entries ---------------------------------------------------------------------------------------------------------------- */

static int by_place(const void *x, const void *y)
{
	const struct span *a = x, *b = y;
	return (a->from > b->from) - (a->from < b->from);
}

/* The slash counts as the smallest of all characters, so that what lies in "a/" comes right after "a". */
static int compare_keys(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	for (size_t i = 0; i < n; i++)
		if (a.p[i] != b.p[i])
			return a.p[i] == '/' ? -1 : b.p[i] == '/' ? 1 : (unsigned char)a.p[i] < (unsigned char)b.p[i] ? -1 : 1;
	return (a.n > b.n) - (a.n < b.n);
}

static int by_key(const void *x, const void *y)
{
	return compare_keys(((const struct zip_entry *)x)->key, ((const struct zip_entry *)y)->key);
}

static enum err check_places(struct span *span, size_t n, struct diag *d)
{
	qsort(span, n, sizeof *span, by_place);
	for (size_t i = 0; i + 1 < n; i++)
		if (span[i].to > span[i + 1].from)
			return diag_add(d, ERR_BAD_REQUEST, "the parts \"%s\" and \"%s\" overlap", span[i].name, span[i + 1].name);
	if (n && span[0].from)
		return diag_add(d, ERR_BAD_REQUEST, "%zu bytes that belong to no part stand before the package", span[0].from);
	return ERR_OK;
}

static enum err check_names(struct zip_file *f, struct diag *d)
{
	if (f->n)
		qsort(f->entry, f->n, sizeof *f->entry, by_key);
	for (size_t i = 0; i + 1 < f->n; i++) {
		const struct zip_entry *a = &f->entry[i], *b = a + 1;
		if (a->key.n > b->key.n || memcmp(a->key.p, b->key.p, a->key.n))
			continue;
		if (a->key.n == b->key.n)
			return diag_add(d, ERR_BAD_REQUEST, "the part \"%s\" is there twice (\"%s\")", a->name, b->name);
		if (b->key.p[a->key.n] == '/')
			return diag_add(d, ERR_BAD_REQUEST, "the part \"%s\" is also the folder of \"%s\"", a->name, b->name);
	}
	return ERR_OK;
}

static enum err read_directory(struct zip_file *f, struct arena *a, struct arena *scratch, struct diag *d)
{
	struct end end = { 0 };
	struct central c;
	size_t used = 0, at = 0;
	enum err e = find_end(f->from, scratch, &end, d);
	if (e || (e = check_end(&end, d)))
		return e;
	size_t n = (size_t)end.count, size = (size_t)end.size;
	char *dir = arena_raw(scratch, size + 1);
	struct span *span = ARENA_ARRAY(scratch, struct span, n + 1);
	f->entry = ARENA_ARRAY(a, struct zip_entry, n + 1);
	if (!dir || !span || !f->entry)
		return no_memory(d);
	e = zip_fetch(f->from, (size_t)end.offset, dir, size, d);
	for (size_t i = 0; !e && i < n; i++, at += used) {
		if (!read_central(dir + at, size - at, &c, &used))
			e = diag_add(d, ERR_BAD_REQUEST, "the directory of the package is damaged at its entry %zu", i + 1);
		else
			e = take_entry(f, a, &c, (size_t)end.offset, &span[i], d);
	}
	if (!e && at != size)
		e = diag_add(d, ERR_BAD_REQUEST, "the directory of the package holds more than it says");
	if (!e)
		e = check_places(span, n, d);
	return e ? e : check_names(f, d);
}

enum err zip_file_open(struct arena *a, const struct zip_bytes *from, struct zip_file **out, struct diag *d)
{
	struct zip_file *f = ARENA_NEW(a, struct zip_file);
	struct arena *scratch = arena_new(0);
	enum err e = ERR_NO_MEMORY;
	if (f && scratch && (f->header = arena_raw(scratch, ZIP_LOCAL + 2 * 65535))) {
		f->from = from;
		e = read_directory(f, a, scratch, d);
	} else {
		no_memory(d);
	}
	arena_free(scratch);
	*out = e ? NULL : f;
	return e;
}

void zip_file_close(struct zip_file *f)
{
	if (f)
		f->n = 0;
}

size_t zip_file_count(const struct zip_file *f)
{
	return f->n;
}

const struct zip_entry *zip_file_entry(const struct zip_file *f, size_t i)
{
	return &f->entry[i];
}

const struct zip_entry *zip_file_find(const struct zip_file *f, const char *name, size_t n)
{
	char key[PART_NAME_MAX];
	if (n > sizeof key)
		return NULL;
	struct zip_entry want = { .key = { key, part_name_key(key, name, n) } };
	return f->n ? bsearch(&want, f->entry, f->n, sizeof *f->entry, by_key) : NULL;
}
