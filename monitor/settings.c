#include "settings.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "journal.h"
#include "slice.h"

#define FILE_MAX ((size_t)1 << 20)

enum kind { TEXT, ENUM, COUNT, SIZE, TIME };

struct row {
	const char *name, *def, *words;
	enum kind kind;
	int64_t min, max;
	size_t offset;
};

/* clang-format off */
#define WORDS_TEXT(min) NULL
#define WORDS_COUNT(min) NULL
#define WORDS_SIZE(min) NULL
#define WORDS_TIME(min) NULL
#define WORDS_ENUM(min) min
#define MIN_TEXT(min) min
#define MIN_COUNT(min) min
#define MIN_SIZE(min) min
#define MIN_TIME(min) min
#define MIN_ENUM(min) 0
#define ROW(type, name, kind, def, min, max) \
	{ #name, def, WORDS_##kind(min), kind, MIN_##kind(min), max, \
	    offsetof(struct type, name) },

static const struct row global_rows[] = {
#define GLOBAL(name, kind, def, min, max, doc) \
	ROW(settings, name, kind, def, min, max)
#include "settings.def"
};
static const struct row source_rows[] = {
#define SOURCE(name, kind, def, min, max, doc) \
	ROW(source_settings, name, kind, def, min, max)
#include "settings.def"
};
/* clang-format on */

#define GLOBALS (sizeof(global_rows) / sizeof(global_rows[0]))
#define SOURCES (sizeof(source_rows) / sizeof(source_rows[0]))

static bool
read_count(const char *text, int64_t *ret)
{
	uint64_t v;

	if (!slice_u64(slice_of(text), INT64_MAX, &v))
		return false;
	*ret = (int64_t)v;
	return true;
}

/* "500MB", "2G", bytes */
static bool
read_size(const char *text, int64_t *ret)
{
	static const char units[] = "KMGT";
	size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits, *at;
	int shift = 0;

	if (digits == 0 || digits > 12)
		return false;
	if (*unit != '\0' && (at = strchr(units, *unit)) != NULL) {
		shift = 10 * (int)(at - units + 1);
		unit++;
		if (*unit == 'B')
			unit++;
	}
	*ret = (int64_t)strtoull(text, NULL, 10) << shift;
	return *unit == '\0';
}

/* "200ms", "1h30m" */
static bool
read_time(const char *text, int64_t *ret)
{
	static const struct {
		const char *unit;
		int64_t us;
	} units[] = { { "ms", 1000 }, { "s", 1000000 }, { "m", 60000000 },
		{ "h", 3600000000 }, { "d", 86400000000 } };
	int64_t sum = 0;

	while (*text != '\0') {
		size_t digits = strspn(text, "0123456789"), letters, i = 0;
		int64_t v;

		if (digits == 0 || digits > 9)
			return false;
		v = strtol(text, NULL, 10);
		text += digits;
		letters = strspn(text, "abcdefghijklmnopqrstuvwxyz");
		while (i < 5 &&
		    (strlen(units[i].unit) != letters ||
			strncmp(units[i].unit, text, letters) != 0))
			i++;
		if (i == 5)
			return false;
		sum += v * units[i].us;
		text += letters;
	}
	*ret = sum;
	return sum != 0;
}

static bool
is_word(const char *words, const char *text)
{
	struct slice rest = slice_of(words), one;

	while (slice_next(&rest, '|', &one))
		if (slice_eq(one, slice_of(text)))
			return true;
	return false;
}

/* The kinds that are numbers. */
static const struct {
	bool (*read)(const char *, int64_t *);
	const char *like;
} numbers[] = {
	[COUNT] = { read_count, "a number within its range" },
	[SIZE] = { read_size, "a size within its range, such as 500MB" },
	[TIME] = { read_time, "a time within its range, such as 200ms or 1h" },
};

/* What would be right, or NULL when it is. */
static const char *
set(const struct row *r, void *to, const char *text)
{
	char **place = (char **)((char *)to + r->offset), *copy;
	int64_t *number = (int64_t *)place;
	int64_t v;

	if (numbers[r->kind].read != NULL) {
		if (!numbers[r->kind].read(text, &v) || v < r->min ||
		    v > r->max)
			return numbers[r->kind].like;
		*number = v;
		return NULL;
	}
	if (r->kind == ENUM && !is_word(r->words, text))
		return r->words;
	if (r->kind == TEXT &&
	    (strlen(text) < (size_t)r->min || strlen(text) > (size_t)r->max))
		return "a text that is not empty or too long";
	copy = strdup(text);
	if (copy == NULL)
		return "more memory";
	free(*place);
	*place = copy;
	return NULL;
}

static bool
set_defaults(const struct row *rows, size_t n, void *to)
{
	for (size_t i = 0; i < n; i++)
		if (set(&rows[i], to, rows[i].def) != NULL)
			return false;
	return true;
}

static void
release(const struct row *rows, size_t n, void *from)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].kind == TEXT || rows[i].kind == ENUM)
			free(*(char **)((char *)from + rows[i].offset));
}

void
settings_free(struct settings *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->sources; i++) {
		release(source_rows, SOURCES, &s->source[i]);
		free(s->source[i].title);
	}
	free(s->source);
	release(global_rows, GLOBALS, s);
	free(s);
}

static struct source_settings *
add_source(struct settings *s, const char *title)
{
	struct source_settings *v =
	    realloc(s->source, (s->sources + 1) * sizeof(*v));

	if (v == NULL)
		return NULL;
	s->source = v;
	v += s->sources;
	memset(v, 0, sizeof(*v));
	v->fd = -1;
	v->title = strdup(title);
	s->sources++;
	return v->title != NULL && set_defaults(source_rows, SOURCES, v) ? v
									 : NULL;
}

const char *
settings_path(const char *given)
{
	const char *env = getenv("MTACOLLECT_CONF");

	return given != NULL	  ? given
	    : env != NULL && *env ? env
				  : MTA_SYSCONFDIR "/mtacollect.conf";
}

/* libconfuse's callback has no argument: where its words go. */
static _Thread_local struct buf *complaints;
static _Thread_local const char *reading;

static void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	buf_addf(complaints, "%s:%d: ", reading, cfg->line);
	buf_addv(complaints, fmt, ap);
	buf_addc(complaints, '\n');
}

/* All values stay text until set() reads them: libconfuse takes 010 for 8. */
static void
fill(cfg_opt_t *to, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cfg_opt_t one =
		    CFG_STR((char *)rows[i].name, 0, CFGF_NODEFAULT);

		to[i] = one;
	}
	to[n] = (cfg_opt_t)CFG_END();
}

static void
take(cfg_t *cfg, const struct row *rows, size_t n, void *to, struct buf *errors)
{
	for (size_t i = 0; i < n; i++) {
		const char *text = cfg_size(cfg, rows[i].name) != 0
		    ? cfg_getstr(cfg, rows[i].name)
		    : NULL;
		const char *wrong =
		    text != NULL ? set(&rows[i], to, text) : NULL;

		if (wrong != NULL)
			buf_addf(errors,
			    "%s: %s: '%s' is not right: it takes "
			    "%s\n",
			    reading, rows[i].name, text, wrong);
	}
}

static void
take_all(cfg_t *cfg, struct settings *s, struct buf *errors)
{
	take(cfg, global_rows, GLOBALS, s, errors);
	for (unsigned i = 0; i < cfg_size(cfg, "source"); i++) {
		cfg_t *sec = cfg_getnsec(cfg, "source", i);
		struct source_settings *one = add_source(s, cfg_title(sec));

		if (one == NULL)
			buf_adds(errors, "no memory\n");
		else
			take(sec, source_rows, SOURCES, one, errors);
	}
}

static void
parse(const char *text, struct settings *s, struct buf *errors)
{
	cfg_opt_t global[GLOBALS + 2], source[SOURCES + 1];
	cfg_opt_t section = CFG_SEC(
	    "source", source, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	cfg_t *cfg;

	fill(source, source_rows, SOURCES);
	fill(global, global_rows, GLOBALS);
	global[GLOBALS] = section;
	global[GLOBALS + 1] = (cfg_opt_t)CFG_END();
	cfg = cfg_init(global, CFGF_NONE);
	if (cfg == NULL) {
		buf_adds(errors, "no memory\n");
		return;
	}
	complaints = errors;
	cfg_set_error_function(cfg, on_error);
	if (cfg_parse_buf(cfg, text) == CFG_SUCCESS)
		take_all(cfg, s, errors);
	else if (errors->len == 0)
		buf_addf(errors, "%s: this is not its syntax\n", reading);
	complaints = NULL;
	cfg_free(cfg);
}

static struct settings *
make(void)
{
	struct settings *s = calloc(1, sizeof(*s));

	if (s != NULL && set_defaults(global_rows, GLOBALS, s))
		return s;
	settings_free(s);
	return NULL;
}

/* What each kind cannot do without. */
static void
check(struct settings *s, struct buf *errors)
{
	for (size_t i = 0; i < s->sources; i++) {
		const struct source_settings *o = &s->source[i];
		bool needs_path = strcmp(o->Kind, "events") == 0 ||
		    strcmp(o->Kind, "file") == 0 ||
		    strncmp(o->Kind, "unix", 4) == 0;

		if (needs_path && *o->Path == '\0')
			buf_addf(errors,
			    "%s: source \"%s\": Kind %s needs a "
			    "Path\n",
			    reading, o->title, o->Kind);
		if (strcmp(o->Kind, "journald") == 0 && !journal_is_built())
			buf_addf(errors,
			    "%s: source \"%s\": Kind journald: built without "
			    "libsystemd\n",
			    reading, o->title);
		if (strcmp(o->Kind, "tls") == 0 &&
		    (*o->Certificate == '\0' || *o->Key == '\0'))
			buf_addf(errors,
			    "%s: source \"%s\": Kind tls needs "
			    "Certificate and Key\n",
			    reading, o->title);
	}
}

struct settings *
settings_read(const char *given, struct buf *errors)
{
	const char *path = settings_path(given);
	struct settings *s = make();
	struct source_settings *one;
	struct buf text;
	int rc;

	if (s == NULL)
		return NULL;
	reading = path;
	buf_init(&text, FILE_MAX);
	rc = file_slurp(AT_FDCWD, path, &text);
	if (rc == 0)
		parse(text.data, s, errors);
	else if (rc != -ENOENT || given != NULL)
		buf_addf(errors, "%s: %s\n", path, strerror(-rc));
	buf_release(&text);
	if (errors->len == 0 && s->sources == 0) {
		one = add_source(s, "mtad");
		if (one != NULL) {
			free(one->Path);
			one->Path = strdup("/var/log/mtad");
		}
	}
	check(s, errors);
	if (errors->len == 0)
		return s;
	settings_free(s);
	return NULL;
}
