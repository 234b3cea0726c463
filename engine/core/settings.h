/* settings.h -- what an operator may choose, in one table; documentation, parser and struct come from it.
 *
 *   default  <  file (name = value)  <  environment (ZAYTON_NAME)  <  flag (--name value, --name=value)
 *
 * The later source wins. Names are written with underscores; flags and files may use hyphens for them
 * (--data-dir). A file has one `name = value` a line; `#` at the start of a line or behind a space begins a
 * comment, a value between double quotes is taken as it stands. Every mistake of every source is told at once,
 * each on its line; a setting that is refused keeps its value.
 *
 * Kinds: BOOL yes|no|true|false|on|off|1|0. UINT digits. SIZE bytes, or with K M G T (powers of 1024; "KiB", "KB"
 * mean the same). DURATION a number with us ms s m h d; without one the unit of its row. STRING UTF-8 without
 * control characters; min and max count bytes. ENUM one of the words of its row. ADDRESS HOST:PORT with an IP
 * address, [IPv6]:PORT, or off; port 0 lets the system choose.
 *
 * Nothing listens beyond loopback unless an ADDRESS is set that says so. Not thread-safe; read-only once loaded. */
#ifndef ZAYTON_CORE_SETTINGS_H
#define ZAYTON_CORE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

#define SETTINGS_TEXT_MAX 255
/* a settings file, bytes: the whole table with its comments takes about 8 KiB */
#define SETTINGS_FILE_MAX (256u << 10)
/* mistakes told at once, bytes of text */
#define SETTINGS_MISTAKES_MAX (64u << 10)

#define SETTINGS_KIB UINT64_C(1024)
#define SETTINGS_MIB (1024 * SETTINGS_KIB)
#define SETTINGS_GIB (1024 * SETTINGS_MIB)

/* X(KIND, field, "name", "default", min, max, "unit or words", "English", "Chinese").
 * Numbers are in the unit named. Retention rows carry the tokens of device_class.h; 6 months is the legal minimum. */
#define SETTINGS_TABLE(X)                                                                                              \
	X(STRING, data_dir, "data_dir", "var/zayton", 1, SETTINGS_TEXT_MAX, "",                                        \
	  "folder of the store and the journals", "数据目录")                                                          \
	X(ADDRESS, jt808_tcp, "jt808_tcp", "127.0.0.1:6808", 0, 0, "",                                                 \
	  "where terminals (JT/T 808) connect over TCP; 0.0.0.0:6808 opens it to the network",                         \
	  "JT/T 808 TCP 监听地址;0.0.0.0:6808 表示对外开放")                                                           \
	X(ADDRESS, jt808_udp, "jt808_udp", "off", 0, 0, "", "where terminals (JT/T 808) send over UDP",                \
	  "JT/T 808 UDP 监听地址")                                                                                     \
	X(ADDRESS, http, "http", "127.0.0.1:8080", 0, 0, "",                                                           \
	  "where questions are asked over HTTP; 0.0.0.0:8080 opens it to the network",                                 \
	  "HTTP 监听地址;0.0.0.0:8080 表示对外开放")                                                                   \
	X(UINT, shards, "shards", "0", 0, 64, "",                                                                      \
	  "event loops, each with its devices and journal; 0: one a processor",                                        \
	  "分片(事件循环)数,0 表示每个处理器一个")                                                                     \
	X(ENUM, durability, "durability", "sync", 0, 0, "sync|interval|os",                                            \
	  "when a report is acknowledged: synced to disk, or looser: written and synced every durability_interval, "   \
	  "or "                                                                                                        \
	  "written only; interval=50ms sets both",                                                                     \
	  "应答时机:sync 落盘后,interval 写入后定时落盘,os 由系统落盘")                                                \
	X(DURATION, durability_interval_ms, "durability_interval", "100ms", 1, 60000, "ms",                            \
	  "between two syncs under durability interval", "interval 模式的落盘间隔")                                    \
	X(DURATION, gather_us, "gather", "1ms", 0, 100000, "us",                                                       \
	  "shortest time between two syncs: what arrives meanwhile shares one", "组提交的最短间隔")                    \
	X(ENUM, terminals, "terminals", "allow", 0, 0, "allow|open|keep",                                              \
	  "unknown terminals: refused, registered, or kept as unregistered until someone decides",                     \
	  "未知终端:allow 仅登记终端,open 自动登记,keep 存为未备案终端")                                               \
	X(BOOL, auth_required, "auth_required", "yes", 0, 0, "", "a terminal must authenticate before it reports",     \
	  "终端须先鉴权才能上报")                                                                                      \
	X(BOOL, private_framing, "private_framing", "no", 0, 0, "",                                                    \
	  "understand frames set off by E7 instead of 7E too, and answer them so: no standard, known of one open "     \
	  "implementation (traccar)",                                                                                  \
	  "兼容以 E7 分隔的私有封装并同样应答(非标准)")                                                                \
	X(ENUM, terminal_time, "terminal_time", "utc", 0, 0, "utc|local",                                              \
	  "the time told to terminals in 0x8004: UTC, or UTC+8 for those that expect it",                              \
	  "应答 0x8004 的时间:utc 或 local(北京时间)")                                                                 \
	X(DURATION, heartbeat_timeout_s, "heartbeat_timeout", "5m", 10, 86400, "s",                                    \
	  "a connection silent for this long is closed", "连接静默超时")                                               \
	X(DURATION, command_wait_ms, "command_wait", "10s", 10, 600000, "ms",                                          \
	  "for a terminal's answer to a command sent once; twice that for the second time, six times for the third",   \
	  "命令下发后等待终端应答的时间")                                                                              \
	X(BOOL, reminders_handle, "reminders_handle", "no", 0, 0, "",                                                  \
	  "a reminder that a rule made and the terminal answered counts as handling of its finding",                   \
	  "规则自动提醒且终端已应答的, 计入已处置")                                                                    \
	X(UINT, connections_max, "connections_max", "60000", 1, 1000000, "", "terminal connections of all shards",     \
	  "终端连接总数上限")                                                                                          \
	X(SIZE, connection_bytes_max, "connection_bytes_max", "256K", 8 * SETTINGS_KIB, 16 * SETTINGS_MIB, "bytes",    \
	  "held for one connection, replies and fragments included", "每个连接的内存上限")                             \
	X(SIZE, head_bytes_max, "head_bytes_max", "512M", 16 * SETTINGS_MIB, 1024 * SETTINGS_GIB, "bytes",             \
	  "reports in memory; past it the oldest heads are sealed early", "内存中报文的总上限")                        \
	X(SIZE, journal_bytes_max, "journal_bytes_max", "1G", 16 * SETTINGS_MIB, 1024 * SETTINGS_GIB, "bytes",         \
	  "journal of one shard; a checkpoint is taken before it is reached", "每个分片日志的上限")                    \
	X(DURATION, checkpoint_s, "checkpoint", "2m", 1, 3600, "s", "heads are checkpointed at least this often",      \
	  "检查点的最长间隔")                                                                                          \
	X(SIZE, cache_bytes, "cache_bytes", "256M", 8 * SETTINGS_MIB, 1024 * SETTINGS_GIB, "bytes",                    \
	  "stored blocks kept in memory for reading", "读缓存")                                                        \
	X(UINT, pool_threads, "pool_threads", "4", 1, 64, "", "threads that read for questions", "查询线程数")         \
	X(UINT, http_connections_max, "http_connections_max", "1024", 1, 65536, "", "HTTP connections at once",        \
	  "HTTP 连接数上限")                                                                                           \
	X(UINT, retention_other, "retention_other", "12", 6, 1200, "months", "tracks of other devices are kept",       \
	  "其他轨迹保存月数")                                                                                          \
	X(UINT, retention_muck, "retention_muck", "12", 6, 1200, "months", "tracks of muck trucks are kept",           \
	  "渣土车轨迹保存月数")                                                                                        \
	X(UINT, retention_hazmat, "retention_hazmat", "36", 6, 1200, "months",                                         \
	  "tracks of dangerous-goods vehicles are kept", "危险货物运输车轨迹保存月数")                                 \
	X(UINT, retention_coach, "retention_coach", "12", 6, 1200, "months", "tracks of coaches are kept",             \
	  "客运车辆轨迹保存月数")                                                                                      \
	X(UINT, retention_school, "retention_school", "12", 6, 1200, "months", "tracks of school buses are kept",      \
	  "校车轨迹保存月数")                                                                                          \
	X(UINT, retention_truck, "retention_truck", "12", 6, 1200, "months", "tracks of heavy trucks are kept",        \
	  "重型货车轨迹保存月数")                                                                                      \
	X(UINT, retention_bus, "retention_bus", "12", 6, 1200, "months", "tracks of buses are kept",                   \
	  "公交车轨迹保存月数")                                                                                        \
	X(UINT, retention_taxi, "retention_taxi", "12", 6, 1200, "months", "tracks of taxis are kept",                 \
	  "出租汽车轨迹保存月数")                                                                                      \
	X(UINT, retention_tractor, "retention_tractor", "12", 6, 1200, "months", "tracks of tractors are kept",        \
	  "拖拉机轨迹保存月数")                                                                                        \
	X(UINT, retention_trailer, "retention_trailer", "12", 6, 1200, "months", "tracks of trailers are kept",        \
	  "挂车轨迹保存月数")                                                                                          \
	X(UINT, retention_fishing, "retention_fishing", "36", 6, 1200, "months", "tracks of fishing boats are kept",   \
	  "渔船轨迹保存月数")                                                                                          \
	X(UINT, retention_vessel, "retention_vessel", "12", 6, 1200, "months", "tracks of merchant ships are kept",    \
	  "商船轨迹保存月数")                                                                                          \
	X(UINT, retention_gear, "retention_gear", "6", 6, 1200, "months", "tracks of gear buoys are kept",             \
	  "渔具浮标轨迹保存月数")                                                                                      \
	X(UINT, retention_person, "retention_person", "6", 6, 1200, "months", "tracks of persons are kept",            \
	  "人员轨迹保存月数")                                                                                          \
	X(UINT, retention_sensor, "retention_sensor", "36", 6, 1200, "months", "values of sensor sites are kept",      \
	  "监测站点数据保存月数")                                                                                      \
	X(ADDRESS, lines_udp, "lines_udp", "off", 0, 0, "",                                                            \
	  "where agents send line protocol over UDP; over HTTP it is /write and /api/v2/write", "行协议 UDP 监听地址") \
	X(ENUM, streams, "streams", "allow", 0, 0, "allow|open",                                                       \
	  "values of unknown streams: refused, or their sites and streams are made",                                   \
	  "未知监测项:allow 拒收,open 自动建档")                                                                       \
	X(STRING, lines_site_tags, "lines_site_tags", "site,station,device,host", 1, SETTINGS_TEXT_MAX, "",            \
	  "tags of line protocol that name the site: the first of them that a line has",                               \
	  "行协议中表示站点的标签,按顺序取第一个")                                                                     \
	X(STRING, lines_map, "lines_map", "", 0, SETTINGS_TEXT_MAX, "",                                                \
	  "file of mappings: measurement and tags of a line to site and quantity", "行协议映射文件")                   \
	X(UINT, retention_fishing_small, "retention_fishing_small", "36", 6, 1200, "months",                           \
	  "tracks of fishing boats below 12 m are kept", "小型渔船轨迹保存月数")                                       \
	X(UINT, retention_fishing_medium, "retention_fishing_medium", "36", 6, 1200, "months",                         \
	  "tracks of fishing boats of 12 to 24 m are kept", "中型渔船轨迹保存月数")                                    \
	X(UINT, retention_fishing_large, "retention_fishing_large", "36", 6, 1200, "months",                           \
	  "tracks of fishing boats of 24 m and more are kept", "大型渔船轨迹保存月数")                                 \
	X(UINT, retention_township, "retention_township", "36", 6, 1200, "months",                                     \
	  "tracks of township boats are kept", "乡镇船舶轨迹保存月数")                                                 \
	X(UINT, retention_aid, "retention_aid", "6", 6, 1200, "months", "tracks of aids to navigation are kept",       \
	  "航标轨迹保存月数")                                                                                          \
	X(UINT, retention_base, "retention_base", "6", 6, 1200, "months", "tracks of base stations are kept",          \
	  "岸台轨迹保存月数")                                                                                          \
	X(UINT, retention_sar_aircraft, "retention_sar_aircraft", "12", 6, 1200, "months",                             \
	  "tracks of search and rescue aircraft are kept", "搜救航空器轨迹保存月数")                                   \
	X(UINT, retention_distress, "retention_distress", "12", 6, 1200, "months",                                     \
	  "tracks of distress transmitters are kept", "遇险示位标轨迹保存月数")                                        \
	X(STRING, stations_file, "stations_file", "", 0, SETTINGS_TEXT_MAX, "",                                        \
	  "receivers of AIS, NMEA 0183 and Beidou: one a line (ingest/stations/README.md)",                            \
	  "船舶接收站清单(AIS/NMEA/北斗)")                                                                             \
	X(STRING, sites_file, "sites_file", "", 0, SETTINGS_TEXT_MAX, "",                                              \
	  "listeners for fire, water and rain sensors, brokers of MQTT: ingest/sites/sites_file.h",                    \
	  "消防、水质、水雨情接入与 MQTT 配置文件")                                                                    \
	X(STRING, tls_cert, "tls_cert", "", 0, SETTINGS_TEXT_MAX, "", "certificate chain (PEM) for HTTPS",             \
	  "HTTPS 证书文件")                                                                                            \
	X(STRING, tls_key, "tls_key", "", 0, SETTINGS_TEXT_MAX, "", "private key (PEM) of tls_cert", "HTTPS 私钥文件") \
	X(STRING, hazard_policy_file, "hazard_policy_file", "", 0, SETTINGS_TEXT_MAX, "",                              \
	  "which findings become hazards (JSON); empty: the shipped sample", "违法线索转隐患的规则文件")               \
	X(STRING, alarm_policy_file, "alarm_policy_file", "", 0, SETTINGS_TEXT_MAX, "",                                \
	  "which findings ring in the duty room (JSON); empty: the shipped sample", "值班报警规则文件")                \
	X(STRING, boat_gateway, "boat_gateway", "", 0, SETTINGS_TEXT_MAX, "",                                          \
	  "the Beidou station that messages to boats go through: tcp:HOST:PORT or tty:/dev/NAME; empty: none",         \
	  "北斗短报文网关")                                                                                            \
	X(UINT, boat_gateway_interval, "boat_gateway_interval", "60", 1, 3600, "s",                                    \
	  "service frequency of that station's own card", "北斗指挥机服务频度")                                        \
	X(STRING, calendar_file, "calendar_file", "", 0, SETTINGS_TEXT_MAX, "",                                        \
	  "what the programme wants by when (JSON); empty: the shipped calendar", "任务日历规则文件")                  \
	X(STRING, tokens_file, "tokens_file", "", 0, SETTINGS_TEXT_MAX, "",                                            \
	  "who may ask over HTTP: one token, name and scope a line", "HTTP 访问令牌文件")                              \
	X(BOOL, purpose_required, "purpose_required", "yes", 0, 0, "",                                                 \
	  "people say a purpose, or a case, when they ask for a history of positions", "查询轨迹须说明用途或案件编号") \
	X(UINT, retention_audit, "retention_audit", "36", 36, 1200, "months", "the record of who looked is kept",      \
	  "审计记录保存月数")                                                                                          \
	X(STRING, outbox_file, "outbox_file", "", 0, SETTINGS_TEXT_MAX, "",                                            \
	  "where news of the hazard register go: webhooks, MQTT, mail (query/outbox/outbox_config.h)",                 \
	  "隐患消息推送配置文件(webhook、MQTT、邮件)")                                                                 \
	X(UINT, outbox_give_up, "outbox_give_up", "168", 1, 8760, "h",                                                 \
	  "news that a receiver answers but does not take for so long are parked, to be sent again by hand",           \
	  "消息推送失败多久后转入待人工重发")                                                                          \
	X(STRING, links_file, "links_file", "", 0, SETTINGS_TEXT_MAX, "",                                              \
	  "the platforms we are linked with (JT/T 809), see ingest/platform/links_file.h",                             \
	  "平台级联(JT/T 809)配置文件")                                                                                \
	X(BOOL, demo, "demo", "no", 0, 0, "", "the console says that these are demonstration data",                    \
	  "网页标明演示数据")                                                                                          \
	X(STRING, map_tiles, "map_tiles", "", 0, SETTINGS_TEXT_MAX, "",                                                \
	  "base map of the console: URL with {z} {x} {y}, {s} for 0 to 7; empty: land and water alone",                \
	  "网页底图瓦片地址,空则只显示陆地和水域")                                                                     \
	X(BOOL, map_tiles_gcj02, "map_tiles_gcj02", "no", 0, 0, "",                                                    \
	  "map_tiles is in GCJ-02: points are drawn shifted", "底图为 GCJ-02 坐标,仅显示时偏移")                       \
	X(STRING, map_approval, "map_approval", "", 0, SETTINGS_TEXT_MAX, "", "approval number of map_tiles",          \
	  "底图审图号")                                                                                                \
	X(ENUM, log_level, "log_level", "info", 0, 0, "debug|info|warn|error|off",                                     \
	  "what is written to standard error", "日志级别")

/* the words of the ENUM rows, in their order */
enum settings_durability { SETTINGS_DURABILITY_SYNC, SETTINGS_DURABILITY_INTERVAL, SETTINGS_DURABILITY_OS };
enum settings_terminals { SETTINGS_TERMINALS_ALLOW, SETTINGS_TERMINALS_OPEN, SETTINGS_TERMINALS_KEEP };
enum settings_streams { SETTINGS_STREAMS_ALLOW, SETTINGS_STREAMS_OPEN };
enum settings_terminal_time { SETTINGS_TERMINAL_TIME_UTC, SETTINGS_TERMINAL_TIME_LOCAL };

enum setting {
#define X(kind, field, ...) SETTING_##field,
	SETTINGS_TABLE(X)
#undef X
		SETTING_COUNT
};

enum setting_source { SETTING_FROM_DEFAULT, SETTING_FROM_FILE, SETTING_FROM_ENVIRONMENT, SETTING_FROM_FLAG };

struct setting_origin {
	enum setting_source source;
	uint32_t line; /* FILE: counted from 1 */
};

#define SETTING_TYPE_BOOL(field) bool field
#define SETTING_TYPE_UINT(field) uint64_t field
#define SETTING_TYPE_SIZE(field) uint64_t field
#define SETTING_TYPE_DURATION(field) uint64_t field
#define SETTING_TYPE_ENUM(field) uint32_t field
#define SETTING_TYPE_STRING(field) char field[SETTINGS_TEXT_MAX + 1]
#define SETTING_TYPE_ADDRESS(field) char field[SETTINGS_TEXT_MAX + 1]

struct settings {
#define X(kind, field, ...) SETTING_TYPE_##kind(field);
	SETTINGS_TABLE(X)
#undef X
	struct setting_origin origin[SETTING_COUNT];
	char file[4096]; /* the file that was read; empty: none */
	bool chinese;    /* what is said of mistakes: settings_load() asks the environment, else English */
};

/* Every row at its default. */
void settings_init(struct settings *s);

/* One value by name. STATUS_NOT_FOUND; STATUS_MALFORMED, STATUS_OUT_OF_RANGE, STATUS_TOO_LONG: unchanged. */
STATUS_CHECKED enum status settings_set(struct settings *s, struct span name, struct span value,
					struct setting_origin origin);

/* The sources one by one. Each takes all it can, appends every mistake as a line to `mistakes` and returns
 * STATUS_INVALID when there was any. `name` stands before the line number in messages. */
STATUS_CHECKED enum status settings_from_text(struct settings *s, const char *name, struct span text,
					      struct buf *mistakes);
STATUS_CHECKED enum status settings_from_file(struct settings *s, const char *path, struct buf *mistakes);
/* ZAYTON_<NAME> for every row; other variables are nobody's business here (container platforms invent some). */
STATUS_CHECKED enum status settings_from_environment(struct settings *s, char *const *environment,
						     struct buf *mistakes);
/* Flags alone, without the program and command names. A BOOL flag without a value means yes. */
STATUS_CHECKED enum status settings_from_flags(struct settings *s, int count, char *const *flags, struct buf *mistakes);

/* All sources in their order; the file is the one that --settings FILE or ZAYTON_SETTINGS names, if any. Checks
 * at the end what concerns more than one row. STATUS_INVALID: see `mistakes`. */
STATUS_CHECKED enum status settings_load(struct settings *s, int count, char *const *flags, char *const *environment,
					 struct buf *mistakes);

/* The table as text for people: every row with kind, default, range and both descriptions. */
STATUS_CHECKED enum status settings_help(struct buf *out);
/* What is in force, as a settings file, each line with its origin as a comment. */
STATUS_CHECKED enum status settings_dump(const struct settings *s, struct buf *out);

/* Months that tracks of a class, given by its token, are kept; 0 when no row names it. */
unsigned settings_retention_months(const struct settings *s, const char *class_token);

/* An ADDRESS taken apart: `host` without brackets. STATUS_EMPTY for "off"; STATUS_MALFORMED. */
#define SETTINGS_HOST_MAX 64
STATUS_CHECKED enum status settings_address(const char *text, char host[SETTINGS_HOST_MAX], uint16_t *out_port);
/* 127.0.0.0/8 or ::1. */
bool settings_host_is_loopback(const char *host);

#endif
