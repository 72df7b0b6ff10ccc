/*
 * hist_sql: hist.h for statements of a database.
 *
 *	hist_sum(B)	all distributions of a group as one
 *	hist_sum(A, B)	two of them as one
 *
 * They are the buckets alone, as hist_encode() writes them; a damaged one
 * counts as far as it can be read.
 */
#ifndef HIST_SQL_H
#define HIST_SQL_H

#include "db.h"

int hist_functions(struct db *);

#endif
