/*
 * dicts: the dictionaries of one segment, and how events' texts are keys.
 */
#ifndef DICTS_H
#define DICTS_H

#include "dict.h"
#include "event.h"

struct dicts {
	struct dict *word, *domain, *addr, *host;
	int64_t type[EV_COUNT]; /* words of the kinds; 0: ask */
};

/* bytes: of memory, for all. 0 or negative errno. */
int dicts_open(struct dicts *, struct db *, size_t bytes);
void dicts_close(struct dicts *);
void dicts_forget(struct dicts *);
int dicts_flush(struct dicts *); /* before the commit, after all others */
/* For whom keys are made from now on; borrowed, NULL: without limit. */
void dicts_set_asker(struct dicts *, struct allowance *);

/* Keys, made when they are new; negative errno. */
int64_t dicts_type(struct dicts *, enum event_type);
int64_t dicts_word(struct dicts *, struct slice);
int64_t dicts_known_word(struct dicts *, struct slice); /* 0: it is new */
int64_t dicts_host(struct dicts *, struct slice name, struct slice ip);
/* The domain's letters become small. ret_domain: 0 for none. */
int64_t dicts_addr(struct dicts *, struct slice, int64_t *ret_domain);

/* An address as it stands in the table. */
#define ADDR_TEXT_MAX 1024
struct slice addr_text(struct slice, char to[ADDR_TEXT_MAX]);

#endif
