/* limits.h -- every bound of the program in one place, each with its unit and reason.
 *
 * These are the hard bounds compiled in; the settings table (settings.h) offers those that an
 * operator may lower or raise within them. */
#ifndef ZAYTON_CORE_LIMITS_H
#define ZAYTON_CORE_LIMITS_H

/* reports of one device in one sealed block: decoding cost and header share balance here */
#define BLOCK_REPORTS_MAX 1024
/* event-time span of a block, ms: a reader looks back this far for blocks that began earlier */
#define BLOCK_SPAN_MAX_MS (INT64_C(3) * 86400000)
/* encoded bytes of a block: BLOCK_REPORTS_MAX bodies kept raw, and headers */
#define BLOCK_BYTES_MAX (2u << 20)
/* bytes of a report's original body: a JT/T 808 body is at most 1023, reassembled ones longer */
#define REPORT_BODY_MAX 65535
/* reports of a bulk load gathered before they are applied: enough to have their heads' memory on its way, few enough
 * to lie in the nearest cache */
#define BULK_BATCH 64
/* connections of one device that are kept: one every four minutes for half a year */
#define CONNECTIONS_DEVICE_MAX 65536
/* reports held in a device's head before the oldest BLOCK_REPORTS_MAX are sealed: the difference is
 * the window in which late reports are ordered for free */
#define HEAD_REPORTS_MAX 1280
/* bytes of a reassembled JT/T 808 message: the largest multimedia seen in the field is below 512 KiB */
#define MESSAGE_BYTES_MAX (1u << 20)
/* a JT/T 808 wire frame, fully escaped: 2 flags + 2 * (21 + 1023 + 1) */
#define JT808_FRAME_MAX 2092
/* an RSA-free JT/T 808 body of one packet: ten length bits */
#define JT808_BODY_MAX 1023
/* shards of one process */
#define SHARDS_MAX 64
/* ranges of one month that outlive it, or of one device, 24 bytes each: two million findings a month */
#define KEPT_BYTES_MAX (64u << 20)
/* entries of one shard between the journal and its sync, bytes: some 60,000 reports */
#define PENDING_BYTES_MAX (16u << 20)
/* what other shards may put before a shard that does not keep up, bytes */
#define INBOX_BYTES_MAX (16u << 20)
/* sealed reports waiting for a shard's writer, bytes: past it the shard takes nothing more in */
#define WRITER_BACKLOG_MAX (128u << 20)
/* findings and facts waiting for the judge's thread, bytes: past it the shards take nothing more in */
#define JUDGE_BACKLOG_MAX (128u << 20)
/* heads copied for a checkpoint in one turn of the loop, bytes: some milliseconds of copying */
#define CHECKPOINT_SLICE_BYTES (2u << 20)
/* bytes of one journal entry, framing included */
#define JOURNAL_ENTRY_MAX (1u << 20)
/* a segment of the journal: its beginning costs two syncs */
#define JOURNAL_SEGMENT_BYTES (16u << 20)
/* bytes of one journal batch before compression */
#define JOURNAL_BATCH_MAX (8u << 20)
/* time families open at once over all kinds and classes: RocksDB keeps a memtable for each */
#define FAMILIES_MAX 2048
/* reports further ahead of their receipt than this, ms, are flagged and never move a watermark */
#define FUTURE_SKEW_MAX_MS (INT64_C(10) * 60000)
/* a file of rules, bytes: twenty times what is shipped; and rules in it: each is asked for every report */
#define RULES_BYTES_MAX (1u << 20)
#define RULES_MAX 1024
/* mistakes of one file of rules that are told: nobody mends more in one go */
#define RULES_MISTAKES_MAX 1000
/* points of one fence, all rings together: a province's coast at 10 m is some 100,000 */
#define FENCE_POINTS_MAX (1u << 17)
/* visits of others within the time of a convoy that one device may meet at all gates together; 16 bytes each */
#define CONVOY_MEETINGS_MAX (1u << 20)
/* pairs of a cell and a device that a map of dead zones is learned from, 16 bytes each: gaps are rare, and other
 * devices are counted only where there are gaps */
#define DEAD_ZONE_PAIRS_MAX (1u << 22)
/* an HTTP request line and headers, and a request body, bytes */
#define HTTP_HEADER_MAX 16384
#define HTTP_BODY_MAX (8u << 20)
/* fences at once: slots are looked up through pages of 256 */
#define FENCE_SLOTS_MAX (1u << 20)
/* bytes of the cells of one snapshot: 20,000 fences of some 200 points take a ninth of it */
#define FENCE_INDEX_BYTES_MAX (UINT64_C(1) << 30)
/* threads of one question to the archive, 60 KiB each */
#define ARCHIVE_THREADS_MAX 64
/* crossings of one device that an answer lists: an entry and an exit every 42 s of a whole day; 24 bytes each */
#define ARCHIVE_CROSSINGS_MAX 4096
/* commands to terminals that are not ended: of one device (a reminder an hour for a day and what people add), of all */
#define COMMANDS_DEVICE_MAX 32
#define COMMANDS_OPEN_MAX 200000
/* bytes of all their contents in memory: 200,000 reminders take a third of it */
#define COMMANDS_BYTES_MAX (64u << 20)
/* what sessions said of commands and is not written yet; past it no command is sent */
#define COMMANDS_SAID_MAX 20000
/* findings that wait for their reminder to be due */
#define REMINDERS_PENDING_MAX 100000
/* values of one stream in one sealed block, and the event-time span of one, ms: a reader looks back this far */
#define VALUE_BLOCK_MAX 4096
#define VALUE_SPAN_MAX_MS (INT64_C(7) * 86400000)
/* values in a stream's head before the oldest VALUE_SEAL are sealed, which are joined to whole blocks later */
#define VALUE_SEAL 1024
#define HEAD_VALUES_MAX 1280
/* states of streams that the judge keeps in memory, encoded: a stream of five rules has 1 KiB */
#define JUDGE_STREAMS_BYTES_MAX ((size_t)256 << 20)
/* bytes of an encoded value block: VALUE_BLOCK_MAX times three columns of at most 14 bytes a value, and texts */
#define VALUE_BLOCK_BYTES_MAX (2u << 20)
/* bytes of one journal entry of values: some 20,000 of them */
#define VALUES_ENTRY_MAX (256u << 10)
/* texts of states, all streams together, bytes */
#define VALUE_TEXTS_BYTES_MAX (64u << 20)
/* bytes of one body of line protocol, unpacked: 100,000 lines and more */
#define LINES_BODY_MAX (64u << 20)
/* bytes of one line */
#define LINE_BYTES_MAX 65536
/* lines refused of which a write's answer tells */
#define LINES_REFUSED_TOLD 20
/* values of one bucket that an exact percentile is taken of; 8 bytes each */
#define PERCENTILE_VALUES_MAX (4u << 20)
/* rows of one stream in one answer: steps or pixels */
#define SERIES_STEPS_MAX 1000000
/* streams of one question */
#define SERIES_STREAMS_MAX 10000
/* alarms of the duty room that nobody has acknowledged, 16 bytes each: a month of a hundred an hour */
#define ALARMS_OPEN_MAX 100000
/* messages to boats that are not ended, some 900 bytes each: every boat of a county several times */
#define BOAT_MESSAGES_OPEN_MAX 20000
/* datagrams of line protocol waiting to be taken in, bytes: past it the kernel drops and counts */
#define UDP_BACKLOG_MAX (16u << 20)
/* vessels whose courses are held against each other at once: those of a whole coast; 64 bytes each and a cell */
#define COLLISION_SLOTS_MAX (1u << 17)
/* vessels that one is at risk with at the same time: more, and nobody looks at any of them */
#define COLLISION_PARTNERS_MAX 64
/* facts of pairs in one window of ten minutes: a thousand pairs at risk all the time; 96 bytes each */
#define SEA_WINDOW_FACTS_MAX 20000
/* fixes of all vessels that are judged at once, 40 bytes each: 5,000 vessels at 10 s for two hours */
#define SEA_SLAB_FIXES_MAX 4000000
/* windows that wait to be judged: twenty years of them */
#define SEA_WINDOWS_DIRTY_MAX (1u << 20)
/* backtests that are kept at once, and rows that are kept of one, some 400 bytes each: nobody reads more of them */
#define BACKTESTS_MAX 6
#define BACKTEST_ROWS_MAX 50000
/* span of one backtest, ms: a year; what began within is kept in memory while it is judged */
#define BACKTEST_SPAN_MAX_MS (INT64_C(366) * 86400000)

#endif
