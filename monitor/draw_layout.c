#include "draw_layout.h"

#include <stdbool.h>
#include <string.h>

/* Counts become rates, per second; a step without any is unknown. */
#define RATE(name) "DS:" name ":ABSOLUTE:120:0:U"
#define HOURLY(name) "DS:" name ":ABSOLUTE:7200:0:U"
#define LEVEL(name) "DS:" name ":GAUGE:120:0:U"
#define STAGE(name)                                                            \
	"DS:" name "_p50:GAUGE:600:0:U", "DS:" name "_p95:GAUGE:600:0:U",      \
	    "DS:" name "_p99:GAUGE:600:0:U"

/* In the order of enum series_flow. */
#define FLOW_OF_MAILER                                                         \
	RATE("delivered"), RATE("deferrals"), RATE("bounced"),                 \
	    RATE("expired"), RATE("discarded"), RATE("bytes_out")

static const char *const all_sources[] = { FLOW_OF_MAILER, RATE("received"),
	RATE("bytes_in"), RATE("rejected"), RATE("held"), RATE("notices"),
	RATE("events"), NULL };
static const char *const mailer_sources[] = { FLOW_OF_MAILER, NULL };

/* In the order of enum snap_value. */
static const char *const queue_sources[] = { LEVEL("new"), LEVEL("active"),
	LEVEL("deferred"), LEVEL("held"), LEVEL("deleted"), LEVEL("bounced"),
	LEVEL("damaged"), LEVEL("bytes"), LEVEL("oldest"), NULL };

static const char *const top_sources[] = { HOURLY("delivered"),
	HOURLY("deferrals"), HOURLY("bounced"), HOURLY("expired"),
	HOURLY("discarded"), HOURLY("bytes_out"), NULL };
static const char *const resource_sources[] = { LEVEL("load"), LEVEL("memory"),
	LEVEL("collector"), LEVEL("queue_free"), LEVEL("store_free"), NULL };

static const char *const stage_names[] = { "recv", "sync", "queue", "dns",
	"conn", "envelope", "data", "final", "total" };
static const char *const stage_sources[] = { STAGE("recv"), STAGE("sync"),
	STAGE("queue"), STAGE("dns"), STAGE("conn"), STAGE("envelope"),
	STAGE("data"), STAGE("final"), STAGE("total"), NULL };

const unsigned layout_permille[LAYOUT_PERCENTILES] = { 500, 950, 990 };

/* A week of minutes, 60 days of five, two years of hours, ten of days. */
static const char *const minute_archives[] = { "RRA:AVERAGE:0.5:1:10080",
	"RRA:AVERAGE:0.5:5:17280", "RRA:AVERAGE:0.5:60:17520",
	"RRA:AVERAGE:0.5:1440:3650", "RRA:MAX:0.5:60:17520",
	"RRA:MAX:0.5:1440:3650", NULL };
/* Percentiles have no average. */
static const char *const slot_archives[] = { "RRA:LAST:0.5:1:17280",
	"RRA:MAX:0.99:12:17520", "RRA:MAX:0.99:288:3650", NULL };

static const char *const hour_archives[] = { "RRA:AVERAGE:0.5:1:17520",
	"RRA:AVERAGE:0.5:24:3650", "RRA:MAX:0.5:24:3650", NULL };

const struct rrd_layout layout_top = { 3600, top_sources, hour_archives };
const struct rrd_layout layout_resources = { 60, resource_sources,
	minute_archives };
const struct rrd_layout layout_stages = { 300, stage_sources, slot_archives };
const struct rrd_layout layout_queue = { 60, queue_sources, minute_archives };

const struct rrd_layout *
layout_flow(int is_all)
{
	static const struct rrd_layout all = { 60, all_sources,
		minute_archives };
	static const struct rrd_layout one = { 60, mailer_sources,
		minute_archives };

	return is_all ? &all : &one;
}

int
layout_stage(const char *name)
{
	for (size_t i = 0; i < sizeof(stage_names) / sizeof(stage_names[0]);
	     i++)
		if (name != NULL && strcmp(stage_names[i], name) == 0)
			return (int)i * LAYOUT_PERCENTILES;
	return -1;
}

size_t
layout_stage_values(void)
{
	return sizeof(stage_names) / sizeof(stage_names[0]) *
	    LAYOUT_PERCENTILES;
}
