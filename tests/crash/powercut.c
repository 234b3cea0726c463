/* powercut.c -- when the power goes, and what is on the disk then. */
#include "tests/crash/powercut.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/crash/powercut_shadow.h"

#define SECTOR 512

static long syncs, cut_at;
static bool cut_after, strict_names = true, torn;
static uint64_t seed;

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
	shadow_resize(n, end);
	shadow_copy_range(n, fd, old, end);
	old = old < end ? old : end;
	for (size_t i = 0; i < n->dirty_count; i++) {
		uint64_t stop = n->dirty[i].end < old ? n->dirty[i].end : old;
		for (uint64_t at = n->dirty[i].begin / SECTOR * SECTOR; at < stop; at += SECTOR)
			if (next_random() & 1)
				shadow_copy_range(n, fd, at, at + SECTOR < old ? at + SECTOR : old);
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
	size_t kept = shadow.change_count ? next_random() % (shadow.change_count + 1) : 0;
	for (size_t i = 0; i < kept; i++)
		shadow_apply(&shadow.changes[i]);
	int fd = (int)syscall(SYS_openat, AT_FDCWD, shadow.root_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd >= 0) {
		tear_tree(shadow.root, fd);
		syscall(SYS_close, fd);
	}
}

/* --- the cut --- */

static void write_shadow(const struct node *folder, const char *path)
{
	if (syscall(SYS_mkdir, path, 0755) != 0 && errno != EEXIST)
		shadow_fatal(path);
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
			shadow_fatal(child);
		for (uint64_t at = 0; at < n->size;) {
			long done = syscall(SYS_write, fd, n->bytes + at, n->size - at);
			if (done <= 0)
				shadow_fatal(child);
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
		shadow_fatal(path);
	syscall(SYS_close, fd);
}

static void write_disk(void)
{
	const char *path = getenv(POWERCUT_SHADOW);
	if (torn)
		tear();
	if (path)
		write_shadow(shadow.root, path);
}

/* The lock stays held: no other thread can have a sync acknowledged after the disk was taken down. */
static void cut(void)
{
	write_disk();
	syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
	for (;;)
		pause();
}

/* --- at every sync --- */

void powercut_sync(struct node *n, int fd)
{
	bool now = ++syncs == cut_at;
	if (now && !cut_after)
		cut();
	if (!n->folder)
		shadow_make_durable(n, fd);
	if (n->folder || !strict_names)
		shadow_apply_changes(strict_names ? n : NULL);
	if (now)
		cut();
}

/* --- beginning and end --- */

static void load_file(struct node *n, int fd)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		shadow_fatal("fstat");
	shadow_resize(n, (uint64_t)st.st_size);
	shadow_copy_range(n, fd, 0, n->size);
}

static void load_tree(struct node *folder, const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	if (!d)
		shadow_fatal(path);
	while ((e = readdir(d))) {
		char child[PATH_MAX];
		struct stat st;
		snprintf(child, sizeof child, "%s/%s", path, e->d_name);
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || lstat(child, &st) != 0)
			continue;
		struct node *n = shadow_new_node(S_ISDIR(st.st_mode));
		shadow_put(&folder->live, e->d_name, n);
		shadow_put(&folder->durable, e->d_name, n);
		if (n->folder) {
			load_tree(n, child);
			continue;
		}
		int fd = (int)syscall(SYS_openat, AT_FDCWD, child, O_RDONLY | O_CLOEXEC, 0);
		if (fd < 0)
			shadow_fatal(child);
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
	if (!realpath(dir, shadow.root_path))
		shadow_fatal(dir);
	shadow.root_length = strlen(shadow.root_path);
	cut_at = at ? atol(at) : 0;
	cut_after = when && strcmp(when, "after") == 0;
	strict_names = !names || strcmp(names, "0") != 0;
	torn = seed_text != NULL;
	seed = seed_text ? strtoull(seed_text, NULL, 10) : 0;
	struct node *top = shadow_new_node(true);
	load_tree(top, shadow.root_path);
	shadow.root = top; /* from here on calls are watched */
}

__attribute__((destructor)) static void end(void)
{
	if (!shadow.root)
		return;
	pthread_mutex_lock(&shadow.lock);
	write_count();
	write_disk();
	shadow.root = NULL;
	pthread_mutex_unlock(&shadow.lock);
}
