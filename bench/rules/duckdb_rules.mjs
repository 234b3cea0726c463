// duckdb_rules.mjs -- the peer of replay: episodes of overspeed and of fatigue as SQL over the same rows.
//   node duckdb_rules.mjs PEERS_FOLDER CSV
// Rows are loaded, each once, into a table in memory, ordered by device and time; then the CPU time (user and system, all
// threads) of each question, best of three, as {"version","rows","overspeed","overspeed_cpu_s",...}. A drive is what
// detect.h calls one: moving (5 km/h) until a stand of a minute, which at one report in 10 s is 80 s between two moving
// reports; fatigue is the sum of the drives between rests of 20 minutes.
import { createRequire } from 'node:module';
const [peers, csv] = process.argv.slice(2);
const { DuckDBInstance } = createRequire(peers + '/package.json')('@duckdb/node-api');
const db = await DuckDBInstance.create(':memory:');
const c = await db.connect();
await c.run(`CREATE TABLE p AS SELECT DISTINCT ON (device, time) device, time, CAST(round(speed * 10) AS INTEGER) AS dkmh
	FROM read_csv('${csv}', header = true, types = {'device': 'VARCHAR', 'time': 'BIGINT', 'speed': 'DOUBLE'})
	ORDER BY device, time`);
const overspeed = `
	WITH s AS (SELECT device, time, dkmh > 800 AS over, lag(dkmh > 800) OVER w AS before, time - lag(time) OVER w AS gap
			FROM p WINDOW w AS (PARTITION BY device ORDER BY time)),
	g AS (SELECT device, time, over,
			sum(CASE WHEN before IS NULL OR before <> over OR gap > 300 THEN 1 ELSE 0 END)
				OVER (PARTITION BY device ORDER BY time) AS part FROM s),
	e AS (SELECT max(time) - min(time) AS held FROM g WHERE over GROUP BY device, part)
	SELECT count(*)::INTEGER FROM e WHERE held >= 60`;
const fatigue = (limit_s) => `
	WITH m AS (SELECT device, time, time - lag(time) OVER (PARTITION BY device ORDER BY time) AS gap FROM p WHERE dkmh >= 50),
	d AS (SELECT device, time, sum(CASE WHEN gap IS NULL OR gap >= 80 THEN 1 ELSE 0 END)
			OVER (PARTITION BY device ORDER BY time) AS drive FROM m),
	l AS (SELECT device, drive, min(time) AS from_s, max(time) AS to_s FROM d GROUP BY device, drive),
	r AS (SELECT *, CASE WHEN from_s - lag(to_s) OVER (PARTITION BY device ORDER BY from_s) < 1200 THEN 0 ELSE 1 END AS rested
			FROM l),
	k AS (SELECT *, sum(rested) OVER (PARTITION BY device ORDER BY from_s) AS spell FROM r)
	SELECT count(*)::INTEGER FROM (SELECT sum(to_s - from_s) AS driven FROM k GROUP BY device, spell) WHERE driven > ${limit_s}`;
const out = {};
const [[rows, version]] = (await c.runAndReadAll('SELECT count(*)::INTEGER, version() FROM p')).getRows();
out.version = version;
out.rows = rows;
for (const [name, sql] of [['overspeed', overspeed], ['fatigue', fatigue(14400)], ['fatigue_90_min', fatigue(5400)]]) {
	let best = Infinity;
	for (let i = 0; i < 3; i++) {
		const begin = process.cpuUsage();
		out[name] = (await c.runAndReadAll(sql)).getRows()[0][0];
		const used = process.cpuUsage(begin);
		best = Math.min(best, (used.user + used.system) / 1e6);
	}
	out[name + '_cpu_s'] = best;
}
console.log(JSON.stringify(out));
