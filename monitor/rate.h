/*
 * rate: how many lines a second each address may say.
 *
 * A fixed table: an address takes the slot of one that was quiet. Addresses
 * that share a slot share its second, which errs on the side of fewer lines
 * only when thousands of them speak at once.
 */
#ifndef RATE_H
#define RATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct rate;

struct rate *rate_new(int64_t lines_per_second); /* NULL without memory */
void rate_free(struct rate *);
/* One line of this address: may it? A unix socket's peers are one address. */
bool rate_takes(struct rate *, const struct sockaddr *, socklen_t);

#endif
