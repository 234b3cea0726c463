/* authority.h -- who must act on a finding: the authorities that rules name, and what they are called.
 *
 *   authority = muck_office, 城管          as a rule says it: tokens, Chinese names or both, commas between
 *             = 渣土办, 城管                as it is held, printed and shown
 *
 * Who gets what follows the division of work of the township's plan: speed, fatigue and forbidden hours go to the
 * traffic police; route, cover and dumping of muck trucks to the muck office and the urban management; boats to the
 * district's marine authority, the risk of collision to the maritime authority, sand to water and coast guard. A name
 * that is in no table is kept as it was written: an installation may have authorities of its own. Pure. */
#ifndef ZAYTON_DETECT_AUTHORITY_H
#define ZAYTON_DETECT_AUTHORITY_H

#include <stdbool.h>

#include "engine/core/bytes.h"

/* X(NAME, "token", "Chinese", "English") */
#define AUTHORITY_TABLE(X)                                                                                             \
	X(TRAFFIC_POLICE, "traffic_police", "交警", "traffic police")                                                  \
	X(TRANSPORT, "transport", "交通运输", "transport authority")                                                   \
	X(MUCK_OFFICE, "muck_office", "渣土办", "muck office")                                                         \
	X(URBAN_MANAGEMENT, "urban_management", "城管", "urban management")                                            \
	X(INDUSTRY, "industry", "行业主管部门", "authority of the industry")                                           \
	X(MARINE, "marine", "区环境与国土资源局(海洋)", "district marine authority")                                   \
	X(MARITIME, "maritime", "海事", "maritime authority")                                                          \
	X(COAST_GUARD, "coast_guard", "海警", "coast guard")                                                           \
	X(WATER, "water", "水利", "water authority")                                                                   \
	X(FORESTRY, "forestry", "林业", "forestry")                                                                    \
	X(FIRE_RESCUE, "fire_rescue", "消防救援", "fire and rescue")                                                   \
	X(TOWNSHIP_SAFETY, "township_safety", "乡安办", "township safety office")

enum authority {
#define X(NAME, token, chinese, english) AUTHORITY_##NAME,
	AUTHORITY_TABLE(X)
#undef X
		AUTHORITY_COUNT /* none of them */
};

/* Static storage; "" for AUTHORITY_COUNT and beyond. */
const char *authority_token(unsigned authority);
const char *authority_chinese(unsigned authority);
/* By token or Chinese name; AUTHORITY_COUNT for another text. */
enum authority authority_find(struct span name);

/* The next name of a list with commas between, without spaces around it; false at its end. Empty names are passed over.
 */
bool authority_next(struct span *list, struct span *out);
/* Whether the list names the authority: `name` is a token or a name, and so is what the list holds. */
bool authority_listed(struct span list, struct span name);
/* The list with tokens replaced by Chinese names and ", " between. STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status authority_list(struct span list, struct buf *out);

#endif
