#include "draw_to.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "draw_layout.h"

bool
draw_failed(struct draw_to *to, int rc, const char *what)
{
	if (rc == 0 || rc == -ENODATA)
		return true;
	if (to->rc == 0 && *to->why == '\0')
		snprintf(to->why, 256, "%s: %s", what, strerror(-rc));
	to->rc = rc;
	return false;
}

bool
draw_put(struct draw_to *to, struct rrd_file *f, const struct rrd_layout *l,
    int64_t t, const double *v, size_t n)
{
	double nothing[LAYOUT_SOURCES];
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		nothing[i] = NAN;
	if (rrd_file_last(f) < t - l->step)
		rc = rrd_file_put(f, t - l->step, nothing, n);
	if (rc >= 0)
		rc = rrd_file_put(f, t, v != NULL ? v : nothing, n);
	return rc >= 0 ? true : draw_failed(to, rc, to->folder);
}

struct rrd_file *
draw_open(struct draw_to *to, const char *kind, const char *name,
    const struct rrd_layout *l, int64_t start)
{
	char *path = buf_text(
	    "%s/%s%s%s.rrd", to->folder, kind, *name != '\0' ? "-" : "", name);
	struct rrd_file *f = path == NULL
	    ? NULL
	    : rrd_file_open(path, l, start - start % l->step, to->why);

	if (f == NULL)
		to->rc = -EIO;
	free(path);
	return f;
}

void
draw_close(struct draw_to *to, struct rrd_file *f)
{
	if (rrd_file_close(f, to->why) < 0)
		to->rc = -EIO;
}
