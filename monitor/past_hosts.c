/*
 * past_hosts: what hosts said lately, out of the last rows before a moment.
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "db.h"
#include "past_sums.h"
#include "segment.h"

/* The rows before ?1, by the index of minutes. */
#define LAST "(SELECT max(hi) FROM minute WHERE t <= ?1)"
#define LATELY "e.id BETWEEN " LAST " - 20000 AND " LAST " AND e.t <= ?1"

int
past_whys(struct past *p, const char *domain, int64_t t,
    void (*one)(void *arg, const char *text, int64_t n, int64_t of), void *arg)
{
	int day = 0, rc;
	struct db *db = past_day(p, segment_day(t), &day);
	sqlite3_stmt *q = NULL;

	if (db == NULL)
		return 0;
	rc = db_prepare(db, &q,
	    "SELECT e.text, e.code, count(*), max(e.id), "
	    "sum(count(*)) OVER () FROM ev e WHERE " LATELY
	    " AND e.ty = (SELECT id FROM word WHERE s = 'dlv.defer') AND "
	    "(?2 = '' OR (SELECT domain FROM addr WHERE id = e.addr) = "
	    "(SELECT id FROM domain WHERE s = ?2)) "
	    "GROUP BY e.reason ORDER BY 3 DESC LIMIT 3");
	if (rc < 0)
		return rc;
	sqlite3_bind_int64(q, 1, t);
	sqlite3_bind_text(q, 2, domain, -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(q, 0);
		char whole[600];

		snprintf(whole, sizeof(whole), "%.0d%s%s",
		    sqlite3_column_int(q, 1),
		    sqlite3_column_int(q, 1) != 0 ? " " : "", text ? text : "");
		one(arg, whole, sqlite3_column_int64(q, 2),
		    sqlite3_column_int64(q, 4));
	}
	sqlite3_finalize(q);
	return past_errno(p, rc);
}

/* The columns of an attempt's row. */
enum { A_NAME, A_IP, A_EVENT, A_T, A_CODE, A_TEXT, A_CONN };

static const char attempts[] =
    "SELECT h.name, h.ip, ty.s, e.t, e.code, e.text, e.conn_us "
    "FROM ev e JOIN word ty ON ty.id = e.ty JOIN host h ON h.id = e.host "
    "WHERE " LATELY " AND ty.s IN ('dlv.ok', 'dlv.defer', 'dlv.fail') AND "
    "(h.name = ?2 OR h.ip = ?2 OR (SELECT domain FROM addr WHERE id = e.addr) "
    "= (SELECT id FROM domain WHERE s = ?2)) AND "
    "(?3 = 0 OR ifnull(e.extra ->> '$.\"host.port\"', ?3) = ?3) "
    "ORDER BY e.id";

static void
copy(char *to, size_t size, sqlite3_stmt *q, int column)
{
	const char *s = (const char *)sqlite3_column_text(q, column);

	snprintf(to, size, "%s", s ? s : "");
}

static struct past_host *
host_of(struct past_host *all, int *n, int max, sqlite3_stmt *q)
{
	struct past_host *h = &all[*n];
	char name[sizeof(h->name)], ip[sizeof(h->ip)];

	copy(name, sizeof(name), q, A_NAME);
	copy(ip, sizeof(ip), q, A_IP);
	for (int i = 0; i < *n; i++)
		if (strcmp(all[i].name, name) == 0 &&
		    strcmp(all[i].ip, ip) == 0)
			return &all[i];
	if (*n == max)
		return NULL;
	*h = (struct past_host){ 0 };
	memcpy(h->name, name, sizeof(name));
	memcpy(h->ip, ip, sizeof(ip));
	++*n;
	return h;
}

static void
add_attempt(struct past_host *h, sqlite3_stmt *q)
{
	const char *event = (const char *)sqlite3_column_text(q, A_EVENT);
	size_t n = strlen(h->outcome);
	char c = '.';

	if (strcmp(event, "dlv.ok") == 0) {
		h->ok++;
	} else {
		c = strcmp(event, "dlv.defer") == 0 ? 'd' : 'b';
		*(c == 'd' ? &h->deferred : &h->failed) += 1;
		copy(h->text, sizeof(h->text), q, A_TEXT);
		h->code = sqlite3_column_int(q, A_CODE);
	}
	if (n == PAST_OUTCOMES)
		memmove(h->outcome, h->outcome + 1, n--);
	h->outcome[n] = c;
	h->outcome[n + 1] = '\0';
	h->last = sqlite3_column_int64(q, A_T);
	if (sqlite3_column_int64(q, A_CONN) != 0)
		h->conn_us = sqlite3_column_int64(q, A_CONN);
}

int
past_hosts(struct past *p, const char *destination, int port, int64_t t,
    struct past_host *ret, int max)
{
	int day = 0, rc, n = 0;
	struct db *db = past_day(p, segment_day(t), &day);
	sqlite3_stmt *q = NULL;
	struct past_host *h;

	if (db == NULL)
		return 0;
	rc = db_prepare(db, &q, attempts);
	if (rc < 0)
		return rc;
	sqlite3_bind_int64(q, 1, t);
	sqlite3_bind_text(q, 2, destination, -1, SQLITE_STATIC);
	sqlite3_bind_int(q, 3, port);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW)
		if ((h = host_of(ret, &n, max, q)) != NULL)
			add_attempt(h, q);
	sqlite3_finalize(q);
	rc = past_errno(p, rc);
	return rc < 0 && n == 0 ? rc : n;
}
