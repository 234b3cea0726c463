/* export_commands.h -- commands to terminals, and the ledger of handled alarms (报警处置台账), as JSON and CSV.
 *
 * A command: id, device (hex), kind, kind_zh, state, state_zh, result, who, by_rule, why, note, violation, created,
 * not_before, expires, sent, ended, tries, content, answer. Times RFC 3339; what is not known is null.
 *
 * A row of the ledger, one an act: violation, rule, title_zh, device, plate, company, raised, handled, act ("reminder",
 * "handling", or "none" for a finding that nobody did anything about), who, by_rule, at, words, answer (state of the
 * command), result, ended. Pure. */
#ifndef ZAYTON_QUERY_EXPORT_COMMANDS_H
#define ZAYTON_QUERY_EXPORT_COMMANDS_H

#include "engine/fleet/commands.h"
#include "query/export/export_format.h"
#include "query/export/export_violations.h"
#include "query/export/json_out.h"

/* The members of a command inside an open object. */
void export_command_members(struct json_out *j, const struct command *c);
void export_command_event(struct json_out *j, const struct command_event *e);

struct ledger_act {
	const struct export_violation *about;
	const struct command *reminder;    /* a reminder; NULL */
	const struct case_event *handling; /* or a handling; NULL: nobody did anything */
};
#define LEDGER_HEADER                                                                                                  \
	"violation,rule,title,device,plate,company,raised,handled,act,who,by_rule,at,words,answer,result,ended\n"
/* One object, or one line of CSV. */
STATUS_CHECKED enum status export_ledger_act(const struct ledger_act *a, enum export_format format, struct buf *out);

#endif
