/*
 * Reload: check all, then commit all. A bad file keeps what runs; options
 * that only a restart applies are named and keep their old value.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "conf_parse.h"
#include "log.h"
#include "parent.h"

#define ERRORS_MAX 65536

static void
answer(struct parent *p, bool ok, const char *text)
{
	struct p_order_done m = {
		.key = p->reload_key, .ok = ok, .text = slice_of(text)
	};
	struct child *queue = &p->child[0];
	struct event e;

	event_init(&e, EV_SYS_RELOAD);
	if (!ok)
		event_cstr(&e, F_ERROR, text);
	evlog_emit(p->log, &e);
	p->is_reloading = false;
	if (!p->has_reload_key || queue->chan == NULL)
		return;
	put_p_order_done(chan_begin(queue->chan, P_ORDER_DONE), &m);
	chan_end(queue->chan, -1);
	chan_flush(queue->chan);
}

static bool
is_same(const struct conf_opt *o, const struct conf *a, const struct conf *b)
{
	struct buf x, y;
	bool same;

	buf_init(&x, ERRORS_MAX);
	buf_init(&y, ERRORS_MAX);
	conf_value_text(&x, o, (const char *)a + o->offset);
	conf_value_text(&y, o, (const char *)b + o->offset);
	same = slice_eq(buf_slice(&x), buf_slice(&y));
	buf_release(&x);
	buf_release(&y);
	return same;
}

static void
name_restarts(struct buf *b, const struct conf *old, const struct conf *new)
{
	const struct conf_section *s = &conf_sections[0];

	for (size_t i = 0; i < s->opt_n; i++)
		if (s->opt[i].reload == CONF_RESTART &&
		    !is_same(&s->opt[i], old, new))
			buf_addf(b, "%s takes effect at the next restart\n",
			    s->opt[i].name);
	if (old->listener_n != new->listener_n)
		buf_adds(b, "listeners take effect at the next restart\n");
}

void
reload_begin(struct parent *p, bool has_key, uint32_t key)
{
	struct buf text;
	struct conf *c;

	buf_init(&text, ERRORS_MAX);
	p->has_reload_key = has_key;
	p->reload_key = key;
	c = conf_parse(p->conf_path, NULL, &text);
	if (c == NULL) {
		log_warn("reload refused, the old configuration stays:\n%s",
		    text.data);
		answer(p, false, text.data);
		buf_release(&text);
		return;
	}
	name_restarts(&text, p->conf, c);
	if (text.len != 0)
		log_warn("%s", text.data);
	/* Listeners belong to the sockets that are open. */
	if (c->listener_n != p->conf->listener_n) {
		answer(p, false, text.data);
		conf_free(c);
		buf_release(&text);
		return;
	}
	conf_free(p->conf);
	p->conf = c;
	p->is_reloading = true;
	for (int i = 0; i < p->child_n; i++) {
		struct child *child = &p->child[i];

		child->has_reloaded = child->chan == NULL || !child->is_running;
		if (child->has_reloaded)
			continue;
		child_send_conf(child, false);
		chan_flush(child->chan);
	}
	buf_release(&text);
}

void
reload_answered(struct parent *p, struct child *c, bool ok)
{
	c->has_reloaded = true;
	if (!ok)
		log_warn("%s could not take the new configuration",
		    proto_role_name(c->role));
	if (!p->is_reloading)
		return;
	for (int i = 0; i < p->child_n; i++)
		if (!p->child[i].has_reloaded && p->child[i].chan != NULL)
			return;
	answer(p, true, "");
}
