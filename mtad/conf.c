#include "conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "wire.h"

#define CONF_MAX ((size_t)16 << 20)

/* clang-format off */
#define WORDS_INT(min) NULL
#define WORDS_BOOL(min) NULL
#define WORDS_SIZE(min) NULL
#define WORDS_TIME(min) NULL
#define WORDS_STR(min) NULL
#define WORDS_LIST(min) NULL
#define WORDS_ENUM(min) min
#define MIN_INT(min) min
#define MIN_BOOL(min) min
#define MIN_SIZE(min) min
#define MIN_TIME(min) min
#define MIN_STR(min) min
#define MIN_LIST(min) min
#define MIN_ENUM(min) 0

#define ROW(type, field, name, kind, def, min, max, reload, doc) { \
	name, def, doc, WORDS_##kind(min), CONF_##kind, CONF_##reload, \
	MIN_##kind(min), max, offsetof(type, field) },

#define SECTION(section, name, doc)
#define OPT(section, ...) IN_##section(__VA_ARGS__)

#define IN_listener(...)
#define IN_mailer(...)
#define IN_route(...)
#define IN_virtual(...)
#define IN_global(...) ROW(struct conf, __VA_ARGS__)
static const struct conf_opt global_opts[] = {
#include "conf.def"
};
#undef IN_global
#undef IN_listener
#define IN_global(...)
#define IN_listener(...) ROW(struct conf_listener, __VA_ARGS__)
static const struct conf_opt listener_opts[] = {
#include "conf.def"
};
#undef IN_listener
#undef IN_mailer
#define IN_listener(...)
#define IN_mailer(...) ROW(struct conf_mailer, __VA_ARGS__)
static const struct conf_opt mailer_opts[] = {
#include "conf.def"
};
#undef IN_mailer
#undef IN_route
#define IN_mailer(...)
#define IN_route(...) ROW(struct conf_route, __VA_ARGS__)
static const struct conf_opt route_opts[] = {
#include "conf.def"
};
#undef IN_route
#undef IN_virtual
#define IN_route(...)
#define IN_virtual(...) ROW(struct conf_virtual, __VA_ARGS__)
static const struct conf_opt virtual_opts[] = {
#include "conf.def"
};
#undef SECTION
#undef OPT

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define AT(array, count) offsetof(struct conf, array), \
	offsetof(struct conf, count)
#define global_AT 0, 0
#define listener_AT AT(listener, listener_n)
#define mailer_AT AT(mailer, mailer_n)
#define route_AT AT(route, route_n)
#define virtual_AT AT(virtual_, virtual_n)
#define global_SIZE 0
#define listener_SIZE sizeof(struct conf_listener)
#define mailer_SIZE sizeof(struct conf_mailer)
#define route_SIZE sizeof(struct conf_route)
#define virtual_SIZE sizeof(struct conf_virtual)

const struct conf_section conf_sections[CONF_SECTIONS] = {
#define SECTION(section, name, doc) \
	{ name, doc, section##_opts, COUNT(section##_opts), \
	    section##_SIZE, section##_AT },
#define OPT(...)
#include "conf.def"
};
/* clang-format on */

int
conf_list_add(struct conf_list *l, const char *text)
{
	char **v = realloc(l->v, (l->n + 1) * sizeof(*v));

	if (v == NULL)
		return -1;
	l->v = v;
	v[l->n] = strdup(text);
	if (v[l->n] == NULL)
		return -1;
	l->n++;
	return 0;
}

static void
list_free(struct conf_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct conf_list){ 0 };
}

/* Decimal digits and units, each unit at most once and falling in size. */
static bool
read_units(
    const char *s, const char *units, const int64_t *factor, int64_t *ret)
{
	int64_t sum = 0;

	if (*s == '\0')
		return false;
	while (*s != '\0') {
		int64_t v = 0;
		const char *u;
		size_t digits = strspn(s, "0123456789");

		if (digits == 0 || digits > 15)
			return false;
		for (size_t i = 0; i < digits; i++)
			v = v * 10 + (*s++ - '0');
		u = *s ? strchr(units, ascii_lower(*s)) : NULL;
		if (u == NULL ||
		    __builtin_mul_overflow(v, factor[u - units], &v) ||
		    __builtin_add_overflow(sum, v, &sum))
			return false;
		s++;
		if (*s == 'B' || *s == 'b') /* 50MB */
			s++;
	}
	*ret = sum;
	return true;
}

static bool
read_int(const char *s, int64_t *ret)
{
	uint64_t v;

	/* 010 would be 8 to some readers and 10 to others */
	if ((s[0] == '0' && s[1] != '\0') ||
	    !slice_u64(slice_of(s), INT64_MAX, &v))
		return false;
	*ret = (int64_t)v;
	return true;
}

static bool
read_size(const char *s, int64_t *ret)
{
	static const int64_t factor[] = { 1, 1024, 1048576, 1073741824,
		INT64_C(1099511627776) };

	return read_int(s, ret) || read_units(s, "bkmgt", factor, ret);
}

static bool
read_time(const char *s, int64_t *ret)
{
	static const int64_t factor[] = { US_SEC, US_MIN, US_HOUR, US_DAY,
		7 * US_DAY };

	if (strcmp(s, "0") == 0) {
		*ret = 0;
		return true;
	}
	return read_units(s, "smhdw", factor, ret);
}

static bool
read_bool(const char *s, int64_t *ret)
{
	static const char *const words[] = { "false", "true", "no", "yes",
		"off", "on" };

	for (int i = 0; i < 6; i++)
		if (slice_ieq(slice_of(s), slice_of(words[i]))) {
			*ret = i & 1;
			return true;
		}
	return false;
}

static bool
is_word(const char *words, const char *s)
{
	struct slice rest = slice_of(words), one;

	while (slice_next(&rest, '|', &one))
		if (slice_eq(one, slice_of(s)))
			return true;
	return false;
}

static const char *
set_number(
    const struct conf_opt *o, int64_t *dest, const char *text, char why[200])
{
	static bool (*const readers[])(const char *, int64_t *) = {
		[CONF_INT] = read_int,
		[CONF_BOOL] = read_bool,
		[CONF_SIZE] = read_size,
		[CONF_TIME] = read_time,
	};
	static const char *const shapes[] = {
		[CONF_INT] = "a number such as 20",
		[CONF_BOOL] = "on or off",
		[CONF_SIZE] = "a size with its unit, such as 50MB",
		[CONF_TIME] = "a time with its unit, such as 5d or 2h30m",
	};
	struct buf lo, hi;
	int64_t v;

	if (!readers[o->kind](text, &v))
		return shapes[o->kind];
	if (o->kind == CONF_BOOL || (v >= o->min && v <= o->max)) {
		*dest = v;
		return NULL;
	}
	buf_init(&lo, 100);
	buf_init(&hi, 100);
	conf_value_text(&lo, o, &o->min);
	conf_value_text(&hi, o, &o->max);
	snprintf(why, 200, "a value from %s to %s", lo.data, hi.data);
	buf_release(&lo);
	buf_release(&hi);
	return why;
}

static const char *
set_list(struct conf_list *dest, const char *text)
{
	struct slice rest = slice_trim(slice_of(text)), one;
	char *copy;

	if (rest.n < 2 || rest.p[0] != '{' || rest.p[rest.n - 1] != '}')
		return "a list such as {one, two}";
	list_free(dest);
	rest = slice_trim(slice_sub(rest, 1, rest.n - 1));
	while (slice_next(&rest, ',', &one)) {
		copy = slice_dup(slice_trim(one));
		if (copy == NULL || conf_list_add(dest, copy) < 0) {
			free(copy);
			return "more memory";
		}
		free(copy);
	}
	return NULL;
}

const char *
conf_set(const struct conf_opt *o, void *dest, const char *text, char why[200])
{
	char *copy;

	switch (o->kind) {
	case CONF_INT:
	case CONF_BOOL:
	case CONF_SIZE:
	case CONF_TIME:
		return set_number(o, dest, text, why);
	case CONF_LIST:
		return set_list(dest, text);
	case CONF_ENUM:
		if (!is_word(o->words, text)) {
			snprintf(why, 200, "one of %s", o->words);
			return why;
		}
		break;
	case CONF_STR:
		if (strlen(text) > (size_t)o->max) {
			snprintf(why, 200, "at most %lld characters",
			    (long long)o->max);
			return why;
		}
		if (strlen(text) < (size_t)o->min)
			return "a value that is not empty";
		break;
	}
	copy = strdup(text);
	if (copy == NULL)
		return "more memory";
	free(*(char **)dest);
	*(char **)dest = copy;
	return NULL;
}

static void
put_quoted(struct buf *b, const char *s)
{
	buf_addc(b, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			buf_addc(b, '\\');
		buf_addc(b, *s);
	}
	buf_addc(b, '"');
}

static void
size_text(struct buf *b, int64_t v)
{
	static const char unit[] = "KMGT";
	int u = -1;

	while (v != 0 && v % 1024 == 0 && u < 3) {
		v /= 1024;
		u++;
	}
	buf_add_u64(b, (uint64_t)v);
	if (u >= 0)
		buf_addf(b, "%cB", unit[u]);
}

void
conf_value_text(struct buf *b, const struct conf_opt *o, const void *field)
{
	const struct conf_list *l = field;

	switch (o->kind) {
	case CONF_INT:
		buf_add_u64(b, (uint64_t) * (const int64_t *)field);
		break;
	case CONF_BOOL:
		buf_adds(b, *(const int64_t *)field ? "on" : "off");
		break;
	case CONF_SIZE:
		size_text(b, *(const int64_t *)field);
		break;
	case CONF_TIME:
		clock_span(b, *(const int64_t *)field);
		break;
	case CONF_STR:
	case CONF_ENUM:
		put_quoted(b, *(char *const *)field);
		break;
	case CONF_LIST:
		buf_addc(b, '{');
		for (size_t i = 0; i < l->n; i++) {
			if (i != 0)
				buf_adds(b, ", ");
			put_quoted(b, l->v[i]);
		}
		buf_addc(b, '}');
		break;
	}
}

/* All default values of one section into its struct; -1 without memory. */
static int
set_defaults(const struct conf_section *s, void *to)
{
	char why[200];

	for (size_t i = 0; i < s->opt_n; i++) {
		const struct conf_opt *o = &s->opt[i];
		char *dest = (char *)to + o->offset;

		/* A required string has no default: empty until it is set. */
		if (o->kind == CONF_STR && o->def[0] == '\0') {
			*(char **)dest = strdup("");
			if (*(char **)dest == NULL)
				return -1;
		} else if (conf_set(o, dest, o->def, why) != NULL) {
			return -1;
		}
	}
	return 0;
}

static void
release(const struct conf_section *s, void *from)
{
	for (size_t i = 0; i < s->opt_n; i++) {
		char *field = (char *)from + s->opt[i].offset;

		if (s->opt[i].kind == CONF_LIST)
			list_free((struct conf_list *)field);
		else if (s->opt[i].kind >= CONF_STR)
			free(*(char **)field);
	}
	free(*(char **)from); /* title is the first member of all */
}

struct conf *
conf_new(void)
{
	struct conf *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->title = strdup("");
	if (c->title == NULL || set_defaults(&conf_sections[0], c) < 0) {
		conf_free(c);
		return NULL;
	}
	return c;
}

void
conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	for (int k = 1; k < CONF_SECTIONS; k++) {
		const struct conf_section *s = &conf_sections[k];
		char *array = *(char **)((char *)c + s->array_at);
		size_t n = *(size_t *)((char *)c + s->count_at);

		for (size_t i = 0; i < n; i++)
			release(s, array + i * s->size);
		free(array);
	}
	release(&conf_sections[0], c);
	free(c);
}

void *
conf_add_section(
    struct conf *c, const struct conf_section *s, const char *title)
{
	char **array = (char **)((char *)c + s->array_at);
	size_t *n = (size_t *)((char *)c + s->count_at);
	char *grown = realloc(*array, (*n + 1) * s->size), *one;

	if (grown == NULL)
		return NULL;
	*array = grown;
	one = grown + *n * s->size;
	memset(one, 0, s->size);
	*(char **)one = strdup(title);
	if (*(char **)one == NULL)
		return NULL;
	(*n)++;
	return set_defaults(s, one) < 0 ? NULL : one;
}

static void
encode(struct buf *b, const struct conf_section *s, const void *from)
{
	put_str(b, slice_of(*(char *const *)from));
	for (size_t i = 0; i < s->opt_n; i++) {
		const char *f = (const char *)from + s->opt[i].offset;
		const struct conf_list *l = (const struct conf_list *)f;

		switch (s->opt[i].kind) {
		case CONF_STR:
		case CONF_ENUM:
			put_str(b, slice_of(*(char *const *)f));
			break;
		case CONF_LIST:
			put_u32(b, (uint32_t)l->n);
			for (size_t k = 0; k < l->n; k++)
				put_str(b, slice_of(l->v[k]));
			break;
		default:
			put_u64(b, (uint64_t) * (const int64_t *)f);
		}
	}
}

void
conf_encode(struct buf *b, const struct conf *c)
{
	for (int k = 0; k < CONF_SECTIONS; k++) {
		const struct conf_section *s = &conf_sections[k];
		const char *array = (const char *)c;
		size_t n = 1;

		if (s->size != 0) {
			array = *(char *const *)((const char *)c + s->array_at);
			n = *(const size_t *)((const char *)c + s->count_at);
		}
		put_u32(b, (uint32_t)n);
		for (size_t i = 0; i < n; i++)
			encode(b, s, array + i * s->size);
	}
}

static bool
take_str(struct rd *r, char **dest)
{
	char *s = slice_dup(get_str(r));

	if (s == NULL)
		return false;
	free(*dest);
	*dest = s;
	return true;
}

static bool
decode(struct rd *r, const struct conf_section *s, void *to)
{
	for (size_t i = 0; i < s->opt_n && !r->bad; i++) {
		char *f = (char *)to + s->opt[i].offset;
		struct conf_list *l = (struct conf_list *)f;
		char *one = NULL;

		switch (s->opt[i].kind) {
		case CONF_STR:
		case CONF_ENUM:
			if (!take_str(r, (char **)f))
				return false;
			break;
		case CONF_LIST:
			list_free(l);
			for (uint32_t n = get_u32(r); n != 0 && !r->bad; n--)
				if (!take_str(r, &one) || conf_list_add(l, one))
					return false;
			free(one);
			break;
		default:
			*(int64_t *)f = (int64_t)get_u64(r);
		}
	}
	return !r->bad;
}

struct conf *
conf_decode(struct slice bytes)
{
	struct conf *c = conf_new();
	struct rd r = rd_of(bytes);
	char *title = NULL;

	if (c == NULL || bytes.n > CONF_MAX)
		goto bad;
	for (int k = 0; k < CONF_SECTIONS; k++) {
		const struct conf_section *s = &conf_sections[k];
		uint32_t n = get_u32(&r);

		for (uint32_t i = 0; i < n && !r.bad; i++) {
			void *to = c;

			if (!take_str(&r, &title))
				goto bad;
			if (s->size == 0) {
				free(c->title);
				c->title = title;
				title = NULL;
			} else {
				to = conf_add_section(c, s, title);
			}
			if (to == NULL)
				goto bad;
			if (!decode(&r, s, to))
				goto bad;
		}
	}
	if (r.bad || r.p != r.end)
		goto bad;
	free(title);
	return c;
bad:
	free(title);
	conf_free(c);
	return NULL;
}
