#include "conf_parse.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf_text.h"
#include "file.h"
#include "route.h"

#define FILE_MAX ((size_t)4 << 20)
#define OPTS_MAX 128
#define SEEN_MAX 4096

/*
 * libconfuse reads the grammar; the values stay text and are read by
 * conf_set(), because its own numbers take 010 for 8. Its callbacks carry no
 * argument, so the one parse that runs is known by this pointer.
 */
struct parse {
	const char *path;
	struct conf *conf;
	struct buf *errors;
	const struct conf_seen *seen;
	bool is_bad;
	/* what was set already: a repeat would win silently */
	struct {
		const cfg_t *block;
		const char *name;
		int line;
	} set[SEEN_MAX];
	size_t set_n;
};

static _Thread_local struct parse *parse;

static void
complain(int line, const char *fmt, ...)
{
	va_list ap;

	parse->is_bad = true;
	if (line != 0)
		buf_addf(parse->errors, "%s:%d: ", parse->path, line);
	else /* of no single line */
		buf_addf(parse->errors, "%s: ", parse->path);
	va_start(ap, fmt);
	buf_addv(parse->errors, fmt, ap);
	va_end(ap);
	buf_addc(parse->errors, '\n');
}

static void
on_wrong_text(int line, const char *what)
{
	complain(line, "%s", what);
}

static size_t
distance(const char *a, const char *b)
{
	size_t row[64], n = strlen(b);

	if (n >= 63 || strlen(a) >= 63)
		return 64;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			bool same =
			    ascii_lower(a[i - 1]) == ascii_lower(b[j - 1]);
			size_t best = diagonal + !same;

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

/* The option or section that was probably meant, or NULL. */
static const char *
closest(const char *name)
{
	const char *best = NULL;
	size_t least = 4;

	for (int k = 0; k < CONF_SECTIONS; k++)
		for (size_t i = 0; i < conf_sections[k].opt_n; i++) {
			const char *n = conf_sections[k].opt[i].name;
			size_t d = distance(name, n);

			if (d < least) {
				least = d;
				best = n;
			}
		}
	return best;
}

/* libconfuse's own complaints: grammar and unknown names. */
static void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[512], name[64];
	const char *hint;

	vsnprintf(text, sizeof(text), fmt, ap);
	if (sscanf(text, "no such option '%63[^']'", name) == 1) {
		hint = closest(name);
		complain(cfg->line, "%s: there is no such option%s%s%s", name,
		    hint ? "; did you mean " : ", see mtad.conf(5)",
		    hint ? hint : "", hint ? "?" : "");
		return;
	}
	complain(cfg->line, "%s", text);
}

static bool
is_repeat(cfg_t *cfg, const char *name)
{
	for (size_t i = 0; i < parse->set_n; i++)
		if (parse->set[i].block == cfg &&
		    strcmp(parse->set[i].name, name) == 0) {
			complain(cfg->line,
			    "%s: already set in line %d; keep one of them",
			    name, parse->set[i].line);
			return true;
		}
	if (parse->set_n < SEEN_MAX) {
		parse->set[parse->set_n].block = cfg;
		parse->set[parse->set_n].name = name;
		parse->set[parse->set_n++].line = cfg->line;
	}
	return false;
}

static const struct conf_opt *
find_opt(const struct conf_section *s, const char *name)
{
	for (size_t i = 0; i < s->opt_n; i++)
		if (strcmp(s->opt[i].name, name) == 0)
			return &s->opt[i];
	return NULL;
}

static const struct conf_section *
section_of(cfg_t *cfg)
{
	for (int k = 1; k < CONF_SECTIONS; k++)
		if (strcmp(conf_sections[k].name, cfg_name(cfg)) == 0)
			return &conf_sections[k];
	return &conf_sections[0];
}

/* The struct of this block: sections are filled in the order of the file,
 * so it is the one with the same title. */
static void *
block_of(cfg_t *cfg, const struct conf_section *s)
{
	char *array;
	size_t n;

	if (s->size == 0)
		return parse->conf;
	array = *(char **)((char *)parse->conf + s->array_at);
	n = *(size_t *)((char *)parse->conf + s->count_at);
	for (size_t i = 0; i < n; i++)
		if (strcmp(*(char **)(array + i * s->size), cfg_title(cfg)) ==
		    0)
			return array + i * s->size;
	return conf_add_section(parse->conf, s, cfg_title(cfg));
}

static int
on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct conf_section *s = section_of(cfg);
	const struct conf_opt *o = find_opt(s, cfg_opt_name(opt));
	const char *text, *wrong;
	char why[200];
	void *to = block_of(cfg, s);

	if (o == NULL || to == NULL || o->kind == CONF_LIST ||
	    cfg_opt_size(opt) == 0)
		return 0;
	if (is_repeat(cfg, o->name))
		return 0;
	text = cfg_opt_getnstr(opt, 0);
	wrong = conf_set(o, (char *)to + o->offset, text ? text : "", why);
	if (wrong != NULL)
		complain(cfg->line, "%s: '%s' is not right: it takes %s",
		    o->name, text, wrong);
	if (parse->seen != NULL)
		parse->seen->set(parse->seen->arg, s,
		    s->size ? cfg_title(cfg) : "", o, cfg->line);
	return 0;
}

/* Called at each element and at the end; the list so far is always whole. */
static int
on_list(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct conf_section *s = section_of(cfg);
	const struct conf_opt *o = find_opt(s, cfg_opt_name(opt));
	struct conf_list *l;
	void *to = block_of(cfg, s);
	size_t n = cfg_opt_size(opt);
	char why[200];

	if (o == NULL || to == NULL)
		return 0;
	l = (struct conf_list *)((char *)to + o->offset);
	if (n <= 1 && conf_set(o, l, "{}", why) != NULL)
		return -1;
	if (n > (size_t)o->max)
		complain(cfg->line, "%s: more than %lld elements", o->name,
		    (long long)o->max);
	else if (n > l->n &&
	    conf_list_add(l, cfg_opt_getnstr(opt, (unsigned)n - 1)) < 0)
		return -1;
	if (parse->seen != NULL)
		parse->seen->set(parse->seen->arg, s,
		    s->size ? cfg_title(cfg) : "", o, cfg->line);
	return 0;
}

static void
fill_opts(cfg_opt_t *to, const struct conf_section *s)
{
	size_t i;

	for (i = 0; i < s->opt_n; i++) {
		const struct conf_opt *o = &s->opt[i];
		cfg_opt_t one = CFG_STR((char *)o->name, 0, CFGF_NODEFAULT);
		cfg_opt_t many =
		    CFG_STR_LIST((char *)o->name, 0, CFGF_NODEFAULT);

		to[i] = o->kind == CONF_LIST ? many : one;
		to[i].validcb = o->kind == CONF_LIST ? on_list : on_value;
	}
	to[i] = (cfg_opt_t)CFG_END();
}

/* Behind blanks and newlines, or p. */
static const char *
skip(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

static int
line_of(const char *text, const char *p)
{
	int line = 1;

	for (; text < p; text++)
		line += *text == '\n';
	return line;
}

/* libconfuse tells nobody of "Name = {}". */
static void
take_empty_lists(const char *text)
{
	const struct conf_section *s = &conf_sections[0];
	char why[200];

	for (size_t i = 0; i < s->opt_n; i++) {
		const struct conf_opt *o = &s->opt[i];
		const char *p = text;

		while (
		    o->kind == CONF_LIST && (p = strstr(p, o->name)) != NULL) {
			bool is_line = p == text || p[-1] == '\n';

			p = skip(p + strlen(o->name));
			if (!is_line || *p != '=' || *skip(p + 1) != '{' ||
			    *skip(skip(p + 1) + 1) != '}')
				continue;
			conf_set(o, (char *)parse->conf + o->offset, "{}", why);
			if (parse->seen != NULL)
				parse->seen->set(parse->seen->arg, s, "", o,
				    line_of(text, p));
		}
	}
}

static void
parse_text(const char *text)
{
	static cfg_opt_t opts[OPTS_MAX], sub[CONF_SECTIONS][32];
	size_t n = conf_sections[0].opt_n;
	cfg_t *cfg;

	fill_opts(opts, &conf_sections[0]);
	for (int k = 1; k < CONF_SECTIONS; k++) {
		fill_opts(sub[k], &conf_sections[k]);
		opts[n++] = (cfg_opt_t)CFG_SEC((char *)conf_sections[k].name,
		    sub[k], CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	}
	opts[n] = (cfg_opt_t)CFG_END();
	cfg = cfg_init(opts, CFGF_NONE);
	if (cfg == NULL) {
		complain(0, "no memory");
		return;
	}
	cfg_set_error_function(cfg, on_error);
	if (cfg_parse_buf(cfg, text) != CFG_SUCCESS && !parse->is_bad)
		complain(cfg->line, "this is not the syntax of mtad.conf");
	take_empty_lists(text);
	cfg_free(cfg);
}

static void
set_host_name(struct conf *c)
{
	struct addrinfo hints = { .ai_flags = AI_CANONNAME }, *ai = NULL;
	char name[256] = "localhost";

	if (c->HostName[0] != '\0')
		return;
	if (gethostname(name, sizeof(name) - 1) < 0)
		snprintf(name, sizeof(name), "localhost");
	if (strchr(name, '.') == NULL &&
	    getaddrinfo(name, NULL, &hints, &ai) == 0 &&
	    ai->ai_canonname != NULL)
		snprintf(name, sizeof(name), "%s", ai->ai_canonname);
	if (ai != NULL)
		freeaddrinfo(ai);
	free(c->HostName);
	c->HostName = strdup(name);
}

/* HostName stands for what the system calls itself, too: programs complete
 * addresses with that, and their mail is ours (sendmail's class w). */
static void
finish_local_domains(struct conf *c)
{
	struct conf_list *l = &c->LocalDomains;
	char own[256] = "";

	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->v[i], "HostName") != 0)
			continue;
		free(l->v[i]);
		l->v[i] = strdup(c->HostName);
		if (gethostname(own, sizeof(own) - 1) == 0 && own[0] != '\0' &&
		    strcasecmp(own, c->HostName) != 0)
			conf_list_add(l, own);
	}
}

/* What no single row can know. */
static void
check_whole(struct conf *c)
{
	static const char *const built_in[] = { "smtp", "lmtp", "local",
		"virtual" };

	if (c->MinQueueAge > c->MaxQueueAge)
		complain(0, "MinQueueAge is longer than MaxQueueAge");
	for (size_t i = 0; i < c->route_n; i++) {
		const char *m = c->route[i].Mailer;
		bool is_known = false;

		for (int k = 0; k < 4; k++)
			is_known |= strcmp(m, built_in[k]) == 0;
		for (size_t k = 0; k < c->mailer_n; k++)
			is_known |= strcmp(m, c->mailer[k].title) == 0;
		if (!is_known)
			complain(0,
			    "route \"%s\": there is no mailer \"%s\"; add "
			    "mailer \"%s\" { ... } or use smtp, lmtp or local",
			    c->route[i].title, m, m);
	}
	for (size_t i = 0; i < c->listener_n; i++) {
		const struct conf_listener *l = &c->listener[i];

		if (strcmp(l->Kind, "local") == 0 && l->Path[0] == '\0')
			complain(0, "listener \"%s\": Kind local needs a Path",
			    l->title);
	}
	for (size_t i = 0; i < c->virtual_n; i++)
		if (c->virtual_[i].Users[0] == '\0' ||
		    c->virtual_[i].Mailbox[0] != '/')
			complain(0,
			    "virtual \"%s\": needs Users (a file) and Mailbox "
			    "(an absolute path)",
			    c->virtual_[i].title);
}

struct conf *
conf_parse(const char *path, const struct conf_seen *seen, struct buf *errors)
{
	struct parse *p = calloc(1, sizeof(*p));
	struct conf *c = conf_new();
	struct buf text;
	int rc;

	buf_init(&text, FILE_MAX);
	if (p == NULL || c == NULL) {
		buf_adds(errors, "no memory\n");
		goto out;
	}
	*p = (struct parse){
		.path = path, .conf = c, .errors = errors, .seen = seen
	};
	parse = p;
	free(c->title);
	c->title = strdup(path);
	rc = file_slurp(AT_FDCWD, path, &text);
	if (rc < 0) {
		buf_addf(errors, "%s: %s\n", path, strerror(-rc));
		p->is_bad = true;
		goto out;
	}
	conf_text_prepare(text.data, on_wrong_text);
	if (!p->is_bad)
		parse_text(text.data);
	if (!p->is_bad) {
		set_host_name(c);
		finish_local_domains(c);
		check_whole(c);
	}
out:
	if (p == NULL || p->is_bad) {
		conf_free(c);
		c = NULL;
	}
	parse = NULL;
	free(p);
	buf_release(&text);
	return c;
}

const char *
conf_default_path(int is_setid)
{
	const char *env = is_setid ? NULL : getenv("MTAD_CONF");

	return env && env[0] ? env : MTA_SYSCONFDIR "/mtad.conf";
}
