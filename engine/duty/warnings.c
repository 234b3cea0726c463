#include "engine/duty/warnings.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/crash.h"
#include "engine/core/hash.h"
#include "engine/core/log.h"
#include "engine/duty/duty_keys.h"
#include "engine/duty/roll_call.h"
#include "engine/store/keys.h"

#define OF_KEY_SIZE 18
#define ENDS_KEY_SIZE 17
#define AREA_KEY_SIZE 11
#define DUE_KEY_SIZE 9
#define AREA_ROW_MAX (4u << 20)
/* warnings that one message may end */
#define TARGETS_MAX 256

struct warnings {
	struct store *store;
	struct context *context;
	pthread_mutex_t lock; /* one step at a time */
	struct book book;
};

bool warning_is_active(const struct warning *w, int64_t at_ms)
{
	return w->type != WARNING_CANCEL && w->from_ms <= at_ms && at_ms < w->until_ms &&
	       (w->ended_ms == INT64_MIN || at_ms < w->ended_ms);
}

/* --- keys --- */

static uint64_t identifier_hash(const char *text, size_t size)
{
	return hash64(span_of(text, size));
}

static void of_key(const struct warning *w, uint8_t out[OF_KEY_SIZE])
{
	out[0] = DUTY_WARNING_OF;
	store_be64(out + 1, identifier_hash(w->identifier, strlen(w->identifier)));
	store_be64(out + 9, time_bias(w->sent_ms));
	out[17] = w->part;
}

static void ends_key(uint64_t identifier, uint64_t id, uint8_t out[ENDS_KEY_SIZE])
{
	out[0] = DUTY_WARNING_ENDS;
	store_be64(out + 1, identifier);
	store_be64(out + 9, id);
}

static void area_key(uint64_t id, unsigned number, uint8_t out[AREA_KEY_SIZE])
{
	out[0] = DUTY_WARNING_AREAS;
	store_be64(out + 1, id);
	store_be16(out + 9, (uint16_t)number);
}

static void due_key(uint64_t id, uint8_t out[DUE_KEY_SIZE])
{
	out[0] = DUTY_WARNING_DUE;
	store_be64(out + 1, id);
}

/* --- fences --- */

struct areas {
	struct fence items[WARNING_AREAS_MAX];
	size_t count;
};

static void areas_deinit(struct areas *a)
{
	for (size_t i = 0; i < a->count; i++)
		fence_area_unref(a->items[i].area);
	free(a);
}

static enum status load_area(void *context, struct span key, struct span value)
{
	struct areas *a = context;
	(void)key;
	if (a->count == WARNING_AREAS_MAX)
		return STATUS_CORRUPT;
	enum status status = fence_decode(value, &a->items[a->count]);
	a->count += status == STATUS_OK;
	return status;
}

static enum status load_areas(struct warnings *w, uint64_t id, struct areas **out)
{
	uint8_t prefix[AREA_KEY_SIZE];
	struct areas *a = calloc(1, sizeof *a);
	if (!a)
		return STATUS_NO_MEMORY;
	area_key(id, 0, prefix);
	enum status status = store_scan(w->store, STORE_DUTY, span_of(prefix, 9), load_area, a);
	if (status)
		areas_deinit(a);
	else
		*out = a;
	return status;
}

enum status warnings_areas(struct warnings *w, uint64_t id, warning_area_visit *visit, void *context)
{
	struct areas *a;
	enum status status = load_areas(w, id, &a);
	if (status)
		return status;
	for (size_t i = 0; i < a->count && !status; i++)
		status = visit(context, &a->items[i]);
	areas_deinit(a);
	return status;
}

/* Its fences as they are to stand: for as long as it does, or not at all. */
static enum status put_fences(struct warnings *w, const struct warning *of)
{
	struct areas *a;
	enum status status = load_areas(w, of->row.id, &a);
	int64_t until_ms = of->ended_ms != INT64_MIN && of->ended_ms < of->until_ms ? of->ended_ms : of->until_ms;
	if (status)
		return status;
	for (size_t i = 0; i < a->count; i++) {
		a->items[i].valid_to_ms = until_ms;
		if (until_ms > of->from_ms)
			continue;
		fence_area_unref(a->items[i].area);
		a->items[i].area = NULL;
		a->items[i].valid_to_ms = of->from_ms + 1;
	}
	if (a->count)
		status = context_put_fences(w->context, a->items, a->count);
	areas_deinit(a);
	return status;
}

static enum status settle(struct warnings *w, uint64_t id)
{
	uint8_t key[DUE_KEY_SIZE];
	struct warning *of = malloc(sizeof *of);
	struct store_batch *b = NULL;
	enum status status = of ? book_get(&w->book, id, of) : STATUS_NO_MEMORY;
	if (!status && of->status == WARNING_ACTUAL)
		status = put_fences(w, of);
	crash_point("warning_fences");
	if (!status)
		status = store_batch_new(w->store, &b);
	if (!status) {
		due_key(id, key);
		store_batch_delete(b, STORE_DUTY, span_of(key, sizeof key));
		status = store_commit(w->store, b, false);
	}
	store_batch_free(b);
	free(of);
	return status;
}

/* --- opening --- */

struct ids {
	uint64_t items[TARGETS_MAX];
	size_t count;
};

static enum status take_due(void *context, struct span key, struct span value)
{
	struct ids *ids = context;
	(void)value;
	if (key.size != DUE_KEY_SIZE)
		return STATUS_CORRUPT;
	if (ids->count == TARGETS_MAX)
		return STATUS_END;
	ids->items[ids->count++] = load_be64(key.data + 1);
	return STATUS_OK;
}

/* Oldest first, as they were taken in. */
static enum status settle_all(struct warnings *w)
{
	static const uint8_t tag = DUTY_WARNING_DUE;
	struct ids ids;
	enum status status;
	do {
		ids.count = 0;
		status = store_scan(w->store, STORE_DUTY, span_of(&tag, 1), take_due, &ids);
		if (status == STATUS_END)
			status = STATUS_OK;
		for (size_t i = 0; i < ids.count && !status; i++)
			status = settle(w, ids.items[i]);
	} while (!status && ids.count == TARGETS_MAX);
	return status;
}

enum status warnings_open(struct store *s, struct context *c, bool read_only, struct warnings **out)
{
	struct warnings *w = calloc(1, sizeof *w);
	if (!w)
		return STATUS_NO_MEMORY;
	w->store = s;
	w->context = c;
	pthread_mutex_init(&w->lock, NULL);
	enum status status = book_open(s, DUTY_WARNINGS, &warning_kind, &w->book);
	if (!status && !read_only)
		status = settle_all(w);
	if (status)
		warnings_close(w);
	else
		*out = w;
	return status;
}

void warnings_close(struct warnings *w)
{
	if (!w)
		return;
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* --- taking in --- */

/* One message on its way in. */
struct taking {
	struct warnings *all;
	const struct warning_draft *draft;
	struct warning w;
	struct areas *areas;
	struct ids targets; /* warnings whose end it is, and itself */
	struct store_batch *batch;
	struct buf scratch;
	int64_t now_ms;
	char *wrong;
};

static uint64_t digest_of(const struct taking *t, enum status *status)
{
	struct buf bytes = buf_init(AREA_ROW_MAX);
	uint64_t digest = 0;
	*status = record_encode(&warning_kind, &t->draft->w, &bytes);
	for (size_t i = 0; i < t->draft->area_count && !*status; i++) {
		const struct fence_area *a = t->draft->areas[i];
		*status = buf_append(&bytes, a->points, a->point_count * sizeof *a->points);
	}
	for (size_t i = 0; i < t->draft->named_count && !*status; i++)
		*status = buf_append(&bytes, t->draft->named[i], strlen(t->draft->named[i]) + 1);
	if (!*status)
		digest = hash64(buf_view(&bytes));
	buf_deinit(&bytes);
	return digest ? digest : 1;
}

/* Whether it is here already. */
static enum status look_up(struct taking *t, uint64_t *out_id)
{
	uint8_t key[OF_KEY_SIZE];
	struct warning *old = malloc(sizeof *old);
	of_key(&t->w, key);
	buf_clear(&t->scratch);
	enum status status =
		old ? store_get(t->all->store, STORE_DUTY, span_of(key, sizeof key), &t->scratch) : STATUS_NO_MEMORY;
	if (!status && t->scratch.size != 8)
		status = STATUS_CORRUPT;
	if (!status) {
		*out_id = load_be64(t->scratch.data);
		status = book_get(&t->all->book, *out_id, old);
	}
	if (!status)
		status = old->digest == t->w.digest && strcmp(old->identifier, t->w.identifier) == 0 ? STATUS_EXISTS
												     : STATUS_CONFLICT;
	free(old);
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status add_tag(struct fence *f, const char *text)
{
	uint16_t tag;
	enum status status = tag_number(span_of_string(text), &tag);
	if (status)
		return status;
	unsigned at = 0;
	while (at < f->tag_count && f->tags[at] < tag)
		at++;
	memmove(f->tags + at + 1, f->tags + at, (f->tag_count++ - at) * sizeof *f->tags);
	f->tags[at] = tag;
	return STATUS_OK;
}

/* What the rules of the sea look for by itself (detect/default.rules): any warning of a wind, fog, a ban. An order to
 * return has a deadline of its own, which a warning does not say. */
static enum status add_sea_tags(const struct warning *w, struct fence *f)
{
	enum status status = STATUS_OK;
	if (w->wind || w->gust)
		status = add_tag(f, "wind");
	if (!status && w->kind == WARNING_FOG)
		status = add_tag(f, "fog");
	if (!status && w->kind == WARNING_BAN)
		status = add_tag(f, "sail_ban");
	return status;
}

static enum status add_tags(const struct warning *w, struct fence *f)
{
	char text[TAG_MAX + 1];
	const char *kind = warning_kind_words[w->kind].token;
	enum status status = add_tag(f, WARNING_TAG);
	snprintf(text, sizeof text, WARNING_TAG "-%s", kind);
	if (!status)
		status = add_tag(f, text);
	snprintf(text, sizeof text, WARNING_TAG "-%s-%s", kind, warning_level_words[w->level].token);
	if (!status && w->level)
		status = add_tag(f, text);
	snprintf(text, sizeof text, "wind_%u", w->wind);
	if (!status && w->wind)
		status = add_tag(f, text);
	snprintf(text, sizeof text, "gust_%u", w->gust);
	if (!status && w->gust)
		status = add_tag(f, text);
	return status ? status : add_sea_tags(w, f);
}

static enum status add_area(struct taking *t, struct fence_area *area)
{
	if (t->areas->count == WARNING_AREAS_MAX)
		return STATUS_FULL;
	struct fence *f = &t->areas->items[t->areas->count];
	*f = (struct fence){.valid_from_ms = t->w.from_ms, .valid_to_ms = t->w.until_ms};
	snprintf(f->id, sizeof f->id, "warning-%llu-%zu", (unsigned long long)t->all->book.last + 1, t->areas->count);
	book_text_copy(f->name, sizeof f->name, t->w.headline);
	for (char *p = f->name; *p; p++)
		if ((uint8_t)*p < ' ')
			*p = ' ';
	f->area = fence_area_ref(area);
	t->areas->count++;
	return add_tags(&t->w, f);
}

/* "fence:ID" or "code:C", as they stand when the warning begins. */
static enum status add_named(struct taking *t, const struct fence_set *set, const char *named)
{
	bool by_code = !strncmp(named, "code:", 5);
	const char *text = strchr(named, ':') + 1;
	char tag_of_code[FENCE_ID_MAX + 8];
	uint16_t tag = 0;
	size_t before = t->areas->count;
	enum status status = STATUS_OK;
	snprintf(tag_of_code, sizeof tag_of_code, "area-%s", text);
	if (by_code && strlen(tag_of_code) <= TAG_MAX && tag_number(span_of_string(tag_of_code), &tag))
		tag = 0;
	const struct fence *one = by_code ? NULL : fence_set_find(set, span_of_string(text), t->w.from_ms);
	if (one)
		status = add_area(t, one->area);
	for (uint32_t slot = 0; tag && slot < fence_set_slots(set) && !status; slot++) {
		const struct fence *f = fence_set_at(set, slot);
		if (f && f->valid_from_ms <= t->w.from_ms && t->w.from_ms < f->valid_to_ms && fence_has_tag(f, tag))
			status = add_area(t, f->area);
	}
	if (status || t->areas->count > before)
		return status;
	snprintf(t->wrong, WARNING_WRONG_MAX, "no fence is known as %s", named);
	return STATUS_NOT_FOUND;
}

static enum status find_areas(struct taking *t)
{
	enum status status = STATUS_OK;
	t->areas = calloc(1, sizeof *t->areas);
	if (!t->areas)
		return STATUS_NO_MEMORY;
	if (t->w.type == WARNING_CANCEL)
		return STATUS_OK;
	struct judged_by *by = context_take(t->all->context);
	for (size_t i = 0; i < t->draft->area_count && !status; i++)
		status = add_area(t, t->draft->areas[i]);
	for (size_t i = 0; i < t->draft->named_count && !status; i++)
		status = add_named(t, by->fences, t->draft->named[i]);
	judged_by_release(by);
	return status;
}

/* --- what ends what --- */

static bool ends(const struct warning *later, const struct warning *earlier)
{
	return later->sent_ms > earlier->sent_ms && strcmp(later->sender, earlier->sender) == 0;
}

/* Whether it names that identifier, or has it itself. */
static bool names(const struct warning *w, const char *identifier)
{
	size_t size = strlen(identifier);
	if (strcmp(w->identifier, identifier) == 0)
		return true;
	for (const char *line = w->references; *line;) {
		size_t n = strcspn(line, "\n");
		if (n == size && memcmp(line, identifier, n) == 0)
			return true;
		line += n + (line[n] == '\n');
	}
	return false;
}

static enum status take_ender(void *context, struct span key, struct span value)
{
	struct ids *ids = context;
	(void)value;
	if (key.size != ENDS_KEY_SIZE || ids->count == TARGETS_MAX)
		return STATUS_CORRUPT;
	ids->items[ids->count++] = load_be64(key.data + 9);
	return STATUS_OK;
}

/* Messages that came before it and are later: the first of them ends it. */
static enum status find_end(struct taking *t)
{
	uint8_t prefix[ENDS_KEY_SIZE];
	struct ids ids = {.count = 0};
	struct warning *later = malloc(sizeof *later);
	ends_key(identifier_hash(t->w.identifier, strlen(t->w.identifier)), 0, prefix);
	enum status status =
		later ? store_scan(t->all->store, STORE_DUTY, span_of(prefix, 9), take_ender, &ids) : STATUS_NO_MEMORY;
	for (size_t i = 0; i < ids.count && !status; i++) {
		status = book_get(&t->all->book, ids.items[i], later);
		if (!status && ends(later, &t->w) && names(later, t->w.identifier) &&
		    (t->w.ended_ms == INT64_MIN || later->from_ms < t->w.ended_ms))
			t->w.ended_ms = later->from_ms;
	}
	free(later);
	return status;
}

static void mark_due(struct taking *t, uint64_t id)
{
	uint8_t key[DUE_KEY_SIZE];
	due_key(id, key);
	store_batch_put(t->batch, STORE_DUTY, span_of(key, sizeof key), span_of(NULL, 0));
	t->targets.items[t->targets.count++] = id;
}

static enum status end_target(struct taking *t, uint64_t id)
{
	char text[WARNING_ID_MAX + 32];
	struct warning *target = malloc(sizeof *target);
	enum status status = target ? book_get(&t->all->book, id, target) : STATUS_NO_MEMORY;
	if (!status && ends(&t->w, target) && names(&t->w, target->identifier) &&
	    (target->ended_ms == INT64_MIN || t->w.from_ms < target->ended_ms)) {
		target->ended_ms = t->w.from_ms;
		snprintf(text, sizeof text, "%s %s", warning_type_words[t->w.type].token, t->w.identifier);
		status = book_put(&t->all->book, t->batch, target,
				  &(struct book_said){t->now_ms, t->w.by, "ended", text});
		if (!status)
			mark_due(t, id);
	}
	free(target);
	return status;
}

static enum status take_of(void *context, struct span key, struct span value)
{
	struct ids *ids = context;
	if (key.size != OF_KEY_SIZE || value.size != 8)
		return STATUS_CORRUPT;
	if (ids->count == TARGETS_MAX)
		return STATUS_FULL;
	ids->items[ids->count++] = load_be64(value.data);
	return STATUS_OK;
}

/* What came before it of that identifier; and that what comes will be ended by it. */
static enum status end_identifier(struct taking *t, const char *text, size_t size)
{
	uint8_t prefix[OF_KEY_SIZE], key[ENDS_KEY_SIZE];
	struct ids ids = {.count = 0};
	ends_key(identifier_hash(text, size), t->w.row.id, key);
	store_batch_put(t->batch, STORE_DUTY, span_of(key, sizeof key), span_of(NULL, 0));
	prefix[0] = DUTY_WARNING_OF;
	store_be64(prefix + 1, identifier_hash(text, size));
	enum status status = store_scan(t->all->store, STORE_DUTY, span_of(prefix, 9), take_of, &ids);
	for (size_t i = 0; i < ids.count && !status; i++)
		status = t->targets.count + 1 < TARGETS_MAX ? end_target(t, ids.items[i]) : STATUS_FULL;
	return status;
}

static enum status end_earlier(struct taking *t)
{
	enum status status = end_identifier(t, t->w.identifier, strlen(t->w.identifier));
	for (const char *line = t->w.references; *line && !status;) {
		size_t n = strcspn(line, "\n");
		if (n && !(n == strlen(t->w.identifier) && !memcmp(line, t->w.identifier, n)))
			status = end_identifier(t, line, n);
		line += n + (line[n] == '\n');
	}
	return status;
}

/* --- the batch --- */

static enum status put_areas(struct taking *t)
{
	uint8_t key[AREA_KEY_SIZE];
	enum status status = STATUS_OK;
	for (size_t i = 0; i < t->areas->count && !status; i++) {
		buf_clear(&t->scratch);
		status = fence_encode(&t->areas->items[i], &t->scratch);
		area_key(t->w.row.id, (unsigned)i, key);
		if (!status)
			store_batch_put(t->batch, STORE_DUTY, span_of(key, sizeof key), buf_view(&t->scratch));
	}
	return status;
}

static enum status put_warning(struct taking *t)
{
	uint8_t key[OF_KEY_SIZE], id[8];
	enum status status = book_put(&t->all->book, t->batch, &t->w,
				      &(struct book_said){t->now_ms, t->w.by, "taken", t->w.headline});
	if (status)
		return status;
	of_key(&t->w, key);
	store_be64(id, t->w.row.id);
	store_batch_put(t->batch, STORE_DUTY, span_of(key, sizeof key), span_of(id, sizeof id));
	mark_due(t, t->w.row.id);
	status = put_areas(t);
	return status ? status : end_earlier(t);
}

static enum status take(struct taking *t, uint64_t *out_id)
{
	enum status status = look_up(t, out_id);
	if (!status)
		status = find_areas(t);
	if (!status)
		status = find_end(t);
	if (!status)
		status = store_batch_new(t->all->store, &t->batch);
	if (!status)
		status = put_warning(t);
	if (!status)
		status = store_commit(t->all->store, t->batch, true);
	crash_point("warning_taken");
	if (status)
		return status;
	*out_id = t->w.row.id;
	for (size_t i = 0; i < t->targets.count && !status; i++)
		status = settle(t->all, t->targets.items[i]);
	return status;
}

enum status warnings_take(struct warnings *w, const struct warning_draft *draft, const char *by, int64_t now_ms,
			  uint64_t *out_id, char wrong[WARNING_WRONG_MAX])
{
	struct taking *t = calloc(1, sizeof *t);
	enum status status = t ? warning_draft_check(draft, wrong) : STATUS_NO_MEMORY;
	if (status) {
		free(t);
		return status;
	}
	*t = (struct taking){.all = w, .draft = draft, .w = draft->w, .now_ms = now_ms, .wrong = wrong};
	t->scratch = buf_init(AREA_ROW_MAX);
	t->w.digest = digest_of(t, &status);
	t->w.received_ms = now_ms;
	book_text_copy(t->w.by, sizeof t->w.by, by);
	pthread_mutex_lock(&w->lock);
	if (!status)
		status = take(t, out_id);
	pthread_mutex_unlock(&w->lock);
	if (t->areas)
		areas_deinit(t->areas);
	store_batch_free(t->batch);
	buf_deinit(&t->scratch);
	free(t);
	return status;
}

/* --- the rest --- */

enum status warnings_acknowledge(struct warnings *w, uint64_t id, const char *unit, const char *who, int64_t now_ms)
{
	struct warning *of = malloc(sizeof *of);
	if (!of)
		return STATUS_NO_MEMORY;
	pthread_mutex_lock(&w->lock);
	enum status status = *unit && *who ? book_get(&w->book, id, of) : STATUS_INVALID;
	if (!status)
		status = book_step(&w->book, of, &(struct book_said){now_ms, who, "acknowledged", unit});
	pthread_mutex_unlock(&w->lock);
	free(of);
	return status;
}

enum status warnings_get(struct warnings *w, uint64_t id, struct warning *out)
{
	return book_get(&w->book, id, out);
}

enum status warnings_list(struct warnings *w, uint64_t before, book_visit *visit, void *context)
{
	struct warning *row = malloc(sizeof *row);
	enum status status = row ? book_list(&w->book, before, row, visit, context) : STATUS_NO_MEMORY;
	free(row);
	return status;
}

enum status warnings_history(struct warnings *w, uint64_t id, book_event_visit *visit, void *context)
{
	return book_history(&w->book, id, visit, context);
}
