/* SPDX-License-Identifier: Apache-2.0 */
#include "twin_engine/decode.h"

#include <math.h>
#include <stdio.h>

#include "aas/lexical.h"
#include "base/clock.h"

static bool scaled(const struct decode_scale *s)
{
	return s->factor != 1 || s->offset != 0;
}

/* xs:decimal and the integers know no exponent. */
static void put_number(struct buf *b, uintptr_t type, double v)
{
	char text[STR_DOUBLE_MAX], plain[400];
	size_t n = str_of_double(text, v);
	if (!aas_xsd_ok(type, text, n) && fabs(v) < 1e30) {
		n = (size_t)snprintf(plain, sizeof plain, "%.17f", v);
		while (plain[n - 1] == '0')
			n--;
		buf_put(b, plain, plain[n - 1] == '.' ? n - 1 : n);
		return;
	}
	buf_put(b, text, n);
}

/* To twelve digits: scaling 604 by 0.1 is not to show as 60.400000000000006. */
static double rounded(double v)
{
	char text[STR_DOUBLE_MAX];
	int n = snprintf(text, sizeof text, "%.12g", v);
	str_double(text, (size_t)n, &v);
	return v;
}

static const char *number(const struct payload_value *v, uintptr_t type, const struct decode_scale *s, struct buf *b, double *num)
{
	size_t from = b->n;
	if (v->kind == PAYLOAD_TRUE || v->kind == PAYLOAD_FALSE)
		return "is a boolean, not a number";
	if (!str_double(v->raw.p, v->raw.n, num))
		return "is not a number";
	if (!scaled(s) && aas_xsd_of(type)->integer && aas_xsd_ok(type, v->raw.p, v->raw.n)) {
		buf_slice(b, v->raw);	/* an integer beyond 2^53 keeps all its digits */
		return NULL;
	}
	if (scaled(s))
		*num = rounded(*num * s->factor + s->offset);
	if (!isfinite(*num))
		return "is too large once scaled";
	put_number(b, type, *num);
	return b->failed || !aas_xsd_ok(type, b->p + from, b->n - from) ? "does not fit the type of its target" : NULL;
}

static const char *boolean(const struct payload_value *v, struct buf *b, double *num)
{
	static const struct {
		const char *text;
		bool is;
	} words[] = { { "true", true }, { "false", false }, { "1", true }, { "0", false } };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (slice_is(v->raw, words[i].text)) {
			*num = words[i].is;
			buf_puts(b, words[i].is ? "true" : "false");
			return NULL;
		}
	return "is not a boolean";
}

const char *decode_value(const struct payload_value *v, uintptr_t type, const struct decode_scale *s, struct buf *b, double *num)
{
	size_t from = b->n;
	*num = NAN;
	if (v->kind == PAYLOAD_NULL)
		return "is null";
	if (v->kind == PAYLOAD_ARRAY || v->kind == PAYLOAD_OBJECT)
		return "is an array or an object, not a value";
	if (v->raw.n > DECODE_TEXT_MAX)
		return "is longer than 4096 bytes";
	if (!type || aas_xsd_of(type)->group == AAS_XSD_TEXT || aas_xsd_of(type)->group == AAS_XSD_TIME) {
		if (!payload_text(v, b))
			return "is not well-formed text";
		return aas_xsd_ok(type, b->n > from ? b->p + from : "", b->n - from) ? NULL : "does not fit the type of its target";
	}
	return aas_xsd_of(type)->group == AAS_XSD_BOOLEAN ? boolean(v, b, num) : number(v, type, s, b, num);
}

bool decode_time(const struct payload_value *v, int64_t *us)
{
	static const struct {
		double below;
		int64_t mul, div;
	} unit[] = { { 1e11, US_PER_S, 1 }, { 1e14, 1000, 1 }, { 1e17, 1, 1 }, { 9e18, 1, 1000 } };
	double t;
	size_t whole, i = 0;
	if (v->kind == PAYLOAD_STRING && time_parse(v->raw.p, v->raw.n, us))
		return true;
	if ((v->kind != PAYLOAD_NUMBER && v->kind != PAYLOAD_STRING) || !str_double(v->raw.p, v->raw.n, &t) || !(t >= 0 && t < 9e18))
		return false;
	while (t >= unit[i].below)
		i++;
	if (str_size(v->raw.p, v->raw.n, &whole))
		*us = (int64_t)whole * unit[i].mul / unit[i].div;	/* nanoseconds have more digits than a double */
	else
		*us = llround(t * (double)unit[i].mul / (double)unit[i].div);
	return true;
}

const char *decode_to_json(const char *text, uintptr_t type, const struct decode_scale *s, struct buf *json, double *num)
{
	size_t n = strlen(text);
	char shortest[STR_DOUBLE_MAX];
	*num = NAN;
	if (!type || aas_xsd_of(type)->group == AAS_XSD_TEXT || aas_xsd_of(type)->group == AAS_XSD_TIME) {
		buf_json(json, text, n);
		return NULL;
	}
	if (aas_xsd_of(type)->group == AAS_XSD_BOOLEAN) {
		*num = str_eq(text, "true") || str_eq(text, "1");
		buf_puts(json, *num > 0 ? "true" : "false");
		return NULL;
	}
	if (!str_double(text, n, num))
		return "is not a finite number";
	double raw = scaled(s) ? rounded((*num - s->offset) / s->factor) : *num;
	buf_put(json, shortest, str_of_double(shortest, raw));
	return isfinite(raw) ? NULL : "is not a finite number once scaled";
}
