// duckdb_queries.mjs -- the peer of queries: the same questions of the same rows, each once and in order, which is how
// DuckDB likes them best: positions as integers of 1e-7 degrees, sorted by device and time.
//   node duckdb_queries.mjs PEERS_FOLDER CSV DATABASE POLYGON REPETITIONS
// q3 is ray crossing in SQL behind the polygon's box: the spatial extension is not part of the package.
// Prints {"version","threads","q1_ms","q1_check",...}: CPU time of all threads, warm, median; checks as bench_queries.c sums them up.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
const [peers, csv, file, polygon, repetitions] = process.argv.slice(2);
const { DuckDBInstance } = createRequire(peers + '/package.json')('@duckdb/node-api');
const db = await DuckDBInstance.create(file);
const c = await db.connect();
await c.run(`CREATE TABLE p AS SELECT DISTINCT device, time, round(lat * 1e7)::INTEGER AS lat,
	round(lon * 1e7)::INTEGER AS lon, round(speed * 10)::INTEGER AS speed FROM read_csv('${csv}') ORDER BY device, time`);
await c.run('CHECKPOINT');
const ring = JSON.parse(readFileSync(polygon, 'utf8'));
const edges = ring.map((a, i) => [a, ring[(i + 1) % ring.length]].sort((x, y) => x[0] - y[0]).flat());
await c.run(`CREATE TABLE e AS SELECT * FROM (VALUES ${edges.map((e) => `(${e.join('::BIGINT,')}::BIGINT)`).join()})
	v(lat_a, lon_a, lat_b, lon_b)`);
const lats = ring.map((v) => v[0]), lons = ring.map((v) => v[1]);
const box = `lat BETWEEN ${Math.min(...lats)} AND ${Math.max(...lats)} AND lon BETWEEN ${Math.min(...lons)} AND ${Math.max(...lons)}`;
const tracks = [...Array(100).keys()].map((i) => `SELECT count(*), sum(time), sum(lat), sum(lon) FROM
	(FROM p WHERE device = '860000${String(i).padStart(6, '0')}' ORDER BY time)`);
const questions = {
	q1: [`SELECT count(*), sum(t), sum(lat), sum(lon) FROM (SELECT max(time) AS t, arg_max(lat, time) AS lat,
		arg_max(lon, time) AS lon FROM p GROUP BY device)`],
	q2: tracks,
	q3: [`SELECT count(*), sum(n), sum(n * n), sum(l - f) FROM (SELECT device, count(*) AS n, min(time) AS f, max(time) AS l
		FROM (SELECT r.device, r.time FROM (SELECT device, time, lat::BIGINT AS lat, lon::BIGINT AS lon FROM p WHERE ${box}) r
		JOIN e ON r.lat >= e.lat_a AND r.lat < e.lat_b WHERE (lon_b - lon_a) * (r.lat - lat_a) < (r.lon - lon_a) * (lat_b - lat_a)
		GROUP BY r.device, r.time HAVING count(*) % 2 = 1) GROUP BY device)`],
	q7: [`SELECT count(*), sum(n), sum(s), sum(s * 1000 // n) FROM (SELECT count(speed) AS n, sum(speed) AS s
		FROM p GROUP BY device, time // 3600)`],
};
const ask = async (texts) => {
	const sums = [0n, 0n, 0n, 0n];
	for (const text of texts)
		(await c.runAndReadAll(text)).getRows()[0].forEach((v, i) => (sums[i] += BigInt(v)));
	return sums.join('/');
};
const [[version, threads]] = (await c.runAndReadAll("SELECT version(), current_setting('threads')::INTEGER")).getRows();
const out = { version, threads };
for (const [name, texts] of Object.entries(questions)) {
	const ms = [];
	out[name + '_check'] = await ask(texts);
	for (let i = 0; i < repetitions; i++) {
		const start = process.cpuUsage();
		await ask(texts);
		const used = process.cpuUsage(start);
		ms.push((used.user + used.system) / 1e3 / texts.length);
	}
	ms.sort((a, b) => a - b);
	out[name + '_ms'] = +ms[ms.length >> 1].toFixed(4);
}
console.log(JSON.stringify(out));
