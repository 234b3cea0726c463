/* alarms.c -- what terminals say themselves: alarm_bits of the alarm word, alarm_item of the driving assistants. */
#include "engine/detect/detect_step.h"

/* an alarm's flag, T/JSATL 12: 0 does not apply, 1 begins, 2 ends */
#define ALARM_ENDS 2

enum verdict alarm_bits_judge(struct step *st, const struct plan_rule *p, const struct place *at,
			      const struct episode *e, struct reading *out)
{
	(void)at;
	(void)e;
	uint32_t bits = st->r->alarm & (uint32_t)p->rule->params[PARAM_ALARM_BITS_BITS];
	if (!bits)
		return FAILS;
	out->code = __builtin_ctz(bits);
	return HOLDS;
}

/* Alarms are events: a report without one says nothing, and repeats belong together while they come within `gap`. */
enum verdict alarm_item_judge(struct step *st, const struct plan_rule *p, const struct place *at,
			      const struct episode *e, struct reading *out)
{
	(void)at;
	const struct step_items *items = st->r->items_size ? step_items(st) : NULL;
	bool any = false;
	for (unsigned i = 0; items && i < items->alarm_count; i++) {
		uint8_t item = items->alarms[i].item, type = items->alarms[i].type, level = items->alarms[i].level;
		if ((items->alarms[i].flag == ALARM_ENDS && !e) || level < p->rule->params[PARAM_ALARM_ITEM_LEVEL] ||
		    !rule_types_hold(p->rule, item, type))
			continue;
		if (!any)
			out->code = item << 8 | type;
		if (level > out->level)
			out->level = level;
		any = true;
	}
	return any ? HOLDS : UNTOLD;
}
