// SPDX-License-Identifier: Apache-2.0
// failover.mjs - a primary, a stand-by that streams from it, and servers that write to the one and read from the other; the primary is killed
// under load.  No acknowledged write is lost, clients see nothing worse than 503, and it goes on by itself.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { b64, cli, equal, finish, note, ok, pg, postgres, program, run, start, stop, until, workspace } from './lib.mjs';

if (!postgres()) {
	console.log('1..0 # SKIP PostgreSQL is not installed');
	process.exit(0);
}
const dir = workspace();
const host = conninfo => /host=(\S+)/.exec(conninfo)[1];
const sql = (conninfo, query) => run('psql', [conninfo, '-XAtqc', query]).trim();

const first = pg('start', join(dir, 'first'), 'durable');
const second = pg('standby', join(dir, 'second'), join(dir, 'first'));
sql(first, "ALTER SYSTEM SET synchronous_standby_names = '*'");
sql(first, 'SELECT pg_reload_conf()');
const both = attrs => `host=${host(first)},${host(second)} port=5432,5432 user=postgres dbname=postgres target_session_attrs=${attrs}`;

let url;
const server = start(program, ['serve', '--database', both('read-write'), '--database-standby', both('prefer-standby'), '--data', join(dir, 'data'),
	'--listen', '127.0.0.1:0'], { log: join(dir, 'server.log') });

async function call(method, path, body) {
	const reply = await fetch(`${url}/api/v3.0${path}`, { method, headers: { 'Content-Type': 'application/json' },
		body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(60000) });
	const text = await reply.text();
	return { status: reply.status, text, retry: reply.headers.get('retry-after') };
}
const submodel = (id, value) => ({ modelType: 'Submodel', id, idShort: 'S', submodelElements: [
	{ modelType: 'Property', idShort: 'Value', valueType: 'xs:int', value: String(value) }] });
const value = id => `/submodels/${b64(id)}/submodel-elements/Value/$value`;

// -- reading from the stand-by ---------------------------------------------------------------------------------------------
const reads = () => Number(sql(second, "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = 'postgres'"));
async function reading() {
	for (let i = 0; i < 20; i++)
		equal((await call('POST', '/submodels', submodel(`urn:f:${i}`, 0))).status, 201, `submodel ${i}`);
	const before = reads();
	ok(await until(30, async () => {
		await call('GET', '/submodels?limit=5');
		return reads() - before > 60;
	}), 'lists are read from the stand-by');
	let stale = 0;
	for (let i = 1; i <= 100; i++) {
		await call('POST', '/submodels', submodel(`urn:own:${i}`, i));
		const page = JSON.parse((await call('GET', `/submodels?limit=1&cursor=${JSON.parse((await call('GET', '/submodels?limit=1')).text).paging_metadata.cursor}`)).text);
		stale += !JSON.parse((await call('GET', '/submodels?idShort=S&limit=1000')).text).result.some(s => s.id === `urn:own:${i}`) || !page.result.length;
	}
	equal(stale, 0, 'whoever writes finds what he has written in the next list');
}

// -- two servers, and a stand-by that lags -----------------------------------------------------------------------------------
async function lagging() {
	const other = start(program, ['serve', '--database', both('read-write'), '--database-standby', both('prefer-standby'), '--data', join(dir, 'other'),
		'--listen', '127.0.0.1:0', '--client-id', 'other'], { log: join(dir, 'other.log') });
	const mine = url, theirs = (await until(60, () => other.lines.find(l => l.startsWith('twinshell: ready '))))?.split(' ').pop();
	const elements = `/submodels/${b64('urn:f:0')}/submodel-elements`;
	const shown = async () => {
		url = theirs;
		const text = (await call('GET', elements)).text;
		url = mine;
		return JSON.parse(text).result[0].value;
	};
	const before = reads();
	ok(await until(30, async () => {
		await shown();
		url = theirs;
		await call('GET', '/submodels?limit=5');
		url = mine;
		return reads() - before > 60;
	}), 'another server reads from the stand-by');
	sql(second, 'SELECT pg_wal_replay_pause()');
	equal((await call('PATCH', value('urn:f:0'), 77)).status, 204, 'a write that the stand-by does not show');
	ok(await until(20, async () => await shown() === '77'), 'is shown by the other server, which has heard of it');
	equal(await shown(), '77', 'and stays');
	sql(second, 'SELECT pg_wal_replay_resume()');
	await stop(other);
	equal(other.exitCode, 0, 'it ends well');
}

/* Each piece of a file is a transaction of its own, which the stand-by may answer; what writes afterwards gets none of its connections. */
async function files() {
	const bytes = randomBytes(3 * 2 ** 20);
	const id = 'urn:with-file';
	const where = `${url}/api/v3.0/submodels/${b64(id)}/submodel-elements/File/attachment`;
	equal((await call('POST', '/submodels', { modelType: 'Submodel', id, submodelElements: [
		{ modelType: 'File', idShort: 'File', contentType: 'application/octet-stream' }] })).status, 201, 'a submodel with a file');
	let wrong = 0;
	for (let i = 0; i < 10; i++) {
		bytes[i] ^= 1;
		const put = await fetch(where, { method: 'PUT', headers: { 'Content-Type': 'application/octet-stream' }, body: bytes });
		wrong += put.status !== 204 || !Buffer.from(await (await fetch(where)).arrayBuffer()).equals(bytes) || (await fetch(`${url}/readyz`)).status !== 200;
	}
	const before = reads();
	ok(await until(30, async () => {
		wrong += !Buffer.from(await (await fetch(where)).arrayBuffer()).equals(bytes);
		return reads() - before > 24;
	}), 'files are read from the stand-by');
	equal(wrong, 0, 'it comes out as it went in');
	const after = await Promise.all(Array.from({ length: 16 }, (_, i) => call('POST', '/submodels', submodel(`urn:after:${i}`, i))));
	equal(after.filter(r => r.status !== 201), [], 'and everybody can still write');
}

// -- the primary is killed ------------------------------------------------------------------------------------------------
const acked = new Map();		// id -> the last number that was acknowledged
const made = [];			// submodels whose creation was acknowledged
const worst = new Map();		// other answers
let going = true;
let newest = 0;				// time of the last acknowledged write

async function writer(n) {
	const id = `urn:f:${n}`;
	for (let i = 1; going; i++) {
		const made_id = `urn:new:${n}:${i}`;
		const create = i % 5 === 0;
		const r = create ? await call('POST', '/submodels', submodel(made_id, i)) : await call('PATCH', value(id), i);
		if (r.status === 201 || r.status === 204) {
			newest = Date.now();
			if (create)
				made.push(made_id);
			else
				acked.set(id, i);
		} else {
			worst.set(`${r.status}${r.status === 503 ? ` retry-after ${r.retry}` : ` ${r.text}`}`, true);
			await new Promise(done => setTimeout(done, 100));
		}
	}
}

async function failOver() {
	const writers = Array.from({ length: 8 }, (_, n) => writer(n));
	ok(await until(30, () => acked.size === 8 && made.length > 20), 'writes go on');
	pg('stop', join(dir, 'first'), 'KILL');
	const from = Date.now();
	pg('promote', join(dir, 'second'));
	const promoted = Date.now();
	ok(await until(60, () => newest > promoted), 'after the primary was killed and the stand-by promoted, writes go on');
	note(`promotion took ${promoted - from} ms, the first write was acknowledged ${newest - promoted} ms after it at the latest`);
	const count = made.length;
	ok(await until(30, () => made.length > count + 20), 'for all writers');
	going = false;
	await Promise.all(writers);
	equal([...worst.keys()].filter(w => w !== '503 retry-after 1'), [], 'clients have seen nothing but success and 503 with Retry-After');
}

async function nothingLost() {
	let lost = 0;
	for (const [id, n] of acked)
		lost += Number(sql(second, `SELECT value_text FROM report.property WHERE submodel_id = '${id}'`)) < n;
	equal(lost, 0, 'every value that was acknowledged is in the database, or a later one');
	const there = new Set(sql(second, "SELECT submodel_id FROM report.submodel WHERE submodel_id LIKE 'urn:new:%'").split('\n'));
	equal(made.filter(id => !there.has(id)), [], `and so is every submodel (${made.length})`);
	let different = 0;
	for (const [id] of acked)
		different += (await call('GET', value(id))).text !== JSON.stringify(Number(sql(second, `SELECT value_text FROM report.property WHERE submodel_id = '${id}'`)));
	equal(different, 0, 'and is what the server shows');
	const r = cli(['db', 'verify', '--database', second]);
	ok(r.code === 0 && /^\d+ documents checked, 0 faults$/m.test(r.out), 'twinshell db verify finds no fault', r.out + r.err);
}

try {
	url = (await until(60, () => server.lines.find(l => l.startsWith('twinshell: ready '))))?.split(' ').pop();
	if (ok(url, 'the server is ready')) {
		await reading();
		await lagging();
		await files();
		await failOver();
		await nothingLost();
		await stop(server);
		equal(server.exitCode, 0, 'it ends well');
	}
} finally {
	for (const name of ['first', 'second'])
		if (existsSync(join(dir, name)))
			pg('remove', join(dir, name));
}
await finish(dir);
