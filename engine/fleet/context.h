/* context.h -- everything that reports are judged by, with the event time from which it holds.
 *
 *   what                                      family    key                 value
 *   rules: rulebooks, each from an instant    rule      from 8              said 8 | principal | text
 *   fences: versions                          fence     id | 0x00 | from 8  fence_encode()
 *   permits: of one device each               context   0x01 | number       permits.h
 *   dead zones: maps, each from a day         context   0x04 | day_ms 8     dead_zone_map_encode()
 *   registry: class, plate, driver, dates     (registry.h)
 *
 * What is judged by is always a snapshot: immutable, counted by references, taken once and used for a whole run of
 * reports. A change makes the next snapshot and is durable before it is seen; it says from which event time on devices
 * may be judged differently (`changed`), and the judge (judge.h) goes back there.
 *
 * Threads: any but an event loop for what changes or reads the disk; context_take() anywhere. */
#ifndef ZAYTON_FLEET_CONTEXT_H
#define ZAYTON_FLEET_CONTEXT_H

#include "engine/detect/dead_zone.h"
#include "engine/detect/detect.h"
#include "engine/fleet/changes.h"
#include "engine/fleet/registry.h"
#include "engine/store/store.h"

/* Permits of one installation. */
#define PERMITS_MAX 1000000

struct context;

/* One snapshot. */
struct judged_by {
	struct detect_context context;
	struct detector *detector;
	const struct fence_set *fences;
	struct dead_zones *zones; /* NULL: none were ever learned */
	uint64_t number;          /* 1, 2, ... of this process */
	bool pairs;               /* a rule is judged from pairs of vessels */
	_Atomic uint32_t references;
};

/* Loads what the store has; without any rulebook the shipped one holds always. `*out` borrows store and registry. */
STATUS_CHECKED enum status context_open(struct store *s, struct registry *r, struct context **out);
void context_close(struct context *c);
/* Of every change, the registry's too. One only. */
void context_on_change(struct context *c, context_changed *changed, void *context);

struct judged_by *context_take(struct context *c);
void judged_by_release(struct judged_by *j);
/* The same registry, permits and fences under another rulebook, as if it had always held: for trying a rule out. */
STATUS_CHECKED enum status context_with_rules(struct context *c, struct rulebook *book, struct judged_by **out);

/* --- rules --- */

/* Hold `text` from `from_ms` on (event time). Mistakes as rulebook_parse() tells them: STATUS_MALFORMED. */
STATUS_CHECKED enum status context_put_rules(struct context *c, struct span text, int64_t from_ms,
					     const char *principal, rule_mistakes *tell, void *tell_context);
/* Every rulebook that was put, oldest first. */
typedef enum status context_rules_visit(void *context, int64_t from_ms, int64_t said_ms, struct span principal,
					struct span text);
STATUS_CHECKED enum status context_rules(struct context *c, context_rules_visit *visit, void *context);

/* --- fences --- */

/* As fence_set_change(); all or none. */
STATUS_CHECKED enum status context_put_fences(struct context *c, const struct fence *fences, size_t count);

/* --- dead zones --- */

/* Hold the map from its day on, in place of one of the same day. It is referenced. */
STATUS_CHECKED enum status context_put_dead_zones(struct context *c, struct dead_zone_map *map);

/* --- permits --- */

/* Put or replace the permit of that number. STATUS_INVALID: number or kind is none. */
STATUS_CHECKED enum status context_put_permit(struct context *c, uint64_t device, const struct permit *p);
/* By number, from `after` (exclusive, "" for the first). */
typedef enum status context_permit_visit(void *context, uint64_t device, const struct permit *p);
STATUS_CHECKED enum status context_permits(struct context *c, const char *after, context_permit_visit *visit,
					   void *context);

#endif
