/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/zip.h"

#include <strings.h>
#include <zip.h>

struct zip_file {
	zip_t *zip;
	struct zip_entry *entry;
	zip_uint64_t *index;		/* in the archive */
	size_t n;
};

/* A name that stays inside: no absolute path, no drive, no backslash, no empty, "." or ".." segment, no control character. */
static bool name_is_safe(const char *name)
{
	const char *s = name;
	if (!*s || *s == '/' || strchr(s, '\\') || strchr(s, ':'))
		return false;
	for (;;) {
		size_t n = strcspn(s, "/");
		if (n == 0 && s[n])
			return false;
		if (n && strspn(s, ".") >= n)
			return false;
		for (size_t i = 0; i < n; i++)
			if ((unsigned char)s[i] < 0x20)
				return false;
		if (!s[n])
			return true;
		s += n + 1;
	}
}

static enum err take_entry(struct zip_file *f, zip_uint64_t i, size_t *total, struct arena *a, struct diag *d)
{
	zip_stat_t st;
	if (zip_stat_index(f->zip, i, 0, &st) || !(st.valid & ZIP_STAT_NAME) || !(st.valid & ZIP_STAT_SIZE) || !(st.valid & ZIP_STAT_COMP_SIZE))
		return diag_add(d, ERR_BAD_REQUEST, "entry %llu of the package cannot be read", (unsigned long long)i);
	size_t n = strlen(st.name);
	if (n > 1024 || !utf8_valid(st.name, n) || !name_is_safe(st.name))
		return diag_add(d, ERR_BAD_REQUEST, "the part name \"%.100s\" is not allowed", st.name);
	if (n && st.name[n - 1] == '/')
		return ERR_OK;		/* a folder */
	if ((st.valid & ZIP_STAT_ENCRYPTION_METHOD) && st.encryption_method != ZIP_EM_NONE)
		return diag_add(d, ERR_BAD_REQUEST, "the part \"%s\" is encrypted", st.name);
	if (st.size > ZIP_ENTRY_MAX || (*total += st.size) > ZIP_TOTAL_MAX)
		return diag_add(d, ERR_TOO_LARGE, "the package unpacks to too much at \"%s\"", st.name);
	if (st.size > (1 << 20) && st.size / ZIP_RATIO_MAX > st.comp_size)
		return diag_add(d, ERR_TOO_LARGE, "the part \"%s\" unpacks to more than %d times its size", st.name, ZIP_RATIO_MAX);
	if (zip_file_find(f, st.name, n))
		return diag_add(d, ERR_BAD_REQUEST, "the part \"%s\" is there twice", st.name);
	f->entry[f->n] = (struct zip_entry){ arena_strdup(a, st.name), st.size };
	f->index[f->n] = i;
	if (!f->entry[f->n].name)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	f->n++;
	return ERR_OK;
}

enum err zip_file_open(struct arena *a, const void *bytes, size_t n, struct zip_file **out, struct diag *d)
{
	zip_error_t why;
	size_t total = 0;
	struct zip_file *f = ARENA_NEW(a, struct zip_file);
	if (!f)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	zip_error_init(&why);
	zip_source_t *src = zip_source_buffer_create(bytes, n, 0, &why);
	if (!src || !(f->zip = zip_open_from_source(src, ZIP_RDONLY | ZIP_CHECKCONS, &why))) {
		enum err e = diag_add(d, ERR_BAD_REQUEST, "not a ZIP archive: %s", zip_error_strerror(&why));
		zip_source_free(src);
		zip_error_fini(&why);
		return e;
	}
	zip_error_fini(&why);
	zip_int64_t count = zip_get_num_entries(f->zip, 0);
	enum err e = ERR_OK;
	if (count < 0 || count > ZIP_ENTRIES_MAX)
		e = diag_add(d, ERR_TOO_LARGE, "the package has %lld parts, the limit is %d", (long long)count, ZIP_ENTRIES_MAX);
	else if (!(f->entry = ARENA_ARRAY(a, struct zip_entry, count + 1)) || !(f->index = ARENA_ARRAY(a, zip_uint64_t, count + 1)))
		e = diag_add(d, ERR_NO_MEMORY, "out of memory");
	for (zip_int64_t i = 0; !e && i < count; i++)
		e = take_entry(f, (zip_uint64_t)i, &total, a, d);
	if (e)
		zip_file_close(f);
	else
		*out = f;
	return e;
}

void zip_file_close(struct zip_file *f)
{
	if (f && f->zip)
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
	for (size_t i = 0; i < f->n; i++)
		if (!strncasecmp(f->entry[i].name, name, n) && !f->entry[i].name[n])
			return &f->entry[i];
	return NULL;
}

enum err zip_file_read(struct zip_file *f, const struct zip_entry *entry, struct arena *a, struct slice *out, struct diag *d)
{
	char *p = arena_raw(a, entry->size + 1);
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
	char more;
	bool exact = n == entry->size && zip_fread(in, &more, 1) == 0;
	zip_fclose(in);
	if (!exact)
		return diag_add(d, ERR_BAD_REQUEST, "the part \"%s\" is damaged", entry->name);
	p[n] = 0;
	*out = (struct slice){ p, n };
	return ERR_OK;
}
