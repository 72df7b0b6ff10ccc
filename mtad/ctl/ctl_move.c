/*
 * ctl_move: mtactl queue export, import and check.
 *
 * An exported message is one file: a line of JSON, which says all that the
 * queue knows of it, and after it the message as it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "conf_parse.h"
#include "ctl.h"
#include "file.h"
#include "log.h"

#define SUFFIX ".mtad"
#define HEAD_MAX ((size_t)64 << 20)

struct export
{
	int dirfd;
	struct buf ids; /* one a line */
	unsigned long long done, failed;
};

static void
note_id(struct ctl *c, json_t *row)
{
	struct export *x = c->arg;

	buf_addf(&x->ids, "%s\n", ctl_str(row, "id"));
}

static int
write_line(int fd, const json_t *row)
{
	char *text = json_dumps(row, JSON_COMPACT);
	int rc = text ? file_write_all(fd, text, strlen(text)) : -ENOMEM;

	free(text);
	return rc < 0 ? rc : file_write_all(fd, "\n", 1);
}

/* Under another name until it is whole. */
static void
write_export(struct ctl *c, json_t *row)
{
	struct export *x = c->arg;
	char name[NAME_MAX], tmp[NAME_MAX + 2];
	int fd, rc;

	snprintf(name, sizeof(name), "%s" SUFFIX, ctl_str(row, "id"));
	snprintf(tmp, sizeof(tmp), ".%s", name);
	fd = openat(
	    x->dirfd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	rc = fd < 0 ? -errno : write_line(fd, row);
	rc = ctl_body(c, row, fd, rc);
	if (fd >= 0)
		close(fd);
	if (rc == 0 && renameat(x->dirfd, tmp, x->dirfd, name) < 0)
		rc = -errno;
	if (rc == 0) {
		x->done++;
		return;
	}
	log_warn("%s: %s", name, strerror(-rc));
	unlinkat(x->dirfd, tmp, 0);
	x->failed++;
}

static int
list_ids(struct ctl *c, int argc, char **argv)
{
	char *filter = ctl_join(argc, argv);
	json_t *j = ctl_request(c, "queue.list");

	json_object_set_new(j, "filter", json_string(filter));
	free(filter);
	return ctl_ask(c, j, note_id, NULL);
}

static int
export_all(struct ctl *c, struct export *x)
{
	struct slice rest = buf_slice(&x->ids), id;
	int rc = 0;

	while (rc != CTL_NO_DAEMON && slice_next(&rest, '\n', &id)) {
		json_t *j;

		if (id.n == 0)
			continue;
		j = ctl_request(c, "queue.export");
		json_object_set_new(j, "id", json_stringn(id.p, id.n));
		rc = ctl_ask(c, j, write_export, NULL);
		x->failed += rc != 0; /* it left the queue meanwhile */
	}
	if (rc != CTL_NO_DAEMON)
		rc = 0;
	if (rc == 0 && syncfs(x->dirfd) < 0) {
		log_warn("cannot sync the folder: %s", strerror(errno));
		rc = CTL_FAILED;
	}
	return rc;
}

static int
open_folder(const char *path)
{
	int fd;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		fd = -1;
	else
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		log_warn("%s: %s", path, strerror(errno));
	return fd;
}

int
ctl_export(struct ctl *c, int argc, char **argv)
{
	struct export x = { .dirfd = -1 };
	int rc;

	if (argc < 1) {
		log_warn("queue export takes a folder, and a filter");
		return CTL_USAGE;
	}
	x.dirfd = open_folder(argv[0]);
	if (x.dirfd < 0)
		return CTL_FAILED;
	buf_init(&x.ids, HEAD_MAX);
	c->is_json = false;
	c->arg = &x;
	rc = list_ids(c, argc - 1, argv + 1);
	if (rc == 0)
		rc = export_all(c, &x);
	if (rc == 0)
		printf("%llu messages exported to %s, %llu could not be\n",
		    x.done, argv[0], x.failed);
	buf_release(&x.ids);
	close(x.dirfd);
	return rc == 0 && x.failed != 0 ? CTL_FAILED : rc;
}

/* The line before the message. */
static json_t *
read_head(FILE *f, const char *path)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n = getline(&line, &cap, f);
	json_t *j = n <= 0
	    ? NULL
	    : json_loadb(line, (size_t)n, JSON_REJECT_DUPLICATES, NULL);

	free(line);
	if (j == NULL || ctl_num(j, "mtad") == 0) {
		log_warn("%s is no exported message", path);
		json_decref(j);
		return NULL;
	}
	return j;
}

static int
send_body(struct ctl *c, FILE *f)
{
	char block[65536];
	size_t n;
	int rc = 0;

	while (rc == 0 && (n = fread(block, 1, sizeof(block), f)) > 0)
		rc = control_write(c->control, block, n);
	return rc;
}

static long long
bytes_left(FILE *f)
{
	struct stat st;

	return fstat(fileno(f), &st) < 0 ? 0 : st.st_size - ftello(f);
}

static int
import_open(struct ctl *c, FILE *f, const char *path)
{
	json_t *head = read_head(f, path), *j, *last = NULL;
	int rc;

	if (head == NULL)
		return CTL_FAILED;
	if (ctl_num(head, "bytes") != bytes_left(f)) {
		log_warn("%s: %lld bytes of message, its first line says %lld",
		    path, bytes_left(f), ctl_num(head, "bytes"));
		json_decref(head);
		return CTL_FAILED;
	}
	j = ctl_request(c, "queue.import");
	json_object_set_new(j, "bytes", json_integer(bytes_left(f)));
	json_object_set_new(j, "envelope", head);
	rc = ctl_send(c, j);
	if (rc == 0 && send_body(c, f) < 0)
		rc = CTL_NO_DAEMON;
	if (rc == 0)
		rc = ctl_answer(c, NULL, &last);
	json_decref(last);
	return rc;
}

static int
import_file(struct ctl *c, const char *path)
{
	FILE *f = fopen(path, "re");
	int rc;

	if (f == NULL) {
		log_warn("%s: %s", path, strerror(errno));
		return CTL_FAILED;
	}
	rc = import_open(c, f, path);
	if (rc == CTL_FAILED)
		log_warn("%s was not imported", path);
	fclose(f);
	return rc;
}

int
ctl_import(struct ctl *c, int argc, char **argv)
{
	int done = 0, rc = 0;

	if (argc < 1) {
		log_warn("queue import takes files that queue export wrote");
		return CTL_USAGE;
	}
	signal(SIGPIPE, SIG_IGN); /* the daemon may go away in the midst */
	for (int i = 0; i < argc && rc != CTL_NO_DAEMON; i++) {
		int one = import_file(c, argv[i]);

		done += one == 0;
		rc = one != 0 ? one : rc;
	}
	printf("%d of %d messages imported\n", done, argc);
	return rc;
}

static char *
spool_dir(const struct ctl *c)
{
	struct buf errors;
	struct conf *conf;
	char *dir = NULL;

	buf_init(&errors, 65536);
	conf = conf_parse(c->conf_path, NULL, &errors);
	if (conf == NULL)
		log_warn("%s", errors.data);
	else
		dir = strdup(conf->QueueDirectory);
	buf_release(&errors);
	conf_free(conf);
	return dir;
}

/* The spool's code is in mtad-queue alone. */
int
ctl_check(struct ctl *c, int argc, char **argv)
{
	char path[PATH_MAX];
	char *dir = argc > 0 ? argv[0] : spool_dir(c);

	if (dir == NULL)
		return CTL_FAILED;
	if (!file_libexec("mtad-queue", path)) {
		log_warn(
		    "mtad-queue is not where mtactl looks for it: %s", path);
		return CTL_FAILED;
	}
	execl(path, path, "--check", dir, (char *)NULL);
	log_warn("%s: %s", path, strerror(errno));
	return CTL_FAILED;
}
