/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/zip.h"

#include <sys/stat.h>
#include <zip.h>

#include "base/map.h"

#define NAME_MAX_BYTES 1024

struct zip_file {
	zip_t *zip;
	struct zip_entry *entry;
	zip_uint64_t *index;		/* in the archive */
	size_t n;
	size_t packed, unpacked;	/* so far, of all entries */
	struct map names;		/* in lower case -> struct zip_entry */
};

/* A name that stays inside: no absolute path, no drive, no backslash, no empty, "." or ".." segment, no control character. */
static bool name_is_safe(const char *name, size_t len)
{
	const char *s = name;
	if (!*s || *s == '/' || len > NAME_MAX_BYTES || strpbrk(s, "\\:") || !utf8_valid(name, len))
		return false;
	for (;;) {
		size_t n = strcspn(s, "/");
		if ((n == 0 && s[n]) || (n && strspn(s, ".") >= n))
			return false;
		for (size_t i = 0; i < n; i++)
			if ((unsigned char)s[i] < 0x20)
				return false;
		if (!s[n])
			return true;
		s += n + 1;
	}
}

static bool is_link(zip_t *z, zip_uint64_t i)
{
	zip_uint8_t system;
	zip_uint32_t bits;
	return !zip_file_get_external_attributes(z, i, 0, &system, &bits) && system == ZIP_OPSYS_UNIX && S_ISLNK(bits >> 16);
}

/* OPC names are the same when they differ in ASCII case only. */
static size_t fold(char out[NAME_MAX_BYTES], const char *name, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
	return n;
}

/* What the directory says of one entry, before anything is unpacked. */
static enum err check_entry(struct zip_file *f, const zip_stat_t *st, struct diag *d)
{
	const zip_uint64_t wanted = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
	if ((st->valid & wanted) != wanted)
		return diag_add(d, ERR_BAD_REQUEST, "the directory of the package is damaged");
	if (!name_is_safe(st->name, strlen(st->name)) || is_link(f->zip, st->index))
		return diag_add(d, ERR_BAD_REQUEST, "the part name \"%.100s\" is not allowed", st->name);
	if (st->encryption_method != ZIP_EM_NONE)
		return diag_add(d, ERR_BAD_REQUEST, "the part \"%s\" is encrypted", st->name);
	if (st->comp_method != ZIP_CM_STORE && st->comp_method != ZIP_CM_DEFLATE)
		return diag_add(d, ERR_BAD_REQUEST, "the part \"%s\" is packed by a method that is not allowed", st->name);
	if (st->size > ZIP_ENTRY_MAX || st->size > ZIP_TOTAL_MAX - f->unpacked)
		return diag_add(d, ERR_TOO_LARGE, "the package unpacks to too much at \"%s\"", st->name);
	if (st->size > ZIP_RATIO_FREE && st->size / ZIP_RATIO_MAX > st->comp_size)
		return diag_add(d, ERR_TOO_LARGE, "the part \"%s\" unpacks to more than %d times its size", st->name, ZIP_RATIO_MAX);
	f->unpacked += st->size;
	return ERR_OK;
}

static enum err take_entry(struct zip_file *f, zip_uint64_t i, size_t size, struct arena *a, struct diag *d)
{
	zip_stat_t st;
	char key[NAME_MAX_BYTES];
	enum err e = zip_stat_index(f->zip, i, 0, &st) ? diag_add(d, ERR_BAD_REQUEST, "the directory of the package is damaged")
						       : check_entry(f, &st, d);
	if (e)
		return e;
	size_t n = strlen(st.name);
	if (st.name[n - 1] == '/')
		return ERR_OK;		/* a folder */
	fold(key, st.name, n);
	if (map_get(&f->names, key, n))
		return diag_add(d, ERR_BAD_REQUEST, "the part \"%s\" is there twice", st.name);
	if (st.comp_size > size - f->packed)
		return diag_add(d, ERR_BAD_REQUEST, "the parts of the package overlap at \"%s\"", st.name);
	f->packed += st.comp_size;
	f->entry[f->n] = (struct zip_entry){ arena_strndup(a, st.name, n), (size_t)st.size };
	f->index[f->n] = i;
	f->n++;
	if (!f->entry[f->n - 1].name || !map_put(&f->names, key, n, &f->entry[f->n - 1], NULL))
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	return ERR_OK;
}

static enum err open_archive(struct zip_file *f, const void *bytes, size_t n, struct diag *d)
{
	zip_error_t why;
	enum err e = ERR_OK;
	zip_error_init(&why);
	zip_source_t *src = zip_source_buffer_create(bytes, n, 0, &why);
	if (!src || !(f->zip = zip_open_from_source(src, ZIP_RDONLY, &why))) {
		e = diag_add(d, ERR_BAD_REQUEST, "not a ZIP archive: %s", zip_error_strerror(&why));
		zip_source_free(src);
	}
	zip_error_fini(&why);
	return e;
}

enum err zip_file_open(struct arena *a, const void *bytes, size_t n, struct zip_file **out, struct diag *d)
{
	struct zip_file *f = ARENA_NEW(a, struct zip_file);
	if (!f)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	enum err e = open_archive(f, bytes, n, d);
	zip_int64_t count = e ? 0 : zip_get_num_entries(f->zip, 0);
	if (count < 0 || count > ZIP_ENTRIES_MAX)
		e = diag_add(d, ERR_TOO_LARGE, "the package has %lld parts, the limit is %d", (long long)count, ZIP_ENTRIES_MAX);
	else if (!(f->entry = ARENA_ARRAY(a, struct zip_entry, count + 1)) || !(f->index = ARENA_ARRAY(a, zip_uint64_t, count + 1)))
		e = diag_add(d, ERR_NO_MEMORY, "out of memory");
	for (zip_int64_t i = 0; !e && i < count; i++)
		e = take_entry(f, (zip_uint64_t)i, n, a, d);
	if (e)
		zip_file_close(f);
	else
		*out = f;
	return e;
}

void zip_file_close(struct zip_file *f)
{
	if (!f)
		return;
	map_fini(&f->names);
	if (f->zip)
		zip_discard(f->zip);
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
	char key[NAME_MAX_BYTES];
	return n > sizeof key ? NULL : map_get(&f->names, key, fold(key, name, n));
}

enum err zip_file_read(struct zip_file *f, const struct zip_entry *entry, struct arena *a, struct slice *out, struct diag *d)
{
	char *p = arena_raw(a, entry->size + 1), more;
	zip_file_t *in = p ? zip_fopen_index(f->zip, f->index[entry - f->entry], 0) : NULL;
	size_t n = 0;
	if (!p)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	if (!in)
		return diag_add(d, ERR_BAD_REQUEST, "the part \"%s\" cannot be unpacked", entry->name);
	while (n < entry->size) {
		zip_int64_t k = zip_fread(in, p + n, entry->size - n);
		if (k <= 0)
			break;
		n += (size_t)k;
	}
	bool exact = n == entry->size && zip_fread(in, &more, 1) == 0;	/* reading to the end is also what checks the CRC */
	zip_fclose(in);
	if (!exact)
		return diag_add(d, ERR_BAD_REQUEST, "the part \"%s\" is damaged", entry->name);
	p[n] = 0;
	*out = (struct slice){ p, n };
	return ERR_OK;
}
