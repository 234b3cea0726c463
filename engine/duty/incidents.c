#include "engine/duty/incidents.h"

#include <pthread.h>
#include <stdlib.h>

#include "engine/duty/duty_keys.h"

const struct record_word incident_state_words[] = {{"reported", "已报告"},   {"verified", "已核实"},
						   {"responding", "处置中"}, {"closed", "已办结"},
						   {"void", "误报"},         {NULL, NULL}};
const struct record_word incident_kind_words[] = {
	{"collision", "碰撞"}, {"sinking", "自沉"}, {"wind", "风灾"}, {"fire", "火灾"}, {NULL, NULL}};

static const struct record_field fields[] = {
	BOOK_FIELDS(incident),
	RECORD_TYPED(3, incident, kind, TOKEN, RECORD_NEEDED, incident_kind_words),
	RECORD_TYPED(4, incident, state, TOKEN, 0, incident_state_words),
	RECORD(5, incident, occurred_ms, TIME, RECORD_NEEDED),
	RECORD(6, incident, first_report_ms, TIME, RECORD_GIVEN),
	RECORD(7, incident, received_ms, TIME, 0),
	RECORD(8, incident, device, HEX, 0),
	RECORD(9, incident, boat_name, TEXT, RECORD_GIVEN),
	RECORD(10, incident, lat_e7, DEGREES, RECORD_GIVEN),
	RECORD(11, incident, lon_e7, DEGREES, RECORD_GIVEN),
	RECORD(12, incident, place, TEXT, RECORD_GIVEN),
	RECORD(13, incident, aboard, SIGNED, RECORD_GIVEN),
	RECORD(14, incident, missing, SIGNED, RECORD_GIVEN),
	RECORD(15, incident, dead, SIGNED, RECORD_GIVEN),
	RECORD(16, incident, injured, SIGNED, RECORD_GIVEN),
	RECORD(17, incident, reporter, TEXT, RECORD_GIVEN),
	RECORD(18, incident, phone, TEXT, RECORD_GIVEN),
	RECORD(19, incident, text, TEXT, RECORD_NEEDED),
	RECORD(20, incident, by, TEXT, 0),
	RECORD(21, incident, changed_ms, TIME, 0),
};
const struct record_kind incident_kind = RECORD_KIND(incident, fields);

struct incidents {
	pthread_mutex_t lock; /* one step at a time */
	struct book book;
};

enum status incidents_open(struct store *s, struct incidents **out)
{
	struct incidents *i = calloc(1, sizeof *i);
	if (!i)
		return STATUS_NO_MEMORY;
	pthread_mutex_init(&i->lock, NULL);
	enum status status = book_open(s, DUTY_INCIDENTS, &incident_kind, &i->book);
	if (status)
		incidents_close(i);
	else
		*out = i;
	return status;
}

void incidents_close(struct incidents *i)
{
	if (i)
		pthread_mutex_destroy(&i->lock);
	free(i);
}

static bool are_people(const struct incident *i)
{
	return i->aboard >= 0 && i->missing >= 0 && i->dead >= 0 && i->injured >= 0;
}

enum status incidents_report(struct incidents *i, struct incident *in, int64_t now_ms)
{
	in->received_ms = in->changed_ms = now_ms;
	in->state = INCIDENT_REPORTED;
	if (in->first_report_ms == INT64_MIN)
		in->first_report_ms = now_ms;
	if (!*in->text || !*in->by || in->occurred_ms == INT64_MIN || in->occurred_ms > in->first_report_ms ||
	    in->first_report_ms > now_ms || !are_people(in))
		return STATUS_INVALID;
	pthread_mutex_lock(&i->lock);
	enum status status = book_step(&i->book, in, &(struct book_said){now_ms, in->by, "reported", in->text});
	pthread_mutex_unlock(&i->lock);
	return status;
}

/* Onwards only; what is closed or void stays so. */
static bool may_step(uint8_t from, uint8_t to)
{
	if (from >= INCIDENT_CLOSED)
		return false;
	return to > from || to == INCIDENT_VOID;
}

enum status incidents_follow(struct incidents *i, uint64_t id, const struct incident_follow *f, int64_t now_ms)
{
	struct incident *row = malloc(sizeof *row);
	bool stays = f->state == INCIDENT_STATE_SAME;
	enum status status = !row ? STATUS_NO_MEMORY : !*f->who || !*f->text ? STATUS_INVALID : STATUS_OK;
	pthread_mutex_lock(&i->lock);
	if (!status)
		status = book_get(&i->book, id, row);
	if (!status && !stays && !may_step(row->state, f->state))
		status = STATUS_CONFLICT;
	if (!status) {
		row->state = stays ? row->state : f->state;
		row->missing = f->missing < 0 ? row->missing : f->missing;
		row->dead = f->dead < 0 ? row->dead : f->dead;
		row->injured = f->injured < 0 ? row->injured : f->injured;
		row->changed_ms = now_ms;
		const char *what = stays ? "followed" : incident_state_words[row->state].token;
		status = book_step(&i->book, row, &(struct book_said){now_ms, f->who, what, f->text});
	}
	pthread_mutex_unlock(&i->lock);
	free(row);
	return status;
}

enum status incidents_get(struct incidents *i, uint64_t id, struct incident *out)
{
	return book_get(&i->book, id, out);
}

enum status incidents_list(struct incidents *i, uint64_t before, book_visit *visit, void *context)
{
	struct incident *row = malloc(sizeof *row);
	enum status status = row ? book_list(&i->book, before, row, visit, context) : STATUS_NO_MEMORY;
	free(row);
	return status;
}

enum status incidents_history(struct incidents *i, uint64_t id, book_event_visit *visit, void *context)
{
	return book_history(&i->book, id, visit, context);
}

static enum status count_one(void *context, const void *row)
{
	*(uint32_t *)context += ((const struct incident *)row)->state < INCIDENT_CLOSED;
	return STATUS_OK;
}

enum status incidents_count_open(struct incidents *i, uint32_t *out)
{
	*out = 0;
	return incidents_list(i, 0, count_one, out);
}
