#include "query/http/http_rights.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *token, *cells;
} groups[HTTP_RIGHTS_COUNT] = {
#define X(NAME, token, cells, what) {token, cells},
	HTTP_RIGHTS_TABLE(X)
#undef X
};
#define X(NAME, token, cells, what) _Static_assert(sizeof cells == HTTP_COLUMN_COUNT + 1, token);
HTTP_RIGHTS_TABLE(X)
#undef X

static const char *const roles[HTTP_COLUMN_COUNT] = {
	[HTTP_COLUMN_LOCAL] = "",
	[HTTP_COLUMN_TOKEN] = "",
	[HTTP_COLUMN_ENTERPRISE] = "enterprise",
	[HTTP_COLUMN_CLERK] = "clerk",
	[HTTP_COLUMN_OFFICE] = "office",
	[HTTP_COLUMN_POLICE] = "police",
	[HTTP_COLUMN_FISHERY] = "fishery",
	[HTTP_COLUMN_AUDITOR] = "auditor",
	[HTTP_COLUMN_ADMINISTRATOR] = "administrator",
};

/* Every operation that asks who asks. */
static const struct {
	const char *operation;
	enum http_rights_group group;
	bool writes;
} rows[] = {
	{"getSession", HTTP_RIGHTS_SELF, false},
	{"endSession", HTTP_RIGHTS_SELF, true},
	{"putPassword", HTTP_RIGHTS_SELF, true},
	{"listUsers", HTTP_RIGHTS_USERS, false},
	{"postUser", HTTP_RIGHTS_USERS, true},
	{"getInfo", HTTP_RIGHTS_INFO, false},
	{"getMetrics", HTTP_RIGHTS_METRICS, false},
	{"listDevices", HTTP_RIGHTS_DEVICES, false},
	{"getDevice", HTTP_RIGHTS_DEVICES, false},
	{"getDeviceHistory", HTTP_RIGHTS_DEVICES, false},
	{"putDevice", HTTP_RIGHTS_DEVICES, true},
	{"patchDevice", HTTP_RIGHTS_DEVICES, true},
	{"getPositions", HTTP_RIGHTS_POSITIONS, false},
	{"getPosition", HTTP_RIGHTS_POSITIONS, false},
	{"getTrack", HTTP_RIGHTS_TRACKS, false},
	{"getMessages", HTTP_RIGHTS_TRACKS, false},
	{"getSessions", HTTP_RIGHTS_TRACKS, false},
	{"postWhoWas", HTTP_RIGHTS_ARCHIVE, false},
	{"listViolations", HTTP_RIGHTS_VIOLATIONS, false},
	{"getViolation", HTTP_RIGHTS_VIOLATIONS, false},
	{"countViolations", HTTP_RIGHTS_VIOLATIONS, false},
	{"topViolations", HTTP_RIGHTS_VIOLATIONS, false},
	{"listenToViolations", HTTP_RIGHTS_VIOLATIONS, false},
	{"reviewViolation", HTTP_RIGHTS_VIOLATIONS, true},
	{"getHandlingRate", HTTP_RIGHTS_HANDLING, false},
	{"getLedger", HTTP_RIGHTS_HANDLING, false},
	{"handleViolation", HTTP_RIGHTS_HANDLING, true},
	{"getEvidence", HTTP_RIGHTS_EVIDENCE, false},
	{"listHolds", HTTP_RIGHTS_HOLDS, false},
	{"postHold", HTTP_RIGHTS_HOLDS, true},
	{"deleteHold", HTTP_RIGHTS_HOLDS, true},
	{"holdViolation", HTTP_RIGHTS_HOLDS, true},
	{"listCommands", HTTP_RIGHTS_COMMANDS, false},
	{"listDeviceCommands", HTTP_RIGHTS_COMMANDS, false},
	{"getCommand", HTTP_RIGHTS_COMMANDS, false},
	{"postCommand", HTTP_RIGHTS_COMMANDS, true},
	{"postCommands", HTTP_RIGHTS_COMMANDS, true},
	{"cancelCommand", HTTP_RIGHTS_COMMANDS, true},
	{"getRules", HTTP_RIGHTS_RULES, false},
	{"putRules", HTTP_RIGHTS_RULES, true},
	{"listBacktests", HTTP_RIGHTS_BACKTESTS, false},
	{"getBacktest", HTTP_RIGHTS_BACKTESTS, false},
	{"listBacktestFindings", HTTP_RIGHTS_BACKTESTS, false},
	{"postBacktest", HTTP_RIGHTS_BACKTESTS, true},
	{"dropBacktest", HTTP_RIGHTS_BACKTESTS, true},
	{"listFences", HTTP_RIGHTS_FENCES, false},
	{"postFences", HTTP_RIGHTS_FENCES, true},
	{"endFence", HTTP_RIGHTS_FENCES, true},
	{"listPermits", HTTP_RIGHTS_PERMITS, false},
	{"putPermit", HTTP_RIGHTS_PERMITS, true},
	{"settleJudging", HTTP_RIGHTS_JUDGING, false},
	{"listDigests", HTTP_RIGHTS_RECORDS, false},
	{"listDeadZones", HTTP_RIGHTS_RECORDS, false},
	{"listRefused", HTTP_RIGHTS_REFUSED, false},
	{"listAudit", HTTP_RIGHTS_AUDIT, false},
	{"listHazards", HTTP_RIGHTS_HAZARDS, false},
	{"countHazards", HTTP_RIGHTS_HAZARDS, false},
	{"getHazard", HTTP_RIGHTS_HAZARDS, false},
	{"getHazardHistory", HTTP_RIGHTS_HAZARDS, false},
	{"getHazardLiability", HTTP_RIGHTS_HAZARDS, false},
	{"getHazardAttachment", HTTP_RIGHTS_HAZARDS, false},
	{"findHazard", HTTP_RIGHTS_HAZARDS, true},
	{"takeHazardStep", HTTP_RIGHTS_HAZARDS, true},
	{"attachToHazard", HTTP_RIGHTS_HAZARDS, true},
	{"getHazardBook", HTTP_RIGHTS_BOOKS, false},
	{"scoreHazards", HTTP_RIGHTS_BOOKS, false},
	{"listStreams", HTTP_RIGHTS_SERIES, false},
	{"getSeries", HTTP_RIGHTS_SERIES, false},
	{"getLastValues", HTTP_RIGHTS_SERIES, false},
	{"getAvailability", HTTP_RIGHTS_SERIES, false},
	{"getSiteBoard", HTTP_RIGHTS_SERIES, false},
	{"getStreamHistory", HTTP_RIGHTS_SERIES, false},
	{"putStream", HTTP_RIGHTS_SERIES, true},
	{"writeLines", HTTP_RIGHTS_INTAKE, true},
	{"writeLinesV2", HTTP_RIGHTS_INTAKE, true},
	{"queryInflux", HTTP_RIGHTS_INTAKE, true},
	{"listLinks", HTTP_RIGHTS_LINKS, false},
	{"getLink", HTTP_RIGHTS_LINKS, false},
	{"getConnectivity", HTTP_RIGHTS_LINKS, false},
	{"listAsks", HTTP_RIGHTS_LINKS, false},
	{"postAsk", HTTP_RIGHTS_LINKS, true},
	{"postAnswer", HTTP_RIGHTS_LINKS, true},
	{"listStations", HTTP_RIGHTS_LINKS, false},
	{"getOutbox", HTTP_RIGHTS_OUTBOX, false},
	{"listParked", HTTP_RIGHTS_OUTBOX, false},
	{"sendAgain", HTTP_RIGHTS_OUTBOX, true},
	{"listGateways", HTTP_RIGHTS_LINKS, false},
	{"getConsole", HTTP_RIGHTS_INFO, false},
	{"listenToPositions", HTTP_RIGHTS_POSITIONS, false},
	{"listAlarms", HTTP_RIGHTS_DUTY, false},
	{"getAlarm", HTTP_RIGHTS_DUTY, false},
	{"alarmTimes", HTTP_RIGHTS_DUTY, false},
	{"acknowledgeAlarm", HTTP_RIGHTS_DUTY, true},
	{"listShiftLog", HTTP_RIGHTS_DUTY, false},
	{"postShiftLog", HTTP_RIGHTS_DUTY, true},
	{"postHandover", HTTP_RIGHTS_DUTY, true},
	{"rollCall", HTTP_RIGHTS_ROLL_CALL, false},
	{"getCollisions", HTTP_RIGHTS_DUTY, false},
	{"postHeadcount", HTTP_RIGHTS_ROLL_CALL, true},
	{"listBoatMessages", HTTP_RIGHTS_DUTY, false},
	{"getBoatMessage", HTTP_RIGHTS_DUTY, false},
	{"postBoatMessage", HTTP_RIGHTS_DUTY, true},
	{"cancelBoatMessage", HTTP_RIGHTS_DUTY, true},
	{"listWarnings", HTTP_RIGHTS_WARNINGS, false},
	{"getWarning", HTTP_RIGHTS_WARNINGS, false},
	{"postWarning", HTTP_RIGHTS_WARNINGS, true},
	{"acknowledgeWarning", HTTP_RIGHTS_WARNINGS, true},
	{"listIncidents", HTTP_RIGHTS_INCIDENTS, false},
	{"getIncident", HTTP_RIGHTS_INCIDENTS, false},
	{"postIncident", HTTP_RIGHTS_INCIDENTS, true},
	{"followIncident", HTTP_RIGHTS_INCIDENTS, true},
	{"listTasks", HTTP_RIGHTS_TASKS, false},
	{"getTask", HTTP_RIGHTS_TASKS, false},
	{"getTaskHistory", HTTP_RIGHTS_TASKS, false},
	{"listTaskSubjects", HTTP_RIGHTS_TASKS, false},
	{"addTask", HTTP_RIGHTS_TASKS, true},
	{"setTaskSubject", HTTP_RIGHTS_TASKS, true},
	{"doTask", HTTP_RIGHTS_TASKS, true},
	{"waiveTask", HTTP_RIGHTS_TASKS, true},
	{"reopenTask", HTTP_RIGHTS_TASKS, true},
	{"noteTask", HTTP_RIGHTS_TASKS, true},
	{"amendTask", HTTP_RIGHTS_TASKS, true},
	{"scoreViolations", HTTP_RIGHTS_BLACKLIST, false},
	{"listBlacklist", HTTP_RIGHTS_BLACKLIST, false},
	{"decideBlacklist", HTTP_RIGHTS_BLACKLIST, true},
	{"getSiteStatus", HTTP_RIGHTS_SERIES, false},
	{"getSiteCoverage", HTTP_RIGHTS_SERIES, false},
	{"getFigures", HTTP_RIGHTS_TABLES, false},
	{"enterFigures", HTTP_RIGHTS_TABLES, true},
	{"getFireLanesTable", HTTP_RIGHTS_TABLES, false},
	{"getFireSitesTable", HTTP_RIGHTS_TABLES, false},
	{"getFleetRates", HTTP_RIGHTS_TABLES, false},
	{"listWeighings", HTTP_RIGHTS_WEIGHINGS, false},
	{"listOverloads", HTTP_RIGHTS_WEIGHINGS, false},
	{"postWeighings", HTTP_RIGHTS_WEIGHINGS, true},
};

const char *http_rights_token(unsigned group)
{
	return groups[group].token;
}

const char *http_rights_word(unsigned group, enum http_column column)
{
	switch (groups[group].cells[column]) {
	case 'o':
		return "read-own";
	case 'r':
		return "read";
	case 'O':
		return "write-own";
	case 'w':
		return "write";
	default:
		return "none";
	}
}

const char *http_column_role(enum http_column column)
{
	return roles[column];
}

enum http_column http_column_of(const struct principal *p)
{
	if (principal_is_local(p))
		return HTTP_COLUMN_LOCAL;
	unsigned column = HTTP_COLUMN_TOKEN;
	while (column < HTTP_COLUMN_COUNT && strcmp(roles[column], p->role) != 0)
		column++;
	return (enum http_column)column;
}

enum http_rights_group http_rights_of(const char *operation, bool *writes)
{
	*writes = true;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (strcmp(rows[i].operation, operation) != 0)
			continue;
		*writes = rows[i].writes;
		return rows[i].group;
	}
	return HTTP_RIGHTS_REST;
}

static char cell_of(const struct principal *p, enum http_rights_group group)
{
	enum http_column column = http_column_of(p);
	return column == HTTP_COLUMN_COUNT ? '-' : groups[group].cells[column];
}

/* To what its own scope shows; one that is narrow already stays. */
static bool narrow(struct principal *p)
{
	static const char own[] = "company:";
	size_t size = strnlen(p->unit, sizeof p->unit);
	if (strcmp(p->scope, "all") != 0)
		return true;
	if (!size || size + sizeof own > sizeof p->scope)
		return false;
	memcpy(p->scope, own, sizeof own - 1);
	memcpy(p->scope + sizeof own - 1, p->unit, size + 1);
	return true;
}

bool http_rights_admit(const char *operation, struct principal *p)
{
	bool writes;
	char cell = cell_of(p, http_rights_of(operation, &writes));
	if (cell == '-' || (writes && cell != 'w' && cell != 'O'))
		return false;
	return (cell != 'o' && cell != 'O') || narrow(p);
}

bool http_rights_reads(const struct principal *p, enum http_rights_group group)
{
	return cell_of(p, group) != '-';
}

bool http_rights_is_export(enum http_rights_group group)
{
	static const uint64_t groups_with = UINT64_C(1) << HTTP_RIGHTS_DEVICES | UINT64_C(1) << HTTP_RIGHTS_POSITIONS |
					    UINT64_C(1) << HTTP_RIGHTS_TRACKS | UINT64_C(1) << HTTP_RIGHTS_VIOLATIONS |
					    UINT64_C(1) << HTTP_RIGHTS_HANDLING | UINT64_C(1) << HTTP_RIGHTS_EVIDENCE |
					    UINT64_C(1) << HTTP_RIGHTS_HAZARDS | UINT64_C(1) << HTTP_RIGHTS_BOOKS |
					    UINT64_C(1) << HTTP_RIGHTS_SERIES | UINT64_C(1) << HTTP_RIGHTS_AUDIT |
					    UINT64_C(1) << HTTP_RIGHTS_WEIGHINGS |
					    UINT64_C(1) << HTTP_RIGHTS_ROLL_CALL | UINT64_C(1) << HTTP_RIGHTS_TABLES |
					    UINT64_C(1) << HTTP_RIGHTS_BLACKLIST | UINT64_C(1) << HTTP_RIGHTS_TASKS;
	return groups_with >> group & 1;
}

bool http_rights_is_history(enum http_rights_group group)
{
	return group == HTTP_RIGHTS_TRACKS || group == HTTP_RIGHTS_EVIDENCE;
}

bool http_is_person(const struct principal *p)
{
	enum http_column column = http_column_of(p);
	return column != HTTP_COLUMN_LOCAL && column != HTTP_COLUMN_TOKEN;
}
