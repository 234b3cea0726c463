#include "engine/store/families.h"

#include <stdlib.h>
#include <string.h>

#include "engine/core/limits.h"
#include "engine/core/log.h"

static const char *const lasting_names[STORE_FAMILY_COUNT] = {
#define X(NAME, text) [STORE_##NAME] = text,
	STORE_FAMILIES(X)
#undef X
};

static enum rocks_profile lasting_profile(unsigned family)
{
	return family == STORE_HEAD ? ROCKS_OVERWRITE : ROCKS_ROWS;
}

static enum rocks_profile timed_profile(unsigned kind)
{
	return kind == FAMILY_TRACK || kind == FAMILY_SERIES ? ROCKS_BLOCKS : ROCKS_TIMED;
}

static int compare_ids(struct family_id a, struct family_id b)
{
	if (a.month != b.month)
		return a.month < b.month ? -1 : 1;
	if (a.kind != b.kind)
		return a.kind < b.kind ? -1 : 1;
	return (a.class_code > b.class_code) - (a.class_code < b.class_code);
}

/* First index whose id is not below `id`. */
static size_t lower_bound(const struct families *f, struct family_id id)
{
	size_t from = 0, to = f->count;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (compare_ids(f->timed[middle]->id, id) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static struct family *find_locked(const struct families *f, struct family_id id)
{
	size_t at = lower_bound(f, id);
	return at < f->count && family_id_equal(f->timed[at]->id, id) ? f->timed[at] : NULL;
}

static enum status insert_locked(struct families *f, struct family_id id, struct rocks_family *handle,
				 struct family **out)
{
	struct family *family = calloc(1, sizeof *family);
	if (!family)
		return STATUS_NO_MEMORY;
	family->id = id;
	family->handle = handle;
	atomic_init(&family->references, 1);
	size_t at = lower_bound(f, id);
	memmove(f->timed + at + 1, f->timed + at, (f->count - at) * sizeof *f->timed);
	f->timed[at] = family;
	f->count++;
	*out = family;
	return STATUS_OK;
}

/* --- opening --- */

struct opening {
	struct rocks_family_spec *specs;
	struct rocks_family **handles;
	size_t count;
};

static bool listed(char **names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool is_lasting(const char *name)
{
	for (size_t i = 0; i < STORE_FAMILY_COUNT; i++)
		if (strcmp(lasting_names[i], name) == 0)
			return true;
	return strcmp(name, "default") == 0;
}

/* `default` and the lasting ones first, in the order of the table, then the time families of the folder. */
static enum status opening_fill(struct opening *o, char **names, size_t count, bool all_lasting)
{
	o->specs = calloc(1 + STORE_FAMILY_COUNT + count, sizeof *o->specs);
	o->handles = calloc(1 + STORE_FAMILY_COUNT + count, sizeof(struct rocks_family *));
	if (!o->specs || !o->handles)
		return STATUS_NO_MEMORY;
	o->specs[o->count++] = (struct rocks_family_spec){"default", ROCKS_ROWS};
	for (unsigned i = 0; i < STORE_FAMILY_COUNT; i++)
		if (all_lasting || listed(names, count, lasting_names[i]))
			o->specs[o->count++] = (struct rocks_family_spec){lasting_names[i], lasting_profile(i)};
	for (size_t i = 0; i < count; i++) {
		struct family_id id;
		if (is_lasting(names[i]))
			continue;
		if (family_name_parse(span_of_string(names[i]), &id) != STATUS_OK) {
			log_error("store", "family \"%s\" is not known here: was it written by a later version?",
				  names[i]);
			return STATUS_BAD_VERSION;
		}
		o->specs[o->count++] = (struct rocks_family_spec){names[i], timed_profile(id.kind)};
	}
	return STATUS_OK;
}

/* Hand every handle of `o` to its place; those without one are released. */
static enum status adopt(struct families *f, const struct opening *o)
{
	enum status status = STATUS_OK;
	size_t at = 0;
	f->own = o->handles[at++];
	for (unsigned i = 0; i < STORE_FAMILY_COUNT; i++)
		if (at < o->count && strcmp(o->specs[at].name, lasting_names[i]) == 0)
			f->lasting[i] = o->handles[at++];
	for (; at < o->count; at++) {
		struct family_id id;
		struct family *family;
		if (status == STATUS_OK)
			status = family_name_parse(span_of_string(o->specs[at].name), &id);
		if (status == STATUS_OK)
			status = f->count < FAMILIES_MAX ? insert_locked(f, id, o->handles[at], &family) : STATUS_FULL;
		if (status != STATUS_OK)
			rocks_family_release(o->handles[at]);
	}
	return status;
}

enum status families_open(struct families *f, const struct rocks_options *options, bool exists)
{
	struct opening o = {0};
	char **names = NULL;
	size_t count = 0;
	memset(f, 0, sizeof *f);
	f->read_only = options->read_only;
	pthread_mutex_init(&f->lock, NULL);
	f->timed = calloc(FAMILIES_MAX, sizeof(struct family *));
	enum status status = f->timed ? STATUS_OK : STATUS_NO_MEMORY;
	if (status == STATUS_OK && exists)
		status = rocks_names(options->path, &names, &count);
	if (status == STATUS_OK)
		status = opening_fill(&o, names, count, !options->read_only);
	if (status == STATUS_OK)
		status = rocks_open(options, o.specs, o.count, o.handles, &f->rocks);
	if (status == STATUS_OK)
		status = adopt(f, &o);
	if (status != STATUS_OK)
		families_close(f);
	rocks_names_free(names, count);
	free(o.specs);
	free(o.handles);
	return status;
}

void families_close(struct families *f)
{
	for (size_t i = 0; f->timed && i < f->count; i++)
		family_unref(f->timed[i]);
	for (size_t i = 0; i < STORE_FAMILY_COUNT; i++)
		rocks_family_release(f->lasting[i]);
	rocks_family_release(f->own);
	rocks_close(f->rocks);
	free(f->timed);
	pthread_mutex_destroy(&f->lock);
	memset(f, 0, sizeof *f);
}

/* --- using --- */

static enum status make_locked(struct families *f, struct family_id id, struct family **out)
{
	char name[FAMILY_NAME_MAX];
	struct rocks_family *handle;
	if (f->read_only)
		return STATUS_DENIED;
	if (f->count == FAMILIES_MAX) {
		log_error("store", "%d time families are open: no more can be made", FAMILIES_MAX);
		return STATUS_FULL;
	}
	family_name(id, name);
	enum status status =
		rocks_family_create(f->rocks, &(struct rocks_family_spec){name, timed_profile(id.kind)}, &handle);
	if (status != STATUS_OK)
		return status;
	status = insert_locked(f, id, handle, out);
	if (status != STATUS_OK)
		rocks_family_release(handle);
	return status;
}

enum status families_ensure(struct families *f, struct family_id id, struct family **out)
{
	enum status status = STATUS_OK;
	pthread_mutex_lock(&f->lock);
	*out = find_locked(f, id);
	if (!*out)
		status = make_locked(f, id, out);
	if (status == STATUS_OK)
		atomic_fetch_add(&(*out)->references, 1);
	pthread_mutex_unlock(&f->lock);
	return status;
}

struct family *families_find(struct families *f, struct family_id id)
{
	pthread_mutex_lock(&f->lock);
	struct family *family = find_locked(f, id);
	if (family)
		atomic_fetch_add(&family->references, 1);
	pthread_mutex_unlock(&f->lock);
	return family;
}

void family_unref(struct family *family)
{
	if (!family || atomic_fetch_sub(&family->references, 1) != 1)
		return;
	rocks_family_release(family->handle);
	free(family);
}

static void list_append(struct families *f, struct family_list *out, unsigned kind, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		if (kind != FAMILY_KIND_COUNT && f->timed[i]->id.kind != kind)
			continue;
		atomic_fetch_add(&f->timed[i]->references, 1);
		out->items[out->count++] = f->timed[i];
	}
}

enum status families_list(struct families *f, unsigned kind, uint32_t month_first, uint32_t month_last,
			  struct family_list *out)
{
	pthread_mutex_lock(&f->lock);
	size_t odd_end = lower_bound(f, (struct family_id){.month = MONTH_ODD + 1});
	size_t from = lower_bound(f, (struct family_id){.month = month_first});
	size_t to = lower_bound(f, (struct family_id){.month = month_last + 1});
	*out = (struct family_list){calloc(f->count + 1, sizeof(struct family *)), 0};
	if (out->items) {
		list_append(f, out, kind, 0, odd_end);
		list_append(f, out, kind, from > odd_end ? from : odd_end, to);
	}
	pthread_mutex_unlock(&f->lock);
	return out->items ? STATUS_OK : STATUS_NO_MEMORY;
}

void family_list_release(struct family_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		family_unref(list->items[i]);
	free(list->items);
	*list = (struct family_list){NULL, 0};
}

enum status families_drop(struct families *f, struct family *family)
{
	pthread_mutex_lock(&f->lock);
	enum status status = f->read_only ? STATUS_OK : rocks_family_drop(f->rocks, family->handle);
	size_t at = lower_bound(f, family->id);
	bool in_table = at < f->count && f->timed[at] == family;
	if (status == STATUS_OK && in_table) {
		memmove(f->timed + at, f->timed + at + 1, (f->count - at - 1) * sizeof *f->timed);
		f->count--;
		atomic_fetch_sub(&family->references, 1); /* the table's; the caller's is still there */
	}
	pthread_mutex_unlock(&f->lock);
	family_unref(family);
	return status;
}
