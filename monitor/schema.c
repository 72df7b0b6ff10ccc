#include "schema.h"

/* clang-format off */

/* What is true of the whole store, whatever days it still has. */
static const char catalog_1[] =
	"CREATE TABLE segment("
	" day INTEGER PRIMARY KEY," /* YYYYMMDD */
	" path TEXT NOT NULL UNIQUE,"
	" state INTEGER NOT NULL DEFAULT 0" /* 1: folded, may go */
	") STRICT;"
	"CREATE TABLE source("
	" id INTEGER PRIMARY KEY,"
	" kind TEXT NOT NULL,"
	" name TEXT NOT NULL,"
	" UNIQUE(kind, name)"
	") STRICT;"
	"CREATE TABLE name("
	" id INTEGER PRIMARY KEY,"
	" s TEXT NOT NULL UNIQUE"
	") STRICT;"
	/* replies that were ever heard; id: the hash of the template */
	"CREATE TABLE reason("
	" id INTEGER PRIMARY KEY,"
	" tmpl TEXT NOT NULL,"
	" example TEXT NOT NULL,"
	" class TEXT NOT NULL,"
	" first INTEGER NOT NULL"
	") STRICT;"
	/* how far sources were read, from days whose files are gone */
	"CREATE TABLE place("
	" source INTEGER PRIMARY KEY,"
	" file INTEGER NOT NULL,"
	" off INTEGER NOT NULL,"
	" mark TEXT NOT NULL"
	") STRICT;"
	/* rollups of days whose segments are gone */
	"CREATE TABLE rollup("
	" kind INTEGER NOT NULL,"
	" dim INTEGER NOT NULL,"
	" key INTEGER NOT NULL,"
	" t INTEGER NOT NULL,"
	" n INTEGER NOT NULL,"
	" bytes INTEGER NOT NULL,"
	" PRIMARY KEY(kind, dim, key, t)"
	") WITHOUT ROWID, STRICT;";

/* What is done beside the days. */
static const char catalog_2[] =
	/* keys by which people's names are hidden, of the days of a month */
	"CREATE TABLE secret("
	" month INTEGER PRIMARY KEY," /* YYYYMM */
	" key BLOB NOT NULL"
	") STRICT;"
	/* days without people's names, and what they were when that was done */
	"CREATE TABLE private("
	" day INTEGER PRIMARY KEY," /* YYYYMMDD */
	" stamp TEXT NOT NULL"
	") STRICT;"
	/* does every recipient balance, day by day (ledger_days.h) */
	"CREATE TABLE ledger("
	" day INTEGER PRIMARY KEY," /* YYYYMMDD */
	" t INTEGER NOT NULL,"
	" stamp TEXT NOT NULL,"
	" messages INTEGER NOT NULL,"
	" accepted INTEGER NOT NULL,"
	" expanded INTEGER NOT NULL,"
	" delivered INTEGER NOT NULL,"
	" bounced INTEGER NOT NULL,"
	" expired INTEGER NOT NULL,"
	" deleted INTEGER NOT NULL,"
	" replaced INTEGER NOT NULL,"
	" open_messages INTEGER NOT NULL,"
	" open_recipients INTEGER NOT NULL,"
	" unknown INTEGER NOT NULL,"
	" imbalances INTEGER NOT NULL,"
	" ids TEXT NOT NULL"
	") STRICT;"
	/* sums of days whose files are gone grow coarser (ladder.h) */
	"ALTER TABLE rollup ADD COLUMN res INTEGER NOT NULL DEFAULT 60;"
	/* which numbers of a writer these days had, and those that a log.gap
	 * named last */
	"CREATE TABLE seen("
	" day INTEGER NOT NULL," /* YYYYMMDD */
	" boot TEXT NOT NULL,"
	" lo INTEGER NOT NULL,"
	" hi INTEGER NOT NULL,"
	" PRIMARY KEY(day, boot, lo)"
	") WITHOUT ROWID, STRICT;"
	"CREATE TABLE said("
	" day INTEGER NOT NULL,"
	" boot TEXT NOT NULL,"
	" seq INTEGER NOT NULL,"
	" PRIMARY KEY(day, boot)"
	") WITHOUT ROWID, STRICT;"
	/* what mail had of this host, by the minute */
	"CREATE TABLE resource("
	" t INTEGER PRIMARY KEY,"
	" load REAL,"
	" memory REAL,"
	" collector REAL,"
	" queue_free REAL,"
	" store_free REAL"
	") STRICT;";

/* How long the stages took on days whose files are gone. */
static const char catalog_3[] =
	"CREATE TABLE hist("
	" stage INTEGER NOT NULL," /* name */
	" mailer INTEGER NOT NULL," /* name, or 0: all */
	" t INTEGER NOT NULL,"
	" n INTEGER NOT NULL,"
	" sum INTEGER NOT NULL,"
	" min INTEGER NOT NULL,"
	" max INTEGER NOT NULL,"
	" b BLOB NOT NULL,"
	" res INTEGER NOT NULL," /* minutes */
	" PRIMARY KEY(stage, mailer, t)"
	") WITHOUT ROWID, STRICT;";

/* One day (UTC), whole in itself: no row refers to another file. */
static const char segment_1[] =
	"CREATE TABLE word("
	" id INTEGER PRIMARY KEY,"
	" s TEXT NOT NULL UNIQUE"
	") STRICT;"
	"CREATE TABLE domain("
	" id INTEGER PRIMARY KEY,"
	" s TEXT NOT NULL UNIQUE"
	") STRICT;"
	"CREATE TABLE addr("
	" id INTEGER PRIMARY KEY,"
	" s TEXT NOT NULL UNIQUE,"
	" domain INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE host("
	" id INTEGER PRIMARY KEY,"
	" name TEXT NOT NULL,"
	" ip TEXT NOT NULL,"
	" UNIQUE(name, ip)"
	") STRICT;"
	"CREATE INDEX host_ip ON host(ip);"
	"CREATE TABLE writer("
	" id INTEGER PRIMARY KEY,"
	" boot TEXT NOT NULL,"
	" node TEXT NOT NULL,"
	" instance TEXT NOT NULL,"
	" prog TEXT NOT NULL,"
	" pid INTEGER NOT NULL,"
	" UNIQUE(boot, node, instance, prog)"
	") STRICT;"
	"CREATE TABLE reason("
	" id INTEGER PRIMARY KEY,"
	" tmpl TEXT NOT NULL,"
	" example TEXT NOT NULL"
	") STRICT;"
	/* these numbers of this writer are here; what lies between is not */
	"CREATE TABLE seen("
	" writer INTEGER NOT NULL,"
	" lo INTEGER NOT NULL,"
	" hi INTEGER NOT NULL,"
	" PRIMARY KEY(writer, lo)"
	") WITHOUT ROWID, STRICT;"
	/* how far each source was read when the rows here were written */
	"CREATE TABLE place("
	" source INTEGER PRIMARY KEY,"
	" file INTEGER NOT NULL,"
	" off INTEGER NOT NULL,"
	" mark TEXT NOT NULL"
	") STRICT;"
	"CREATE TABLE ev("
	" id INTEGER PRIMARY KEY,"
	" t INTEGER NOT NULL,"
	" writer INTEGER NOT NULL,"
	" seq INTEGER,"
	" ty INTEGER NOT NULL,"
	" msg INTEGER,"
	" reason INTEGER,"
#define COLUMN(name, type, field, how, doc) " " #name " " #type ","
#include "segment.def"
	" extra TEXT"
	") STRICT;"
	"CREATE INDEX ev_msg ON ev(msg) WHERE msg IS NOT NULL;"
	/* rows come nearly in the order of time: where each minute's are */
	"CREATE TABLE minute("
	" t INTEGER PRIMARY KEY,"
	" lo INTEGER NOT NULL,"
	" hi INTEGER NOT NULL"
	") STRICT;"
	/* refused before there was a message */
	"CREATE INDEX ev_addr ON ev(addr) WHERE addr IS NOT NULL AND msg IS NULL;"
	"CREATE TABLE msg("
	" id INTEGER PRIMARY KEY,"
	" qid TEXT NOT NULL,"
	" node INTEGER NOT NULL," /* word */
	" t INTEGER NOT NULL,"
	" t_end INTEGER,"
	" state INTEGER NOT NULL,"
	" snd INTEGER,"
	" bytes INTEGER,"
	" nrcpt INTEGER,"
	" about TEXT,"
	" msgid TEXT,"
	" UNIQUE(qid, node)"
	") STRICT;"
	/* What comes in no order is looked up by runs of 16384 messages: a new
	 * row goes into the last run, whose pages are in memory, and not into
	 * any page of the day's. */
	"CREATE INDEX msg_snd ON msg(id / 16384, snd) WHERE snd IS NOT NULL;"
	"CREATE INDEX msg_msgid ON msg(id / 16384, msgid)"
	" WHERE msgid IS NOT NULL;"
	"CREATE VIEW run AS WITH RECURSIVE r(n) AS (SELECT 0 UNION ALL"
	" SELECT n + 1 FROM r WHERE n < (SELECT max(id) / 16384 FROM msg))"
	" SELECT n FROM r;"
	"CREATE INDEX msg_about ON msg(about) WHERE about IS NOT NULL;"
	"CREATE TABLE rcpt("
	" msg INTEGER NOT NULL,"
	" n INTEGER NOT NULL,"
	" addr INTEGER,"
	" state INTEGER NOT NULL,"
	" tries INTEGER NOT NULL,"
	" t_first INTEGER,"
	" t_last INTEGER,"
	" host INTEGER,"
	" code INTEGER,"
	" remote_id TEXT,"
	" PRIMARY KEY(msg, n)"
	") WITHOUT ROWID, STRICT;"
	"CREATE INDEX rcpt_addr ON rcpt(msg / 16384, addr)"
	" WHERE addr IS NOT NULL;"
	"CREATE INDEX rcpt_host ON rcpt(msg / 16384, host)"
	" WHERE host IS NOT NULL;"
	"CREATE INDEX rcpt_remote ON rcpt(msg / 16384, remote_id)"
	" WHERE remote_id IS NOT NULL;"
	"CREATE TABLE unparsed("
	" id INTEGER PRIMARY KEY,"
	" t INTEGER NOT NULL,"
	" source INTEGER NOT NULL,"
	" line BLOB NOT NULL"
	") STRICT;"
	/* sums: kind and dim are words, key is of the table that dim names */
	"CREATE TABLE rollup("
	" kind INTEGER NOT NULL,"
	" dim INTEGER NOT NULL,"
	" key INTEGER NOT NULL,"
	" t INTEGER NOT NULL,"
	" n INTEGER NOT NULL,"
	" bytes INTEGER NOT NULL,"
	" PRIMARY KEY(kind, dim, key, t)"
	") WITHOUT ROWID, STRICT;"
	"CREATE TABLE hist("
	" stage INTEGER NOT NULL,"
	" mailer INTEGER NOT NULL,"
	" t INTEGER NOT NULL,"
	" n INTEGER NOT NULL,"
	" sum INTEGER NOT NULL,"
	" min INTEGER NOT NULL,"
	" max INTEGER NOT NULL,"
	" b BLOB NOT NULL,"
	" PRIMARY KEY(stage, mailer, t)"
	") WITHOUT ROWID, STRICT;"
	"CREATE TABLE qsnap("
	" t INTEGER NOT NULL,"
	" node INTEGER NOT NULL," /* word */
	" n INTEGER NOT NULL,"
	" bytes INTEGER NOT NULL,"
	" oldest INTEGER,"
	" cells TEXT,"
	" PRIMARY KEY(t, node)"
	") WITHOUT ROWID, STRICT;"
	/* for people: everything by its name */
	"CREATE VIEW event AS SELECT e.id, e.t, ty.s AS event, w.node, w.prog,"
	" m.qid, e.rcpt, e.attempt, s.s AS mail_from, a.s AS rcpt_to,"
	" ml.s AS mailer, h.name AS host, h.ip AS host_ip, p.ip AS peer_ip,"
	" e.code, e.esc, c.s AS class, r.tmpl AS reason, e.text, e.remote_id, e.bytes,"
	" e.total_us, e.extra"
	" FROM ev e JOIN word ty ON ty.id = e.ty"
	" JOIN writer w ON w.id = e.writer"
	" LEFT JOIN msg m ON m.id = e.msg LEFT JOIN addr s ON s.id = e.snd"
	" LEFT JOIN addr a ON a.id = e.addr LEFT JOIN word ml ON ml.id = e.mailer"
	" LEFT JOIN host h ON h.id = e.host LEFT JOIN host p ON p.id = e.peer"
	" LEFT JOIN word c ON c.id = e.class"
	" LEFT JOIN reason r ON r.id = e.reason;";
/* clang-format on */

static const char *const catalog_steps[] = { catalog_1, catalog_2, catalog_3 };
static const char *const segment_steps[] = { segment_1 };

const struct db_kind schema_catalog = {
	.application_id = 0x4d544143, /* "MTAC" */
	.steps = catalog_steps,
	.version = sizeof(catalog_steps) / sizeof(catalog_steps[0]),
};

const struct db_kind schema_segment = {
	.application_id = 0x4d544145, /* "MTAE" */
	.steps = segment_steps,
	.version = sizeof(segment_steps) / sizeof(segment_steps[0]),
};
