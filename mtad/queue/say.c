/*
 * say: the events of mtad-queue, and what follows when its disk fails.
 */
#include <errno.h>
#include <string.h>

#include "queue.h"

void
queue_event_msg(struct event *e, enum event_type t, const struct msg *m,
    char id[MSGID_TEXT + 1])
{
	event_init(e, t);
	msgid_text(m->id, id);
	event_str(e, F_MSG_ID, (struct slice){ id, MSGID_TEXT });
}

void
queue_emit(struct queue *q, const struct event *e)
{
	struct event again;

	if (q->is_checking)
		return;
	if (q->is_retelling) {
		again = *e;
		event_num(&again, F_RETOLD, 1);
		e = &again;
	}
	q->told.has_news = true;
	evlog_emit(q->proc->log, e);
}

void
queue_damage(struct queue *q, const struct msg *m, const char *file,
    uint64_t offset, const char *what)
{
	char id[MSGID_TEXT + 1];
	struct event e;

	if (q->is_checking) {
		check_note(m, file, offset, what);
		return;
	}
	if (m != NULL)
		queue_event_msg(&e, EV_SPOOL_DAMAGE, m, id);
	else
		event_init(&e, EV_SPOOL_DAMAGE);
	event_cstr(&e, F_FILE, file);
	event_num(&e, F_OFFSET, offset);
	event_cstr(&e, F_ERROR, what);
	queue_emit(q, &e);
}

/* A file system that became read-only takes no mail and delivers none; a full
 * one comes back by itself (accept_check_space); a failed sync or read costs
 * what it was about. */
void
queue_spool_error(struct queue *q, const char *what, int error)
{
	struct event e;

	event_init(&e, EV_SPOOL_ERROR);
	event_cstr(&e, F_PATH, what);
	event_cstr(&e, F_ERROR, strerror(-error));
	event_cstr(&e, F_FS, q->proc->conf->QueueDirectory);
	queue_emit(q, &e);
	if (error == -ENOSPC || error == -EDQUOT) {
		accept_state(q, 452,
		    "4.3.1 The mail queue's disk is full, try again later");
	} else if (error == -EROFS) {
		q->is_spool_bad = true;
		accept_state(q, 451,
		    "4.3.0 The mail queue's disk has failed, try again later");
	}
}
