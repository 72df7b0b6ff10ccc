/* exim: what the readers of Exim's main log share. */
#ifndef EXIM_H
#define EXIM_H

#include "mailer.h"

/* " NAME=" at or behind the place, its value up to a blank, without <> and
 * quotes; p NULL: there is none. name with its blank and "=". */
struct slice exim_field(struct slice, struct slice name);
/* "H=NAME (HELO) [IP]:PORT" in its variants. */
struct host exim_host(struct slice, struct slice *ret_helo);

/* "=>", "**", "==" and what follows; refusals; connections. */
take_fn exim_delivered, exim_failed, exim_deferred;
take_fn exim_refusal, exim_connection;

#endif
