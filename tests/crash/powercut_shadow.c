#include "tests/crash/powercut_shadow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct shadow shadow = {.lock = PTHREAD_MUTEX_INITIALIZER};

__attribute__((noreturn)) void shadow_fatal(const char *what)
{
	char line[256];
	int n = snprintf(line, sizeof line, "powercut: %s: %s\n", what, strerror(errno));
	_exit(syscall(SYS_write, 2, line, (size_t)n) < 0 ? 124 : 125);
}

static void *grow(void *p, size_t count, size_t *capacity, size_t item)
{
	if (count < *capacity)
		return p;
	*capacity = *capacity ? 2 * *capacity : 16;
	p = realloc(p, *capacity * item);
	if (!p)
		shadow_fatal("memory");
	return p;
}

/* --- trees --- */

static struct entry *find(struct entries *e, const char *name)
{
	for (size_t i = 0; i < e->count; i++)
		if (strcmp(e->items[i].name, name) == 0)
			return &e->items[i];
	return NULL;
}

void shadow_put(struct entries *e, const char *name, struct node *node)
{
	struct entry *old = find(e, name);
	if (old) {
		old->node = node;
		return;
	}
	e->items = grow(e->items, e->count, &e->capacity, sizeof *e->items);
	e->items[e->count++] = (struct entry){strdup(name), node};
}

void shadow_drop(struct entries *e, const char *name, const struct node *only)
{
	struct entry *old = find(e, name);
	if (!old || (only && old->node != only))
		return;
	free(old->name);
	*old = e->items[--e->count];
}

struct node *shadow_new_node(bool folder)
{
	struct node *n = calloc(1, sizeof *n);
	if (!n)
		shadow_fatal("memory");
	n->folder = folder;
	return n;
}

/* --- paths --- */

/* Resolves "." and ".." by name; `path` begins with "/". */
static void normalize(char *path)
{
	char *out = path;
	for (char *at = path; *at;) {
		size_t length = strcspn(at + 1, "/") + 1;
		if (length == 3 && at[1] == '.' && at[2] == '.') {
			while (out > path && *--out != '/')
				;
		} else if (length > 1 && !(length == 2 && at[1] == '.')) {
			memmove(out, at, length);
			out += length;
		}
		at += length;
	}
	*out = '\0';
}

static bool absolute(int at, const char *path, char out[PATH_MAX])
{
	char base[PATH_MAX / 2];
	int n;
	if (path[0] == '/') {
		n = snprintf(out, PATH_MAX, "%s", path);
	} else {
		char link[64];
		snprintf(link, sizeof link, at == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", at);
		long length = syscall(SYS_readlinkat, AT_FDCWD, link, base, sizeof base - 1);
		if (length <= 0)
			return false;
		base[length] = '\0';
		n = snprintf(out, PATH_MAX, "%s/%s", base, path);
	}
	if (n <= 0 || n >= PATH_MAX)
		return false;
	normalize(out);
	return true;
}

bool shadow_locate(int at, const char *path, struct node **folder, char name[NAME_MAX + 1])
{
	char full[PATH_MAX];
	if (!shadow.root || !path || !absolute(at, path, full) ||
	    strncmp(full, shadow.root_path, shadow.root_length) != 0 ||
	    (full[shadow.root_length] && full[shadow.root_length] != '/'))
		return false;
	*folder = NULL;
	name[0] = '\0';
	struct node *n = shadow.root;
	for (char *part = strtok(full + shadow.root_length, "/"); part; part = strtok(NULL, "/")) {
		if (name[0]) {
			struct entry *e = find(&n->live, name);
			if (!e || !e->node->folder)
				return false;
			n = e->node;
		}
		snprintf(name, NAME_MAX + 1, "%s", part);
		*folder = n;
	}
	return true;
}

struct node *shadow_lookup(struct node *folder, const char *name)
{
	if (!folder)
		return shadow.root;
	struct entry *e = find(&folder->live, name);
	return e ? e->node : NULL;
}

/* --- changes of names --- */

void shadow_record(struct node *from, const char *from_name, struct node *to, const char *to_name, struct node *node)
{
	shadow.changes = grow(shadow.changes, shadow.change_count, &shadow.change_capacity, sizeof *shadow.changes);
	shadow.changes[shadow.change_count++] =
		(struct change){from, to, from ? strdup(from_name) : NULL, to ? strdup(to_name) : NULL, node};
}

void shadow_apply(struct change *c)
{
	if (c->from)
		shadow_drop(&c->from->durable, c->from_name, c->node);
	if (c->to)
		shadow_put(&c->to->durable, c->to_name, c->node);
	free(c->from_name);
	free(c->to_name);
}

void shadow_apply_changes(const struct node *folder)
{
	size_t kept = 0;
	for (size_t i = 0; i < shadow.change_count; i++) {
		if (!folder || shadow.changes[i].from == folder || shadow.changes[i].to == folder)
			shadow_apply(&shadow.changes[i]);
		else
			shadow.changes[kept++] = shadow.changes[i];
	}
	shadow.change_count = kept;
}

struct node *shadow_created(struct node *folder, const char *name, bool is_folder)
{
	struct node *n = shadow_new_node(is_folder);
	shadow_put(&folder->live, name, n);
	shadow_record(NULL, NULL, folder, name, n);
	return n;
}

void shadow_removed(struct node *folder, const char *name)
{
	struct node *n = shadow_lookup(folder, name);
	if (!n)
		return;
	shadow_record(folder, name, NULL, NULL, n);
	shadow_drop(&folder->live, name, NULL);
}

/* --- contents --- */

void shadow_mark(struct node *n, uint64_t begin, uint64_t end)
{
	if (begin >= end)
		return;
	for (size_t i = 0; i < n->dirty_count; i++) {
		struct range *r = &n->dirty[i];
		if (begin <= r->end && end >= r->begin) {
			r->begin = begin < r->begin ? begin : r->begin;
			r->end = end > r->end ? end : r->end;
			return;
		}
	}
	if (n->dirty_count == RANGES_MAX) {
		struct range *all = &n->dirty[0];
		for (size_t i = 1; i < RANGES_MAX; i++) {
			all->begin = n->dirty[i].begin < all->begin ? n->dirty[i].begin : all->begin;
			all->end = n->dirty[i].end > all->end ? n->dirty[i].end : all->end;
		}
		n->dirty_count = 1;
		shadow_mark(n, begin < all->begin ? begin : all->begin, end > all->end ? end : all->end);
		return;
	}
	n->dirty[n->dirty_count++] = (struct range){begin, end};
}

void shadow_resize(struct node *n, uint64_t size)
{
	if (size > n->capacity) {
		uint64_t capacity = n->capacity * 2 > size ? n->capacity * 2 : size;
		n->bytes = realloc(n->bytes, capacity);
		if (!n->bytes)
			shadow_fatal("memory");
		n->capacity = capacity;
	}
	if (size > n->size)
		memset(n->bytes + n->size, 0, size - n->size);
	n->size = size;
}

void shadow_copy_range(struct node *n, int fd, uint64_t begin, uint64_t end)
{
	end = end < n->size ? end : n->size;
	while (begin < end) {
		long got = syscall(SYS_pread64, fd, n->bytes + begin, end - begin, begin);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return;
		begin += (uint64_t)got;
	}
}

/* The fd may be write-only. */
static int open_again(int fd)
{
	char link[64];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	return (int)syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC, 0);
}

void shadow_make_durable(struct node *n, int fd)
{
	struct stat st;
	int again = open_again(fd);
	if (again < 0 || fstat(again, &st) != 0)
		shadow_fatal("reading a synced file");
	uint64_t before = n->size;
	if (n->whole)
		before = 0;
	shadow_resize(n, (uint64_t)st.st_size);
	if (n->whole)
		shadow_copy_range(n, again, before, n->size);
	for (size_t i = 0; i < n->dirty_count; i++)
		shadow_copy_range(n, again, n->dirty[i].begin, n->dirty[i].end);
	n->dirty_count = 0;
	syscall(SYS_close, again);
}
