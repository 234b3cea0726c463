/* http_rights.h -- who may ask what: the matrix of roles and groups of routes, and which route is of which group.
 *
 *   '-' nothing   'o' reads what is his own   'r' reads   'O' reads and writes what is his own   'w' reads and writes
 *
 * A row says what may be asked for at all. Within that the scope of whoever asks (a company's, a village's) still
 * holds, and so do the law of the register (hazard_law.h) and what changes need (call_may_write). "His own" is what the
 * scope "company:UNIT" shows, whatever scope he was given beyond that.
 *
 * Columns: the machine itself (loopback without credentials), a token without role (a machine of the operator's), and
 * the roles of the register. Why: roles and their limits follow annex 15 of the township's plan and the work-safety
 * commission's order no. 16 of 2007 (hazard_law.h); histories of positions are sensitive personal information (PIPL
 * art. 28) and are for those who enforce; who keeps accounts does not read the record of who looked. */
#ifndef ZAYTON_QUERY_HTTP_RIGHTS_H
#define ZAYTON_QUERY_HTTP_RIGHTS_H

#include "engine/fleet/audit.h"
#include "query/http/http_router.h"

/* X(NAME, "token", "columns", "what") */
/*                         local, token, enterprise, clerk, office, police, fishery, auditor, administrator */
#define HTTP_RIGHTS_TABLE(X)                                                                                           \
	X(SELF, "self", "wwwwwwwww", "one's own session and password")                                                 \
	X(INFO, "info", "rrrrrrrrr", "what server this is")                                                            \
	X(METRICS, "metrics", "rr--r--rr", "counters of the machine")                                                  \
	X(DEVICES, "devices", "wworwrwrw", "the registry")                                                             \
	X(PERSONAL, "personal", "rro-rrr-r", "identity numbers and phones as they are, not masked")                    \
	X(POSITIONS, "positions", "rrorrrrrr", "where everything is now")                                              \
	X(TRACKS, "tracks", "rro-rrrr-", "where one device was: tracks, messages, sessions")                           \
	X(ARCHIVE, "archive", "rr---rr--", "who was in an area: for a case")                                           \
	X(VIOLATIONS, "violations", "wworwwwrr", "findings and their reviews")                                         \
	X(HANDLING, "handling", "wwOrwwwrr", "what was done about alarms, and its ledger")                             \
	X(EVIDENCE, "evidence", "rr--rrrr-", "evidence sheets")                                                        \
	X(HOLDS, "holds", "ww--wwwr-", "what is kept for cases")                                                       \
	X(COMMANDS, "commands", "wwo-wwwrr", "what terminals are told")                                                \
	X(RULES, "rules", "wwrrwrrrw", "rules")                                                                        \
	X(BACKTESTS, "backtests", "ww--wwwrw", "rules tried on what is stored")                                        \
	X(FENCES, "fences", "wwrrwwwrw", "fences")                                                                     \
	X(PERMITS, "permits", "wworwwrrw", "permits")                                                                  \
	X(JUDGING, "judging", "wr-------", "waiting until everything is judged")                                       \
	X(RECORDS, "records", "rrrrrrrrr", "signed days, learned maps")                                                \
	X(REFUSED, "refused", "rr--r--rr", "what was refused and why")                                                 \
	X(AUDIT, "audit", "rr-----r-", "who looked at what")                                                           \
	X(HAZARDS, "hazards", "wwOwwwwrr", "the hazard register")                                                      \
	X(BOOKS, "books", "rrorrrrrr", "spreadsheets and score cards of the register")                                 \
	X(SERIES, "series", "wworwrrrw", "sites, streams, values")                                                     \
	X(WEIGHINGS, "weighings", "ww-rwwrrw", "weigh records and overloads")                                          \
	X(DUTY, "duty", "ww--wrwrw", "the duty room: alarms, shift log, messages to boats")                            \
	X(ROLL_CALL, "roll-call", "ww-wwrwrw", "who is in harbour and at sea, and how many people")                    \
	X(WARNINGS, "warnings", "wwwwwwwrw", "warnings, and who has taken note")                                       \
	X(INCIDENTS, "incidents", "wwwwwwwrw", "incidents as they are reported")                                       \
	X(TASKS, "tasks", "wwOwwwwrr", "the calendar of the programme")                                                \
	X(BLACKLIST, "blacklist", "ww--wwrrr", "scores by name, candidates of the blacklist and decisions")            \
	X(TABLES, "tables", "wwowwrrrr", "figures, the tables sent in, rates")                                         \
	X(INTAKE, "intake", "ww------w", "values written by agents")                                                   \
	X(LINKS, "links", "ww--wrrrw", "links with other platforms, receiving stations")                               \
	X(OUTBOX, "outbox", "ww--r--rw", "what leaves for other systems")                                              \
	X(USERS, "users", "w------rw", "accounts")                                                                     \
	X(REST, "rest", "ww-------", "routes that no row names")

enum http_rights_group {
#define X(NAME, token, cells, what) HTTP_RIGHTS_##NAME,
	HTTP_RIGHTS_TABLE(X)
#undef X
		HTTP_RIGHTS_COUNT
};

enum http_column {
	HTTP_COLUMN_LOCAL,
	HTTP_COLUMN_TOKEN,
	HTTP_COLUMN_ENTERPRISE,
	HTTP_COLUMN_CLERK,
	HTTP_COLUMN_OFFICE,
	HTTP_COLUMN_POLICE,
	HTTP_COLUMN_FISHERY,
	HTTP_COLUMN_AUDITOR,
	HTTP_COLUMN_ADMINISTRATOR,
	HTTP_COLUMN_COUNT
};

const char *http_rights_token(unsigned group);
/* "none", "read-own", "read", "write-own" or "write"; static. */
const char *http_rights_word(unsigned group, enum http_column column);
/* Of a role that is none: HTTP_COLUMN_COUNT. */
enum http_column http_column_of(const struct principal *p);
/* "" for LOCAL and TOKEN */
const char *http_column_role(enum http_column column);

/* The group of an operation, HTTP_RIGHTS_REST when no row names it; `*writes` says what asking it takes. */
enum http_rights_group http_rights_of(const char *operation, bool *writes);

/* May `p` ask this route? Narrows its scope to its own where the matrix says so. False: he may not. */
bool http_rights_admit(const char *operation, struct principal *p);
/* May `p` read what `group` stands for? */
bool http_rights_reads(const struct principal *p, enum http_rights_group group);
/* Is what these routes answer personal, or a file that people carry away? They take a purpose. */
bool http_rights_is_export(enum http_rights_group group);
/* bytes of a purpose */
#define HTTP_PURPOSE_MAX 120
/* Are these histories of positions, of which a person must say what for? */
bool http_rights_is_history(enum http_rights_group group);
/* Is it a person, and not a machine? His exports are marked, and his reads of histories have a purpose. */
bool http_is_person(const struct principal *p);

#endif
