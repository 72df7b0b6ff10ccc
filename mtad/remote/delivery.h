/*
 * delivery: one job of the queue, from P_JOB to its P_RESULT.
 *
 *	name -> target -> link -> transaction -> (next target)* -> result
 *
 * A server's 2yz and 5yz about a recipient are final. Its 4yz, or the loss of
 * the connection before the end of data was out, leave the recipient open
 * for the next host; what is open when there is none is deferred. The loss of
 * the connection after that is final, too: the server may have the message,
 * and the next host would make it two.
 */
#ifndef REMOTE_DELIVERY_H
#define REMOTE_DELIVERY_H

#include "mx.h"
#include "remote.h"
#include "saved.h"

struct link;

struct delivery_rcpt {
	struct slice addr, orcpt; /* in the job's frame */
	uint32_t index;
	uint8_t notify;
	bool is_final;
	bool is_in_transaction; /* of the one that is under way */
	bool is_accepted; /* RCPT got a yes in it */
	bool has_word; /* verdict is from it */
	const char *command; /* static: to which one the verdict is */
	struct saved verdict;
};

struct delivery {
	TAILQ_ENTRY(delivery) all;
	struct remote *remote; /* borrowed */
	char *frame; /* owned: job's strings are in it */
	struct p_job job;
	uint64_t size; /* of the body */
	int fd; /* the rest of the body, or -1 */
	struct mx_lookup *asking; /* while its name is asked for */
	struct targets *targets; /* a reference, or NULL */
	int target; /* that is tried */
	struct link *link; /* borrowed, while it has one */
	int sessions; /* hosts that let us in */
	bool is_reused; /* the connection had been open */
	bool has_retried; /* on a fresh connection to the same host */
	bool avoids_bdat; /* the host offered it and did not know it */
	bool is_our_trouble; /* the last failure says nothing of the host */
	bool is_fallback; /* FallbackMXhost is tried */
	int64_t started, dns_done, conn_done, envelope_done, data_done;
	char *remote_id; /* owned */
	char session[17]; /* of the connection that it went over */
	struct saved last; /* of a host that did not let us in */
	uint32_t n;
	struct delivery_rcpt rcpt[];
};

/* A P_JOB; takes fd. False: malformed (fd is closed). */
bool delivery_take(struct remote *, struct slice payload, int fd);
/* To a queue that knows nothing of it. */
void delivery_say_holding(const struct delivery *);
/* It ends here and now; what is open gets this verdict. */
void delivery_drop(struct delivery *, const struct verdict *);

/* Those that take longer than Timeout.delivery end. Once a second. */
void deliveries_expire(struct remote *);

/* The server let us in: a transaction may begin. */
void delivery_begin(struct delivery *);
/* A word about one recipient, or about all that are in the transaction and
 * have none that is final. command is static. */
void delivery_decide(
    struct delivery_rcpt *, const char *command, const struct verdict *);
void delivery_decide_all(
    struct delivery *, const char *command, const struct verdict *);
/* Like it, and final even when it is a 4yz. */
void delivery_unknown(
    struct delivery *, const char *command, const struct verdict *);
/* Recipients that the server has taken in this transaction. */
uint32_t delivery_accepted(const struct delivery *);

/* How a link ends its work on it; the delivery may be gone afterwards. */
void delivery_over(struct delivery *); /* the transaction is over */
/* is_ours: for want of something here, not by the host. */
void
delivery_no_session(struct delivery *, const struct verdict *, bool is_ours);
void delivery_again(struct delivery *); /* fresh connection, same host */

#endif
