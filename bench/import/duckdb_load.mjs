// duckdb_load.mjs -- the peer of import-csv: DuckDB loads the same CSV into a table of a file, unsorted.
//   node duckdb_load.mjs PEERS_FOLDER CSV DATABASE
// Prints {"version","rows","cpu_s"}: user and system CPU of opening, loading and checkpointing, without node's start.
import { createRequire } from 'node:module';
const [peers, csv, file] = process.argv.slice(2);
const { DuckDBInstance } = createRequire(peers + '/package.json')('@duckdb/node-api');
const begin = process.cpuUsage();
const db = await DuckDBInstance.create(file);
const c = await db.connect();
await c.run(`CREATE TABLE p (device VARCHAR, time BIGINT, lat DOUBLE, lon DOUBLE, speed FLOAT, course SMALLINT,
	altitude SMALLINT, alarm UINTEGER, status UINTEGER, mileage FLOAT)`);
await c.run(`COPY p FROM '${csv}' (HEADER)`);
await c.run('CHECKPOINT');
const used = process.cpuUsage(begin);
const [[rows, version]] = (await c.runAndReadAll('SELECT count(*)::INTEGER, version() FROM p')).getRows();
console.log(JSON.stringify({ version, rows, cpu_s: (used.user + used.system) / 1e6 }));
