// SPDX-License-Identifier: Apache-2.0
// redeliver.mjs - the server is killed when telemetry is in the database and the broker has not heard that it was received: it delivers all of it
// again to the next process, and nothing may be there twice.  A proxy in between swallows what the server says to the broker, so this is certain.
import { mkdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { Broker, equal, finish, freePort, installed, ok, pg, postgres, program, run, start, stop, until, workspace } from './lib.mjs';
import { property } from './crash_load.mjs';
import { counter, link, twin } from './crash_telemetry.mjs';

if (!postgres() || !installed('mosquitto') || !installed('mosquitto_pub')) {
	console.log('1..0 # SKIP PostgreSQL or mosquitto is not installed');
	process.exit(0);
}
const MANY = 150;	/* more than any series remembers of itself; and the broker sends no more than 1000 ahead in all rounds together */
const dir = workspace();
const database = pg('start', join(dir, 'pg'));
const broker = await Broker.create(dir);
const sql = query => run('psql', [database, '-XAtqc', query]).trim();

// -- the proxy ---------------------------------------------------------------------------------------------------------------------------
let deaf = false;
const ends = new Set();
const proxy = createServer(client => {
	const there = connect(broker.port, '127.0.0.1');
	ends.add(client).add(there);
	client.on('data', d => deaf || there.write(d));
	there.on('data', d => client.write(d));
	for (const [one, other] of [[client, there], [there, client]])
		one.on('error', () => {}).on('close', () => other.destroy());
});
const proxyPort = await freePort();
await new Promise(done => proxy.listen(proxyPort, '127.0.0.1', done));
function cut() {
	for (const s of ends)
		s.destroy();
	ends.clear();
	deaf = false;
}

// -- the server ----------------------------------------------------------------------------------------------------------------------------
const port = await freePort();
let server;
async function begin() {
	server = start(program, ['serve', '--database', database, '--data', join(dir, 'data'), '--broker', `tcp://127.0.0.1:${proxyPort}`,
		'--client-id', 'redeliver', '--listen', `127.0.0.1:${port}`], { log: join(dir, 'server.log') });
	ok(await until(60, () => server.lines.find(l => l.startsWith('twinshell: ready '))), 'the server starts');
}
async function post(submodel) {
	const r = await fetch(`http://127.0.0.1:${port}/api/v3.0/submodels`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(submodel) });
	equal(r.status, 201, submodel.id);
}
const count = path => sql(`SELECT count(DISTINCT value_num) || ' of ' || count(*) FROM report.sample WHERE submodel_id = '${counter.id}' AND path = '${path}' AND value_num >= 0`);
const all = (path, n) => until(30, () => count(path) === `${n} of ${n}`);

const stamped = broker.publisher('crash/count'), plain = broker.publisher('crash/plain');
const base = Date.now() - 3600000;
const send = (from, n) => {
	for (let i = from; i < from + n; i++) {
		stamped.stdin.write(`${JSON.stringify({ n: i, ts: new Date(base + i).toISOString() })}\n`);
		plain.stdin.write(`${i}\n`);
	}
};
/** What comes last has come when all that was delivered again before it is done with. */
async function last(from) {
	send(from, 1);
	for (const path of ['N', 'M'])
		ok(await until(30, () => sql(`SELECT max(value_num) FROM report.sample WHERE path = '${path}'`) === String(from)), `${path}: what was sent last is there`);
}

mkdirSync(join(dir, 'data'));
counter.submodelElements.push(property('M', undefined, 'xs:long'));
twin.submodelElements.find(e => e.idShort === 'Links').value.push(link('M', 'crash/plain'));
try {
	await begin();
	await post(counter);
	await post(twin);
	ok(await until(30, () => {
		send(-1, 1);
		return sql("SELECT count(DISTINCT path) FROM report.sample WHERE path IN ('N', 'M')") === '2';
	}), 'telemetry comes in');
	for (const [round, death] of ['killed', 'killed again', 'cut off'].entries()) {
		const from = round * (MANY + 1);
		deaf = true;
		send(from, MANY);
		ok(await all('N', from + MANY) && await all('M', from + MANY), 'samples are in the database, and the broker has not heard of it', `${count('N')}, ${count('M')}`);
		if (death !== 'cut off') {
			server.kill('SIGKILL');
			await server.done;
		}
		cut();
		if (death !== 'cut off')
			await begin();
		await last(from + MANY);
		equal(count('N'), `${from + MANY + 1} of ${from + MANY + 1}`, `${death}: samples with a time of their own are there once`);
		equal(count('M'), `${from + MANY + 1} of ${from + MANY + 1}`, `${death}: those without one as well`);
	}
} catch (e) {
	ok(false, 'the test comes to its end', e.stack);
}
await stop(server);
for (const p of [stamped, plain])
	p.stdin.end();
proxy.close();
cut();
broker.stop();
pg('remove', join(dir, 'pg'));
await finish(dir);
