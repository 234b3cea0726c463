/* The watched folder as the program sees it and as the disk would hold it, side by side:
 *
 *   node(folder) ── live entries ─────> name → node        what the program sees
 *              └─── durable entries ──> name → node        what a cut would leave
 *   node(file)   ── durable bytes, and the ranges written since
 *   changes      ── creations, renames and removals not yet durable, in order
 *
 * Nodes are never freed: a file without a name may get it back in the shadow. One lock guards everything;
 * calls that change names hold it across the system call, so that `changes` has the kernel's order. All our
 * own file access is by syscall(), past our own wrappers. */
#include "tests/crash/powercut.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define FDS_MAX 65536
#define RANGES_MAX 64
#define SECTOR 512

struct node;

struct entry {
	char *name;
	struct node *node;
};
struct entries {
	struct entry *items;
	size_t count, capacity;
};
struct range {
	uint64_t begin, end;
};

struct node {
	bool folder;
	bool whole; /* opened by fopen: its writes are not seen */
	struct entries live, durable;
	uint8_t *bytes; /* durable content */
	uint64_t size, capacity;
	struct range dirty[RANGES_MAX];
	size_t dirty_count;
};

struct change {
	struct node *from, *to; /* folders; either may be NULL: created, removed */
	char *from_name, *to_name;
	struct node *node;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root_path[PATH_MAX];
static size_t root_length;
static struct node *root;
static struct node *node_of_fd[FDS_MAX];
static struct change *changes;
static size_t change_count, change_capacity;
static long syncs, cut_at;
static bool cut_after, strict_names = true, torn;
static uint64_t seed;

__attribute__((noreturn)) static void fatal(const char *what)
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
		fatal("memory");
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

static void put(struct entries *e, const char *name, struct node *node)
{
	struct entry *old = find(e, name);
	if (old) {
		old->node = node;
		return;
	}
	e->items = grow(e->items, e->count, &e->capacity, sizeof *e->items);
	e->items[e->count++] = (struct entry){strdup(name), node};
}

static void drop(struct entries *e, const char *name, const struct node *only)
{
	struct entry *old = find(e, name);
	if (!old || (only && old->node != only))
		return;
	free(old->name);
	*old = e->items[--e->count];
}

static struct node *new_node(bool folder)
{
	struct node *n = calloc(1, sizeof *n);
	if (!n)
		fatal("memory");
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

/* Folder and last name of a path below the root; false for any other path. The root itself has no folder. */
static bool locate(int at, const char *path, struct node **folder, char name[NAME_MAX + 1])
{
	char full[PATH_MAX];
	if (!root || !path || !absolute(at, path, full) || strncmp(full, root_path, root_length) != 0 ||
	    (full[root_length] && full[root_length] != '/'))
		return false;
	*folder = NULL;
	name[0] = '\0';
	struct node *n = root;
	for (char *part = strtok(full + root_length, "/"); part; part = strtok(NULL, "/")) {
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

static struct node *lookup(struct node *folder, const char *name)
{
	if (!folder)
		return root;
	struct entry *e = find(&folder->live, name);
	return e ? e->node : NULL;
}

/* --- changes of names --- */

static void record(struct node *from, const char *from_name, struct node *to, const char *to_name, struct node *node)
{
	changes = grow(changes, change_count, &change_capacity, sizeof *changes);
	changes[change_count++] =
		(struct change){from, to, from ? strdup(from_name) : NULL, to ? strdup(to_name) : NULL, node};
}

static void apply(struct change *c)
{
	if (c->from)
		drop(&c->from->durable, c->from_name, c->node);
	if (c->to)
		put(&c->to->durable, c->to_name, c->node);
	free(c->from_name);
	free(c->to_name);
}

/* Those that touch `folder`; all when NULL. */
static void apply_changes(const struct node *folder)
{
	size_t kept = 0;
	for (size_t i = 0; i < change_count; i++) {
		if (!folder || changes[i].from == folder || changes[i].to == folder)
			apply(&changes[i]);
		else
			changes[kept++] = changes[i];
	}
	change_count = kept;
}

static struct node *created(struct node *folder, const char *name, bool is_folder)
{
	struct node *n = new_node(is_folder);
	put(&folder->live, name, n);
	record(NULL, NULL, folder, name, n);
	return n;
}

static void removed(struct node *folder, const char *name)
{
	struct node *n = lookup(folder, name);
	if (!n)
		return;
	record(folder, name, NULL, NULL, n);
	drop(&folder->live, name, NULL);
}

/* --- contents --- */

static void mark(struct node *n, uint64_t begin, uint64_t end)
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
		mark(n, begin < all->begin ? begin : all->begin, end > all->end ? end : all->end);
		return;
	}
	n->dirty[n->dirty_count++] = (struct range){begin, end};
}

static void resize(struct node *n, uint64_t size)
{
	if (size > n->capacity) {
		uint64_t capacity = n->capacity * 2 > size ? n->capacity * 2 : size;
		n->bytes = realloc(n->bytes, capacity);
		if (!n->bytes)
			fatal("memory");
		n->capacity = capacity;
	}
	if (size > n->size)
		memset(n->bytes + n->size, 0, size - n->size);
	n->size = size;
}

/* [begin, end) of the live file, which is at least that long or is cut off where it ends. */
static void copy_range(struct node *n, int fd, uint64_t begin, uint64_t end)
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

static void make_durable(struct node *n, int fd)
{
	struct stat st;
	int again = open_again(fd);
	if (again < 0 || fstat(again, &st) != 0)
		fatal("reading a synced file");
	uint64_t before = n->size;
	if (n->whole)
		before = 0;
	resize(n, (uint64_t)st.st_size);
	if (n->whole)
		copy_range(n, again, before, n->size);
	for (size_t i = 0; i < n->dirty_count; i++)
		copy_range(n, again, n->dirty[i].begin, n->dirty[i].end);
	n->dirty_count = 0;
	syscall(SYS_close, again);
}

/* --- torn --- */

static uint64_t next_random(void)
{
	seed += 0x9e3779b97f4a7c15u; /* splitmix64 (Steele, Lea, Flood 2014) */
	uint64_t z = seed;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static void tear_file(struct node *n, int fd)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return;
	uint64_t old = n->size, live = (uint64_t)st.st_size, end = old;
	if (live > old)
		end = old + next_random() % (live - old + 1);
	else if (next_random() & 1)
		end = live;
	resize(n, end);
	copy_range(n, fd, old, end);
	old = old < end ? old : end;
	for (size_t i = 0; i < n->dirty_count; i++) {
		uint64_t stop = n->dirty[i].end < old ? n->dirty[i].end : old;
		for (uint64_t at = n->dirty[i].begin / SECTOR * SECTOR; at < stop; at += SECTOR)
			if (next_random() & 1)
				copy_range(n, fd, at, at + SECTOR < old ? at + SECTOR : old);
	}
}

static void tear_tree(struct node *folder, int fd)
{
	for (size_t i = 0; i < folder->live.count; i++) {
		struct node *n = folder->live.items[i].node;
		int child = (int)syscall(SYS_openat, fd, folder->live.items[i].name, O_RDONLY | O_CLOEXEC, 0);
		if (child < 0)
			continue;
		if (n->folder)
			tear_tree(n, child);
		else
			tear_file(n, child);
		syscall(SYS_close, child);
	}
}

static void tear(void)
{
	size_t kept = change_count ? next_random() % (change_count + 1) : 0;
	for (size_t i = 0; i < kept; i++)
		apply(&changes[i]);
	int fd = (int)syscall(SYS_openat, AT_FDCWD, root_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd >= 0) {
		tear_tree(root, fd);
		syscall(SYS_close, fd);
	}
}

/* --- the cut --- */

static void write_shadow(const struct node *folder, const char *path)
{
	if (syscall(SYS_mkdir, path, 0755) != 0 && errno != EEXIST)
		fatal(path);
	for (size_t i = 0; i < folder->durable.count; i++) {
		char child[PATH_MAX];
		const struct node *n = folder->durable.items[i].node;
		snprintf(child, sizeof child, "%s/%s", path, folder->durable.items[i].name);
		if (n->folder) {
			write_shadow(n, child);
			continue;
		}
		int fd = (int)syscall(SYS_openat, AT_FDCWD, child, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (fd < 0)
			fatal(child);
		for (uint64_t at = 0; at < n->size;) {
			long done = syscall(SYS_write, fd, n->bytes + at, n->size - at);
			if (done <= 0)
				fatal(child);
			at += (uint64_t)done;
		}
		syscall(SYS_close, fd);
	}
}

static void write_count(void)
{
	const char *path = getenv(POWERCUT_COUNT);
	char text[32];
	if (!path)
		return;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int n = snprintf(text, sizeof text, "%ld\n", syncs);
	if (fd < 0 || syscall(SYS_write, fd, text, (size_t)n) != n)
		fatal(path);
	syscall(SYS_close, fd);
}

static void write_disk(void)
{
	const char *shadow = getenv(POWERCUT_SHADOW);
	if (torn)
		tear();
	if (shadow)
		write_shadow(root, shadow);
}

/* The lock stays held: no other thread can have a sync acknowledged after the disk was taken down. */
static void cut(void)
{
	write_disk();
	syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
	for (;;)
		pause();
}

/* --- beginning and end --- */

static void load_file(struct node *n, int fd)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		fatal("fstat");
	resize(n, (uint64_t)st.st_size);
	copy_range(n, fd, 0, n->size);
}

static void load_tree(struct node *folder, const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	if (!d)
		fatal(path);
	while ((e = readdir(d))) {
		char child[PATH_MAX];
		struct stat st;
		snprintf(child, sizeof child, "%s/%s", path, e->d_name);
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || lstat(child, &st) != 0)
			continue;
		struct node *n = new_node(S_ISDIR(st.st_mode));
		put(&folder->live, e->d_name, n);
		put(&folder->durable, e->d_name, n);
		if (n->folder) {
			load_tree(n, child);
			continue;
		}
		int fd = (int)syscall(SYS_openat, AT_FDCWD, child, O_RDONLY | O_CLOEXEC, 0);
		if (fd < 0)
			fatal(child);
		load_file(n, fd);
		syscall(SYS_close, fd);
	}
	closedir(d);
}

__attribute__((constructor)) static void begin(void)
{
	const char *dir = getenv(POWERCUT_DIR), *at = getenv(POWERCUT_AT), *when = getenv(POWERCUT_WHEN);
	const char *names = getenv(POWERCUT_STRICT), *seed_text = getenv(POWERCUT_TORN);
	if (!dir)
		return;
	if (!realpath(dir, root_path))
		fatal(dir);
	root_length = strlen(root_path);
	cut_at = at ? atol(at) : 0;
	cut_after = when && strcmp(when, "after") == 0;
	strict_names = !names || strcmp(names, "0") != 0;
	torn = seed_text != NULL;
	seed = seed_text ? strtoull(seed_text, NULL, 10) : 0;
	struct node *top = new_node(true);
	load_tree(top, root_path);
	root = top; /* from here on calls are watched */
}

__attribute__((destructor)) static void end(void)
{
	if (!root)
		return;
	pthread_mutex_lock(&lock);
	write_count();
	write_disk();
	root = NULL;
	pthread_mutex_unlock(&lock);
}

/* --- calls: opening and closing --- */

static struct node *node_at(int fd)
{
	return fd >= 0 && fd < FDS_MAX ? node_of_fd[fd] : NULL;
}

static void bind_fd(int fd, struct node *n)
{
	if (fd >= 0 && fd < FDS_MAX)
		node_of_fd[fd] = n;
}

/* After a successful open: find or make the node, and note what O_TRUNC cut off. */
static void opened(int fd, struct node *folder, const char *name, int flags, uint64_t size_before)
{
	struct node *n = lookup(folder, name);
	if (!n)
		n = created(folder, name, false);
	if (flags & O_TRUNC)
		mark(n, 0, size_before > n->size ? size_before : n->size);
	bind_fd(fd, n);
}

static int do_open(int at, const char *path, int flags, mode_t mode)
{
	struct node *folder;
	char name[NAME_MAX + 1];
	pthread_mutex_lock(&lock);
	bool ours = locate(at, path, &folder, name) && !(flags & O_PATH) && (flags & O_TMPFILE) != O_TMPFILE;
	struct stat st = {.st_size = 0};
	if (ours && (flags & O_TRUNC))
		syscall(SYS_newfstatat, at, path, &st, 0);
	int fd = (int)syscall(SYS_openat, at, path, flags, mode);
	int error = errno;
	if (fd >= 0) {
		bind_fd(fd, NULL);
		if (ours)
			opened(fd, folder, name, flags, (uint64_t)st.st_size);
	}
	pthread_mutex_unlock(&lock);
	errno = error;
	return fd;
}

#define TAKE_MODE(flags)                                                                                               \
	mode_t mode = 0;                                                                                               \
	if ((flags) & (O_CREAT | O_TMPFILE)) {                                                                         \
		va_list args;                                                                                          \
		va_start(args, flags);                                                                                 \
		mode = (mode_t)va_arg(args, int);                                                                      \
		va_end(args);                                                                                          \
	}

EXPORT int open(const char *path, int flags, ...)
{
	TAKE_MODE(flags)
	return do_open(AT_FDCWD, path, flags, mode);
}
EXPORT int open64(const char *path, int flags, ...)
{
	TAKE_MODE(flags)
	return do_open(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}
EXPORT int openat(int at, const char *path, int flags, ...)
{
	TAKE_MODE(flags)
	return do_open(at, path, flags, mode);
}
EXPORT int openat64(int at, const char *path, int flags, ...)
{
	TAKE_MODE(flags)
	return do_open(at, path, flags | O_LARGEFILE, mode);
}
EXPORT int creat(const char *path, mode_t mode)
{
	return do_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
EXPORT int creat64(const char *path, mode_t mode)
{
	return do_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
/* what _FORTIFY_SOURCE makes of open without a mode */
EXPORT int __open_2(const char *path, int flags)
{
	return do_open(AT_FDCWD, path, flags, 0);
}
EXPORT int __open64_2(const char *path, int flags)
{
	return do_open(AT_FDCWD, path, flags, 0);
}
EXPORT int __openat_2(int at, const char *path, int flags)
{
	return do_open(at, path, flags, 0);
}
EXPORT int __openat64_2(int at, const char *path, int flags)
{
	return do_open(at, path, flags, 0);
}

EXPORT int close(int fd)
{
	pthread_mutex_lock(&lock);
	bind_fd(fd, NULL);
	pthread_mutex_unlock(&lock);
	return (int)syscall(SYS_close, fd);
}

EXPORT int dup(int old)
{
	pthread_mutex_lock(&lock);
	int fd = (int)syscall(SYS_dup, old);
	bind_fd(fd, node_at(old));
	pthread_mutex_unlock(&lock);
	return fd;
}
EXPORT int dup3(int old, int new_fd, int flags)
{
	pthread_mutex_lock(&lock);
	int fd = (int)syscall(SYS_dup3, old, new_fd, flags);
	bind_fd(fd, node_at(old));
	pthread_mutex_unlock(&lock);
	return fd;
}
EXPORT int dup2(int old, int new_fd)
{
	return old == new_fd ? new_fd : dup3(old, new_fd, 0);
}

/* stdio writes by libc's inner calls, which nothing can stand before */
static FILE *do_fopen(const char *symbol, const char *path, const char *mode)
{
	FILE *(*next)(const char *, const char *);
	*(void **)&next = dlsym(RTLD_NEXT, symbol);
	struct node *folder;
	char name[NAME_MAX + 1];
	pthread_mutex_lock(&lock);
	bool ours = locate(AT_FDCWD, path, &folder, name);
	FILE *f = next(path, mode);
	if (f) {
		bind_fd(fileno(f), NULL);
		if (ours) {
			opened(fileno(f), folder, name, 0, 0);
			node_at(fileno(f))->whole |= mode[0] != 'r' || strchr(mode, '+');
		}
	}
	pthread_mutex_unlock(&lock);
	return f;
}
EXPORT FILE *fopen(const char *path, const char *mode)
{
	return do_fopen("fopen", path, mode);
}
EXPORT FILE *fopen64(const char *path, const char *mode)
{
	return do_fopen("fopen64", path, mode);
}
EXPORT int fclose(FILE *f)
{
	static int (*next)(FILE *);
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "fclose");
	pthread_mutex_lock(&lock);
	bind_fd(fileno(f), NULL);
	pthread_mutex_unlock(&lock);
	return next(f);
}

/* --- calls: writing --- */

/* `n` bytes were written; at `offset`, or where the file's own position stands now when it is -1. */
static void wrote(int fd, ssize_t n, off_t offset)
{
	int error = errno;
	if (n > 0 && node_at(fd)) {
		pthread_mutex_lock(&lock);
		struct node *node = node_at(fd);
		off_t end_at = offset >= 0 ? offset + n : (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
		if (node && end_at >= n)
			mark(node, (uint64_t)(end_at - n), (uint64_t)end_at);
		pthread_mutex_unlock(&lock);
	}
	errno = error;
}

EXPORT ssize_t write(int fd, const void *data, size_t size)
{
	ssize_t n = syscall(SYS_write, fd, data, size);
	wrote(fd, n, -1);
	return n;
}
EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
	ssize_t n = syscall(SYS_writev, fd, parts, count);
	wrote(fd, n, -1);
	return n;
}
EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
	ssize_t n = syscall(SYS_pwrite64, fd, data, size, offset);
	wrote(fd, n, offset);
	return n;
}
EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
	return pwrite(fd, data, size, offset);
}
EXPORT ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
	ssize_t n = syscall(SYS_pwritev2, fd, parts, count, offset, 0L, flags);
	wrote(fd, n, offset);
	return n;
}
EXPORT ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off64_t offset, int flags)
{
	return pwritev2(fd, parts, count, offset, flags);
}
EXPORT ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
	ssize_t n = syscall(SYS_pwritev, fd, parts, count, offset, 0L);
	wrote(fd, n, offset);
	return n;
}
EXPORT ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset)
{
	return pwritev(fd, parts, count, offset);
}

EXPORT int ftruncate(int fd, off_t size)
{
	struct stat st;
	pthread_mutex_lock(&lock);
	struct node *n = node_at(fd);
	/* what is cut off and grown again later is zeros then, not what was durable */
	if (n && fstat(fd, &st) == 0)
		mark(n, (uint64_t)size, (uint64_t)st.st_size > n->size ? (uint64_t)st.st_size : n->size);
	int result = (int)syscall(SYS_ftruncate, fd, size);
	pthread_mutex_unlock(&lock);
	return result;
}
EXPORT int ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}
EXPORT int fallocate(int fd, int mode, off_t offset, off_t size)
{
	int result = (int)syscall(SYS_fallocate, fd, mode, offset, size);
	if (result == 0 && mode & ~FALLOC_FL_KEEP_SIZE)
		wrote(fd, size, offset); /* zeroed or moved */
	return result;
}
EXPORT int fallocate64(int fd, int mode, off64_t offset, off64_t size)
{
	return fallocate(fd, mode, offset, size);
}
EXPORT int posix_fallocate(int fd, off_t offset, off_t size)
{
	return fallocate(fd, 0, offset, size) == 0 ? 0 : errno;
}
EXPORT int posix_fallocate64(int fd, off64_t offset, off64_t size)
{
	return posix_fallocate(fd, offset, size);
}

/* --- calls: syncing --- */

static int do_sync(int fd, long number)
{
	pthread_mutex_lock(&lock);
	struct node *n = node_at(fd);
	if (!n) {
		pthread_mutex_unlock(&lock);
		return (int)syscall(number, fd);
	}
	bool now = ++syncs == cut_at;
	if (now && !cut_after)
		cut();
	if (!n->folder)
		make_durable(n, fd);
	if (n->folder || !strict_names)
		apply_changes(strict_names ? n : NULL);
	if (now)
		cut();
	pthread_mutex_unlock(&lock);
	return 0;
}

EXPORT int fsync(int fd)
{
	return do_sync(fd, SYS_fsync);
}
EXPORT int fdatasync(int fd)
{
	return do_sync(fd, SYS_fdatasync);
}
EXPORT int sync_file_range(int fd, off64_t offset, off64_t size, unsigned flags)
{
	return node_at(fd) ? 0 : (int)syscall(SYS_sync_file_range, fd, offset, size, flags);
}

/* --- calls: names --- */

static int do_unlink(int at, const char *path, int flags)
{
	struct node *folder;
	char name[NAME_MAX + 1];
	pthread_mutex_lock(&lock);
	bool ours = locate(at, path, &folder, name) && folder;
	int result = (int)syscall(SYS_unlinkat, at, path, flags), error = errno;
	if (result == 0 && ours)
		removed(folder, name);
	pthread_mutex_unlock(&lock);
	errno = error;
	return result;
}
EXPORT int unlink(const char *path)
{
	return do_unlink(AT_FDCWD, path, 0);
}
EXPORT int unlinkat(int at, const char *path, int flags)
{
	return do_unlink(at, path, flags);
}
EXPORT int rmdir(const char *path)
{
	return do_unlink(AT_FDCWD, path, AT_REMOVEDIR);
}
EXPORT int remove(const char *path)
{
	int result = do_unlink(AT_FDCWD, path, 0);
	return result != 0 && errno == EISDIR ? do_unlink(AT_FDCWD, path, AT_REMOVEDIR) : result;
}

static int do_mkdir(int at, const char *path, mode_t mode)
{
	struct node *folder;
	char name[NAME_MAX + 1];
	pthread_mutex_lock(&lock);
	bool ours = locate(at, path, &folder, name) && folder;
	int result = (int)syscall(SYS_mkdirat, at, path, mode), error = errno;
	if (result == 0 && ours)
		created(folder, name, true);
	pthread_mutex_unlock(&lock);
	errno = error;
	return result;
}
EXPORT int mkdir(const char *path, mode_t mode)
{
	return do_mkdir(AT_FDCWD, path, mode);
}
EXPORT int mkdirat(int at, const char *path, mode_t mode)
{
	return do_mkdir(at, path, mode);
}

static void renamed(struct node *from, const char *from_name, struct node *to, const char *to_name)
{
	struct node *n = lookup(from, from_name);
	if (!n)
		return;
	record(from, from_name, to, to_name, n);
	drop(&from->live, from_name, NULL);
	put(&to->live, to_name, n);
}

EXPORT int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
	struct node *a, *b;
	char a_name[NAME_MAX + 1], b_name[NAME_MAX + 1];
	pthread_mutex_lock(&lock);
	bool from_ours = locate(from_at, from, &a, a_name), to_ours = locate(to_at, to, &b, b_name);
	if (from_ours != to_ours || (flags & 2u /* exchange */))
		fatal("a rename across the watched folder's border");
	int result = (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags), error = errno;
	if (result == 0 && from_ours && a && b)
		renamed(a, a_name, b, b_name);
	pthread_mutex_unlock(&lock);
	errno = error;
	return result;
}
EXPORT int renameat(int from_at, const char *from, int to_at, const char *to)
{
	return renameat2(from_at, from, to_at, to, 0);
}
EXPORT int rename(const char *from, const char *to)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
	struct node *a, *b;
	char a_name[NAME_MAX + 1], b_name[NAME_MAX + 1];
	pthread_mutex_lock(&lock);
	bool ours = locate(from_at, from, &a, a_name) && locate(to_at, to, &b, b_name) && a && b;
	int result = (int)syscall(SYS_linkat, from_at, from, to_at, to, flags), error = errno;
	struct node *n = ours ? lookup(a, a_name) : NULL;
	if (result == 0 && n) {
		put(&b->live, b_name, n);
		record(NULL, NULL, b, b_name, n);
	}
	pthread_mutex_unlock(&lock);
	errno = error;
	return result;
}
EXPORT int link(const char *from, const char *to)
{
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}
