// SPDX-License-Identifier: Apache-2.0
// soak.mjs - mixed writes, reads and telemetry for SOAK_MINUTES (default 10): what the server and its tables take at the start and at the end.  Fails
// when memory or file descriptors still grow in the last third of the time, when changes pile up before the feed, or when something is lost.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { b64, Broker, cli, equal, finish, freePort, installed, note, ok, pg, postgres, program, run, sleep, start, stop, until, workspace } from './lib.mjs';
import { Load, SHARED } from './crash_load.mjs';
import { counter, Telemetry, twin } from './crash_telemetry.mjs';

if (!postgres() || !installed('mosquitto') || !installed('mosquitto_pub')) {
	console.log('1..0 # SKIP PostgreSQL or mosquitto is not installed');
	process.exit(0);
}
const minutes = Number(process.env.SOAK_MINUTES || 10);
const seed = Number(process.env.TWINSHELL_SEED || 1);
const dir = workspace();
const MIB = 1 << 20;

const database = pg('start', join(dir, 'pg'), 'durable');
const sql = query => run('psql', [database, '-XAtqc', query]).trim();
sql('ALTER SYSTEM SET autovacuum = on');
sql('ALTER SYSTEM SET autovacuum_naptime = 10');
sql('SELECT pg_reload_conf()');
const broker = await Broker.create(dir);
const port = await freePort();
const api = `http://127.0.0.1:${port}/api/v3.0`;
const server = start(program, ['serve', '--database', database, '--data', join(dir, 'data'), '--broker', broker.uri, '--listen', `127.0.0.1:${port}`], { log: join(dir, 'server.log') });

// -- what is measured ------------------------------------------------------------------------------------------------------------------
const status = name => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]);
const process_ = () => ({ rss: status('VmRSS') * 1024, threads: status('Threads'), files: readdirSync(`/proc/${server.pid}/fd`).length });
const size = pattern => `(SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class WHERE relnamespace = 'twinshell'::regnamespace AND relkind = 'r' AND relname ~ '${pattern}')`;
const tables = () => {
	const [all, outbox, waiting, history, feed, samples, element] = sql(`SELECT pg_database_size(current_database()), ${size('^outbox$')},
		(SELECT count(*) FROM twinshell.outbox), ${size('^history_')}, ${size('^feed_')}, ${size('^(sample|chunk|rollup)')}, ${size('^element$')}`).split('|').map(Number);
	return { database: all, outbox, waiting, history, feed, samples, element };
};
const show = (name, n) => ['threads', 'files', 'waiting', 'written', 'sampled'].includes(name) ? String(n) : `${(n / MIB).toFixed(1)} MiB`;
const median = list => [...list].sort((a, b) => a - b)[list.length >> 1];

/** The middle and the last third of the time: what is still growing. */
function steady(points, name, slack, factor) {
	const third = Math.floor(points.length / 3), middle = median(points.slice(third, 2 * third).map(p => p[name])), last = median(points.slice(2 * third).map(p => p[name]));
	ok(last <= middle * factor + slack, `${name} does not grow without bound: ${show(name, middle)} in the middle third, ${show(name, last)} in the last`);
}

async function readers(load) {
	while (load.going) {
		const page = await load.call('GET', '/submodels?limit=20');
		for (const s of page.json?.result ?? [])
			await load.call('GET', `/submodels/${b64(s.id)}/$value`);
		await load.call('GET', `/submodels/${b64(SHARED)}?at=${new Date(Date.now() - 30000).toISOString()}`);
		await sleep(20);
	}
}

async function soak() {
	const load = new Load(seed, () => api, 4, 8);
	for (const s of [load.shared, counter, twin])
		equal((await load.call('POST', '/submodels', s)).status, 201, s.id);
	const telemetry = new Telemetry(broker);
	ok(await telemetry.arrives(sql), 'telemetry comes in');
	load.begin();
	telemetry.begin();
	const reading = readers(load), points = [], end = Date.now() + minutes * 60000, every = Math.max(500, minutes * 60000 / 120);
	for (let next = Date.now(); Date.now() < end; next += every) {
		await sleep(Math.max(0, next - Date.now()));
		points.push({ ...process_(), ...tables(), written: load.counts.acknowledged, sampled: telemetry.n });
	}
	await load.end();
	telemetry.end();
	await reading;
	const first = points[0], last = points.at(-1);
	for (const name of Object.keys(last))
		note(`${name.padEnd(9)} ${show(name, first[name]).padStart(12)} -> ${show(name, last[name]).padStart(12)}`);
	steady(points, 'rss', 16 * MIB, 1.15);
	steady(points, 'files', 8, 1);
	steady(points, 'threads', 2, 1);
	steady(points, 'outbox', 4 * MIB, 1.5);
	steady(points, 'waiting', 2000, 1.5);
	ok(await until(60, () => sql('SELECT count(*) FROM twinshell.outbox') === '0'), 'every change gets its place in the feed');
	equal([...await load.settle(), ...load.strange, ...await telemetry.check(sql)], [], 'everything that was acknowledged is there');
	equal([load.counts.refused, load.counts.unanswered], [0, 0], 'no write was refused');
	telemetry.pub.stdin.end();
	await telemetry.pub.done;
}

try {
	note(`SOAK_MINUTES=${minutes} TWINSHELL_SEED=${seed}`);
	ok(await until(60, () => server.lines.find(l => l.startsWith('twinshell: ready '))), 'the server is ready');
	await soak();
	for (const words of [['db', 'verify'], ['audit', 'verify']]) {
		const r = cli([...words, '--database', database]);
		ok(r.code === 0, words.join(' '), r.out + r.err);
	}
	await stop(server);
	equal(server.exitCode, 0, 'it ends well');
} catch (e) {
	ok(false, 'the time is used to its end', e.stack);
} finally {
	await stop(server);
	pg('remove', join(dir, 'pg'));
	broker.stop();
}
await finish(dir);
