/* http_handlers.h -- the routes that come with the server, by the file that answers them. */
#ifndef ZAYTON_QUERY_HTTP_HANDLERS_H
#define ZAYTON_QUERY_HTTP_HANDLERS_H

#include "query/http/http.h"

STATUS_CHECKED enum status handlers_system_add(struct http *h);     /* healthz, metrics, openapi, info */
STATUS_CHECKED enum status handlers_devices_add(struct http *h);    /* devices, bindings */
STATUS_CHECKED enum status handlers_collisions_add(struct http *h); /* who is on collision course now */
STATUS_CHECKED enum status handlers_positions_add(struct http *h);  /* last positions, boxes */
STATUS_CHECKED enum status handlers_tracks_add(struct http *h);     /* tracks, messages */
STATUS_CHECKED enum status handlers_records_add(struct http *h);    /* quarantine, audit */
STATUS_CHECKED enum status handlers_holds_add(struct http *h);      /* holds */
STATUS_CHECKED enum status handlers_calendar_add(struct http *h);   /* signed days, dead zones */
STATUS_CHECKED enum status handlers_rules_add(struct http *h);      /* rules, permits, judging up to now */
STATUS_CHECKED enum status handlers_backtest_add(struct http *h);   /* rules tried on what is stored */
STATUS_CHECKED enum status handlers_archive_add(struct http *h);    /* who was where */
/* counts, handling rate: before handlers_violations_add */
STATUS_CHECKED enum status handlers_violation_counts_add(struct http *h);
STATUS_CHECKED enum status handlers_violations_add(struct http *h); /* violations, reviews, handling */
STATUS_CHECKED enum status handlers_commands_add(struct http *h);   /* commands to terminals */
STATUS_CHECKED enum status handlers_ledger_add(struct http *h);     /* the ledger of handled alarms */
STATUS_CHECKED enum status handlers_evidence_add(struct http *h);   /* evidence sheets */
STATUS_CHECKED enum status handlers_series_add(struct http *h);     /* sites, streams, values */
STATUS_CHECKED enum status handlers_weighings_add(struct http *h);  /* records of scales, overloads of a year */
STATUS_CHECKED enum status handlers_live_add(struct http *h);       /* live feed; before handlers_violations_add */
STATUS_CHECKED enum status handlers_session_add(struct http *h);    /* logging in and out, accounts */

#endif
