/*
 * rrd_file: round robin files, by librrd.
 *
 * The library brings a drawing library and forty others: it is loaded when
 * the first file is opened, so that nothing else of the collector pays.
 */
#ifndef RRD_FILE_H
#define RRD_FILE_H

#include <stddef.h>
#include <stdint.h>

/* What is in a file: lines of rrdcreate(1), each list to a NULL. */
struct rrd_layout {
	unsigned step; /* seconds */
	const char *const *sources, *const *archives;
};

struct rrd_file;

/*
 * Opened, or made with nothing before start (seconds). NULL, and why. The
 * layout is borrowed.
 */
struct rrd_file *rrd_file_open(const char *path, const struct rrd_layout *,
    int64_t start, char ret_why[256]);
/* What was put is written. 0 or -EIO, and why. */
int rrd_file_close(struct rrd_file *, char ret_why[256]);
int64_t rrd_file_last(const struct rrd_file *); /* seconds */
/*
 * One value for each source, at the end of a step; NAN is unknown. Kept, and
 * written together with others. 1, 0 when the time is not behind the last
 * one, or -EIO.
 */
int rrd_file_put(struct rrd_file *, int64_t t, const double *, size_t n);

#endif
