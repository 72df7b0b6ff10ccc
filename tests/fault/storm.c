/*
 * storm PORT SINK-PORT CLIENTS: thousands of messages a second, each known by
 * its number, and the host that they go to, in one process and one loop.
 *
 * Clients keep their connections, send "Subject: storm N", and come again when
 * the server dies. SIGUSR1: no more messages. SIGTERM: says what became of
 * them and ends: "acked A arrived R lost L twice T damaged D rate P/s", then a
 * line "twice N TIME" for each that came more than once, TIME of the first.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MESSAGES 4000000
#define LINES 12
#define IN_MAX 65536

enum step { CLOSED, GREETING, EHLO, ENVELOPE, DOT };

struct conn {
	int fd;
	bool is_server; /* a session of the sink */
	enum step step;
	int replies; /* of the envelope */
	uint32_t number; /* of the message that is sent or received */
	bool is_data, is_damaged;
	uint32_t lines; /* of a body */
	double again; /* when to connect, while CLOSED */
	size_t n;
	char in[IN_MAX];
};

static struct {
	bool is_acked;
	uint16_t arrived;
	double first;
} * msg;

static int ep, port, sink_fd, clients;
static uint32_t next_number = 1, acked, damaged, taken;
static double busy; /* seconds in which something was acknowledged */
static double last_ack;
static volatile sig_atomic_t is_over, is_quiet;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
on_signal(int sig)
{
	if (sig == SIGUSR1)
		is_quiet = 1;
	else
		is_over = 1;
}

static void
drop(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->step = CLOSED;
	c->n = 0;
	c->again = now() + 0.02;
	if (c->is_server)
		free(c);
}

static void
watch(struct conn *c)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };

	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
}

static bool
put(struct conn *c, const char *text, size_t n)
{
	return send(c->fd, text, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static void
connect_to(struct conn *c)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		drop(c);
		return;
	}
	c->step = GREETING;
	watch(c);
}

static bool
envelope(struct conn *c)
{
	static const char text[] = "MAIL FROM:<storm@b.test>\r\n"
				   "RCPT TO:<x@elsewhere.test>\r\nDATA\r\n";

	if (is_quiet || next_number == MESSAGES)
		return false;
	c->number = next_number++;
	c->step = ENVELOPE;
	c->replies = 0;
	return put(c, text, sizeof(text) - 1);
}

static bool
body(struct conn *c)
{
	char text[2048];
	int n = snprintf(
	    text, sizeof(text), "Subject: storm %u\r\n\r\n", c->number);

	for (int i = 0; i < LINES; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
		    "%u of %u: the quick brown fox jumps over it\r\n", i,
		    c->number);
	n += snprintf(text + n, sizeof(text) - (size_t)n, ".\r\n");
	c->step = DOT;
	return put(c, text, (size_t)n);
}

static void
ack(struct conn *c)
{
	double t = now();

	msg[c->number].is_acked = true;
	acked++;
	if (t - last_ack < 0.1)
		busy += t - last_ack;
	last_ack = t;
}

/* One reply's last line; false: this connection is of no more use. */
static bool
got_reply(struct conn *c, char first)
{
	switch (c->step) {
	case GREETING:
		c->step = EHLO;
		return first == '2' && put(c, "EHLO storm.test\r\n", 17);
	case EHLO:
		return first == '2' && envelope(c);
	case ENVELOPE:
		if (++c->replies < 3)
			return first == '2';
		return first == '3' && body(c);
	case DOT:
		if (first != '2')
			return false;
		ack(c);
		return envelope(c);
	default:
		return false;
	}
}

static void
arrive(struct conn *c)
{
	bool is_known = c->number != 0 && c->number < MESSAGES;

	taken++;
	if (!is_known || c->is_damaged || c->lines != LINES)
		damaged++;
	if (!is_known)
		return;
	if (msg[c->number].arrived++ == 0)
		msg[c->number].first = now();
}

/* A line of a message that the sink gets. */
static bool
got_data(struct conn *c, const char *line)
{
	unsigned i, number;

	if (strcmp(line, ".") == 0) {
		arrive(c);
		c->is_data = false;
		return put(c, "250 2.0.0 ok\r\n", 14);
	}
	if (sscanf(line, "Subject: storm %u", &number) == 1) {
		c->number = number;
	} else if (sscanf(line, "%u of %u: the", &i, &number) == 2) {
		c->is_damaged |= i != c->lines++ || number != c->number;
	}
	return true;
}

static bool
got_command(struct conn *c, const char *line)
{
	if (strncasecmp(line, "DATA", 4) == 0) {
		c->is_data = true;
		c->is_damaged = false;
		c->number = c->lines = 0;
		return put(c, "354 go\r\n", 8);
	}
	if (strncasecmp(line, "QUIT", 4) == 0)
		return put(c, "221 bye\r\n", 9) && false;
	if (strncasecmp(line, "EHLO", 4) == 0)
		return put(c, "250-sink\r\n250 PIPELINING\r\n", 26);
	return put(c, "250 ok\r\n", 8);
}

static bool
got_line(struct conn *c, char *line)
{
	size_t n = strlen(line);

	if (n != 0 && line[n - 1] == '\r')
		line[n - 1] = '\0';
	if (c->is_server)
		return c->is_data ? got_data(c, line) : got_command(c, line);
	return line[3] == '-' || got_reply(c, line[0]);
}

static void
on_input(struct conn *c)
{
	ssize_t k = recv(c->fd, c->in + c->n, IN_MAX - 1 - c->n, 0);
	char *from = c->in, *end;

	if (k <= 0) {
		drop(c);
		return;
	}
	c->n += (size_t)k;
	c->in[c->n] = '\0';
	while ((end = memchr(from, '\n', c->n - (size_t)(from - c->in)))) {
		*end = '\0';
		if (!got_line(c, from)) {
			drop(c);
			return;
		}
		from = end + 1;
	}
	c->n -= (size_t)(from - c->in);
	memmove(c->in, from, c->n);
}

static void
take_one(void)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return;
	c->is_server = true;
	c->fd = accept4(sink_fd, NULL, NULL, SOCK_CLOEXEC);
	if (c->fd < 0 || !put(c, "220 sink\r\n", 10)) {
		drop(c);
		return;
	}
	watch(c);
}

static void
listen_at(int sink_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)sink_port),
		.sin_addr.s_addr = htonl(INADDR_ANY) };
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = NULL };

	sink_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(sink_fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (bind(sink_fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(sink_fd, 512) < 0) {
		perror("sink");
		exit(EXIT_FAILURE);
	}
	epoll_ctl(ep, EPOLL_CTL_ADD, sink_fd, &e);
}

static void
report(void)
{
	uint32_t arrived = 0, lost = 0, twice = 0;

	for (uint32_t i = 1; i < next_number; i++) {
		arrived += msg[i].arrived != 0;
		lost += msg[i].is_acked && msg[i].arrived == 0;
		twice += msg[i].arrived > 1;
	}
	printf("acked %u arrived %u lost %u twice %u damaged %u rate %.0f/s\n",
	    acked, arrived, lost, twice, damaged,
	    busy > 0 ? (double)acked / busy : 0);
	for (uint32_t i = 1; i < next_number; i++)
		if (msg[i].arrived > 1)
			printf("twice %u %.3f\n", i, msg[i].first);
}

int
main(int argc, char **argv)
{
	static struct epoll_event ev[256];
	struct conn *c;
	double told = 0;

	if (argc != 4)
		return EXIT_FAILURE;
	port = atoi(argv[1]);
	clients = atoi(argv[3]);
	msg = calloc(MESSAGES, sizeof(*msg));
	c = calloc((size_t)clients, sizeof(*c));
	signal(SIGUSR1, on_signal);
	signal(SIGTERM, on_signal);
	ep = epoll_create1(EPOLL_CLOEXEC);
	listen_at(atoi(argv[2]));
	for (int i = 0; i < clients; i++)
		c[i].fd = -1;
	while (!is_over) {
		int n = epoll_wait(ep, ev, 256, 20);

		for (int i = 0; i < n; i++)
			if (ev[i].data.ptr == NULL)
				take_one();
			else
				on_input(ev[i].data.ptr);
		for (int i = 0; i < clients && !is_quiet; i++)
			if (c[i].step == CLOSED && now() >= c[i].again)
				connect_to(&c[i]);
		if (now() - told > 0.05) { /* for whoever counts along */
			told = now();
			printf("now %u %u\n", acked, taken);
			fflush(stdout);
		}
	}
	report();
	return EXIT_SUCCESS;
}
