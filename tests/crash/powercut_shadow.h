/* powercut_shadow.h -- the watched folder as the program sees it and as the disk would hold it, side by side:
 *
 *   node(folder) ── live entries ─────> name → node        what the program sees
 *              └─── durable entries ──> name → node        what a cut would leave
 *   node(file)   ── durable bytes, and the ranges written since
 *   changes      ── creations, renames and removals not yet durable, in order
 *
 * powercut_calls.c stands before libc's calls and keeps it, powercut.c cuts. Nodes are never freed: a file without a
 * name may get it back in the shadow. One lock guards everything; calls that change names hold it across the system
 * call, so that `changes` has the kernel's order. All our own file access is by syscall(), past our own wrappers.
 * What cannot be done ends the process: shadow_fatal. */
#ifndef ZAYTON_TESTS_CRASH_POWERCUT_SHADOW_H
#define ZAYTON_TESTS_CRASH_POWERCUT_SHADOW_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANGES_MAX 64

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

extern struct shadow {
	pthread_mutex_t lock;
	char root_path[PATH_MAX];
	size_t root_length;
	struct node *root; /* NULL: nothing is watched */
	struct change *changes;
	size_t change_count, change_capacity;
} shadow;

__attribute__((noreturn)) void shadow_fatal(const char *what);

struct node *shadow_new_node(bool folder);
void shadow_put(struct entries *e, const char *name, struct node *node);
/* Only when it names `only`, unless that is NULL. */
void shadow_drop(struct entries *e, const char *name, const struct node *only);

/* Folder and last name of a path below the root; false for any other path. The root itself has no folder. */
bool shadow_locate(int at, const char *path, struct node **folder, char name[NAME_MAX + 1]);
/* The live node of that name, the root when there is no folder; NULL. */
struct node *shadow_lookup(struct node *folder, const char *name);

/* A change of names that is not durable: either folder may be NULL. */
void shadow_record(struct node *from, const char *from_name, struct node *to, const char *to_name, struct node *node);
/* Make the change durable; it is used up. */
void shadow_apply(struct change *c);
/* Those that touch `folder`; all when NULL. */
void shadow_apply_changes(const struct node *folder);
struct node *shadow_created(struct node *folder, const char *name, bool is_folder);
void shadow_removed(struct node *folder, const char *name);

/* [begin, end) was written. */
void shadow_mark(struct node *n, uint64_t begin, uint64_t end);
/* Durable bytes: their number; and those of [begin, end) from the live file, which is at least that long or is cut off
 * where it ends. */
void shadow_resize(struct node *n, uint64_t size);
void shadow_copy_range(struct node *n, int fd, uint64_t begin, uint64_t end);
/* What was written to the file of `fd` is durable. */
void shadow_make_durable(struct node *n, int fd);

/* --- powercut.c --- */

/* A watched file or folder is synced by `fd`: the power may go. The lock is held. */
void powercut_sync(struct node *n, int fd);

#endif
