// SPDX-License-Identifier: Apache-2.0
// flush.mjs - a database that dies between the commit of a batch of values and the moment when it is durable: what it loses was never
// acknowledged, and the server says 503 to whoever waits for it.
//
// The processes of PostgreSQL that could bring a commit to the disk are halted, one by one by their ids, so the moment lasts as long as it is needed.
import { join } from 'node:path';
import { alive, b64, children, cli, equal, finish, ok, pg, postgres, postmaster, program, run, start, stop, until, workspace } from './lib.mjs';

if (!postgres()) {
	console.log('1..0 # SKIP PostgreSQL is not installed');
	process.exit(0);
}
const dir = workspace(), cluster = join(dir, 'pg');
const database = pg('start', cluster, 'durable');
const sql = query => run('psql', [database, '-XAtqc', query]).trim();
const server = start(program, ['serve', '--database', database, '--data', join(dir, 'data'), '--listen', '127.0.0.1:0'], { log: join(dir, 'server.log') });
let url;

const id = 'urn:flush:1', element = name => `/submodels/${b64(id)}/submodel-elements/${name}/$value`;
async function call(method, path, body) {
	const reply = await fetch(`${url}/api/v3.0${path}`, { method, headers: { 'Content-Type': 'application/json' },
		body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(60000) });
	return { status: reply.status, text: await reply.text(), retry: reply.headers.get('retry-after') };
}
/** A write of a value, and whether it has been answered so far. */
function write(name, value) {
	const w = { status: 0 };
	w.done = call('PATCH', element(name), String(value)).catch(e => ({ status: -1, text: e.message })).then(r => Object.assign(w, r));
	return w;
}
const stored = name => sql(`SELECT value FROM twinshell.element WHERE path = '${name}'`);

// -- halting --------------------------------------------------------------------------------------------------------------------------
// Whoever flushes its own commits or those of others; psql and the writer of values do not.
const flushers = `pid <> pg_backend_pid() AND application_name <> 'twinshell values'
	AND backend_type IN ('client backend', 'walwriter', 'background writer', 'checkpointer')`;
let halted = [];
/** Halts those that `which` describes, when none of them does something: it could hold what the others need. */
async function halt(which) {
	ok(await until(30, () => sql(`SELECT count(*) FROM pg_stat_activity WHERE ${which} AND state <> 'idle'`) === '0'), 'nobody is busy');
	halted = sql(`SELECT pid FROM pg_stat_activity WHERE ${which}`).split('\n').map(Number);
	signal('SIGSTOP');
}
function signal(name) {
	for (const pid of halted.filter(alive))
		process.kill(pid, name);
}
function resume() {
	signal('SIGCONT');
	halted = [];
}
/** Writes to A, then to B, that are committed, but not durable. */
async function pending(number) {
	const a = write('A', number);
	ok(await until(30, () => stored('A') === String(number)), `${number}: the first write is committed`);
	const b = write('B', number);
	ok(await until(30, () => stored('B') === String(number)), 'and the next, while it waits for the disk');
	equal([a.status, b.status], [0, 0], 'neither is answered');
	return [a, b];
}

async function answered(writes) {
	for (const w of writes) {
		await w.done;
		equal(w.status, 503, 'nobody knows, says the server');
		ok(w.retry !== null, 'and that one may try again');
	}
}

/** It goes on; everybody has the same, and the chain has no gap. */
async function sound(what) {
	ok(await until(60, async () => (await call('PATCH', element('C'), '"on"')).status === 204), `${what}: it goes on`);
	for (const name of ['A', 'B'])
		equal(JSON.parse((await call('GET', element(name))).text), stored(name), `${name} is read as the database has it`);
	equal(sql(`SELECT version - (SELECT max(version) FROM twinshell.history h WHERE h.key = s.key AND h.kind = 1) FROM twinshell.submodel s`), '0', 'history ends where the submodel is');
	for (const word of ['db', 'audit'])
		equal(cli([word, 'verify', '--database', database]).code, 0, `${word} verify`);
}

// -- the cases --------------------------------------------------------------------------------------------------------------------------
async function crash() {
	await halt(flushers);
	const writes = await pending(1), first = postmaster(cluster), all = children(first).map(c => c.pid);
	process.kill(first, 'SIGKILL');
	signal('SIGKILL');
	halted = [];
	ok(await until(30, () => ![first, ...all].some(alive)), 'the database dies');
	pg('restart', cluster, 'KILL');		/* waits until what is dead is gone, too */
	equal([stored('A'), stored('B')], ['0', '0'], 'both writes are lost');
	await answered(writes);
	await sound('after a crash');
}

async function interrupted() {
	await halt("application_name = 'twinshell flush'");
	const writes = await pending(2);
	sql(`SELECT pg_terminate_backend(${halted[0]})`);
	resume();
	await answered(writes);
	equal([stored('A'), stored('B')], ['2', '2'], 'what a lost connection leaves unknown is there all the same');
	await sound('with a new connection');
}

async function merely() {
	await halt(flushers);
	const writes = await pending(3);
	resume();
	for (const w of writes) {
		await w.done;
		equal(w.status, 204, 'what had to wait is acknowledged when it is durable');
	}
	await sound('after a slow disk');
}

try {
	url = (await until(60, () => server.lines.find(l => l.startsWith('twinshell: ready '))))?.split(' ').pop();
	ok(url, 'it starts', server.lines.join('\n'));
	const element = idShort => ({ modelType: 'Property', idShort, valueType: 'xs:string', value: '0' });
	equal((await call('POST', '/submodels', { modelType: 'Submodel', id, submodelElements: ['A', 'B', 'C'].map(element) })).status, 201, 'a submodel');
	await sound('before');
	/* Who comes later than the others would not be halted with them: the thread that makes partitions, two seconds after the start. */
	ok(await until(60, () => sql("SELECT count(*) > 0 FROM pg_inherits WHERE inhparent = 'twinshell.chunk'::regclass") === 't'), 'partitions are made');
	sql('ALTER SYSTEM SET autovacuum = off');
	sql('SELECT pg_reload_conf()');
	await crash();
	await interrupted();
	await merely();
} finally {
	resume();
	await stop(server);
	pg('remove', cluster);
}
await finish(dir);
