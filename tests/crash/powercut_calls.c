/* powercut_calls.c -- libc's file calls: each does its work by syscall() and tells the shadow. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/crash/powercut_shadow.h"

#define EXPORT __attribute__((visibility("default")))
#define FDS_MAX 65536

static struct node *node_of_fd[FDS_MAX]; /* under shadow.lock */

/* --- opening and closing --- */

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
	struct node *n = shadow_lookup(folder, name);
	if (!n)
		n = shadow_created(folder, name, false);
	if (flags & O_TRUNC)
		shadow_mark(n, 0, size_before > n->size ? size_before : n->size);
	bind_fd(fd, n);
}

static int do_open(int at, const char *path, int flags, mode_t mode)
{
	struct node *folder;
	char name[NAME_MAX + 1];
	pthread_mutex_lock(&shadow.lock);
	bool ours = shadow_locate(at, path, &folder, name) && !(flags & O_PATH) && (flags & O_TMPFILE) != O_TMPFILE;
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
	pthread_mutex_unlock(&shadow.lock);
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
	pthread_mutex_lock(&shadow.lock);
	bind_fd(fd, NULL);
	pthread_mutex_unlock(&shadow.lock);
	return (int)syscall(SYS_close, fd);
}

EXPORT int dup(int old)
{
	pthread_mutex_lock(&shadow.lock);
	int fd = (int)syscall(SYS_dup, old);
	bind_fd(fd, node_at(old));
	pthread_mutex_unlock(&shadow.lock);
	return fd;
}
EXPORT int dup3(int old, int new_fd, int flags)
{
	pthread_mutex_lock(&shadow.lock);
	int fd = (int)syscall(SYS_dup3, old, new_fd, flags);
	bind_fd(fd, node_at(old));
	pthread_mutex_unlock(&shadow.lock);
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
	pthread_mutex_lock(&shadow.lock);
	bool ours = shadow_locate(AT_FDCWD, path, &folder, name);
	FILE *f = next(path, mode);
	if (f) {
		bind_fd(fileno(f), NULL);
		if (ours) {
			opened(fileno(f), folder, name, 0, 0);
			node_at(fileno(f))->whole |= mode[0] != 'r' || strchr(mode, '+');
		}
	}
	pthread_mutex_unlock(&shadow.lock);
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
	pthread_mutex_lock(&shadow.lock);
	bind_fd(fileno(f), NULL);
	pthread_mutex_unlock(&shadow.lock);
	return next(f);
}

/* --- writing --- */

/* `n` bytes were written; at `offset`, or where the file's own position stands now when it is -1. */
static void wrote(int fd, ssize_t n, off_t offset)
{
	int error = errno;
	if (n > 0 && node_at(fd)) {
		pthread_mutex_lock(&shadow.lock);
		struct node *node = node_at(fd);
		off_t end_at = offset >= 0 ? offset + n : (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
		if (node && end_at >= n)
			shadow_mark(node, (uint64_t)(end_at - n), (uint64_t)end_at);
		pthread_mutex_unlock(&shadow.lock);
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
	pthread_mutex_lock(&shadow.lock);
	struct node *n = node_at(fd);
	/* what is cut off and grown again later is zeros then, not what was durable */
	if (n && fstat(fd, &st) == 0)
		shadow_mark(n, (uint64_t)size, (uint64_t)st.st_size > n->size ? (uint64_t)st.st_size : n->size);
	int result = (int)syscall(SYS_ftruncate, fd, size);
	pthread_mutex_unlock(&shadow.lock);
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

/* --- syncing --- */

static int do_sync(int fd, long number)
{
	pthread_mutex_lock(&shadow.lock);
	struct node *n = node_at(fd);
	if (!n) {
		pthread_mutex_unlock(&shadow.lock);
		return (int)syscall(number, fd);
	}
	powercut_sync(n, fd);
	pthread_mutex_unlock(&shadow.lock);
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

/* --- names --- */

static int do_unlink(int at, const char *path, int flags)
{
	struct node *folder;
	char name[NAME_MAX + 1];
	pthread_mutex_lock(&shadow.lock);
	bool ours = shadow_locate(at, path, &folder, name) && folder;
	int result = (int)syscall(SYS_unlinkat, at, path, flags), error = errno;
	if (result == 0 && ours)
		shadow_removed(folder, name);
	pthread_mutex_unlock(&shadow.lock);
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
	pthread_mutex_lock(&shadow.lock);
	bool ours = shadow_locate(at, path, &folder, name) && folder;
	int result = (int)syscall(SYS_mkdirat, at, path, mode), error = errno;
	if (result == 0 && ours)
		shadow_created(folder, name, true);
	pthread_mutex_unlock(&shadow.lock);
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
	struct node *n = shadow_lookup(from, from_name);
	if (!n)
		return;
	shadow_record(from, from_name, to, to_name, n);
	shadow_drop(&from->live, from_name, NULL);
	shadow_put(&to->live, to_name, n);
}

EXPORT int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
	struct node *a, *b;
	char a_name[NAME_MAX + 1], b_name[NAME_MAX + 1];
	pthread_mutex_lock(&shadow.lock);
	bool from_ours = shadow_locate(from_at, from, &a, a_name), to_ours = shadow_locate(to_at, to, &b, b_name);
	if (from_ours != to_ours || (flags & 2u /* exchange */))
		shadow_fatal("a rename across the watched folder's border");
	int result = (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags), error = errno;
	if (result == 0 && from_ours && a && b)
		renamed(a, a_name, b, b_name);
	pthread_mutex_unlock(&shadow.lock);
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
	pthread_mutex_lock(&shadow.lock);
	bool ours = shadow_locate(from_at, from, &a, a_name) && shadow_locate(to_at, to, &b, b_name) && a && b;
	int result = (int)syscall(SYS_linkat, from_at, from, to_at, to, flags), error = errno;
	struct node *n = ours ? shadow_lookup(a, a_name) : NULL;
	if (result == 0 && n) {
		shadow_put(&b->live, b_name, n);
		shadow_record(NULL, NULL, b, b_name, n);
	}
	pthread_mutex_unlock(&shadow.lock);
	errno = error;
	return result;
}
EXPORT int link(const char *from, const char *to)
{
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}
