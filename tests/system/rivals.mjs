// SPDX-License-Identifier: Apache-2.0
// rivals.mjs - two servers on one database: nobody's write is lost, If-Match is exact across both, the feed has no gaps, each keeps its own
// handles.  Then a dump of that database is restored: what was at any moment is there, the chain of changes is the same and goes on.
import { join } from 'node:path';
import { b64, cli, equal, finish, note, ok, pg, postgres, program, run, skip, sleep, start, stop, until, workspace } from './lib.mjs';
import { property, random } from './crash_load.mjs';

if (!postgres()) {
	console.log('1..0 # SKIP PostgreSQL is not installed');
	process.exit(0);
}
const dir = workspace();
const cluster = pg('start', join(dir, 'pg'));
const conninfo = name => `${cluster.replace(/ dbname=\S+/, '')} dbname=${name}`;
const sql = (query, name = 'postgres') => run('psql', [conninfo(name), '-XAtqc', query]).trim();
const seed = Number(process.env.TWINSHELL_SEED || 7);
const chance = random(seed);

async function serve(name, database = 'postgres') {
	const child = start(program, ['serve', '--database', conninfo(database), '--data', join(dir, name), '--client-id', name, '--listen', '127.0.0.1:0'], { log: join(dir, 'server.log') });
	const url = (await until(60, () => child.lines.find(l => l.startsWith('twinshell: ready '))))?.split(' ').pop();
	ok(url, `${name} is ready`);
	return { child, url, call: (method, path, body, headers = {}) => call(`${url}/api/v3.0`, method, path, body, headers) };
}
async function call(api, method, path, body, headers) {
	const r = await fetch(path.startsWith('http') ? path : api + path, { method, redirect: 'manual', signal: AbortSignal.timeout(60000),
		headers: { 'Content-Type': 'application/json', ...headers }, body: body === undefined ? undefined : JSON.stringify(body) });
	const text = await r.text();
	return { status: r.status, text, etag: r.headers.get('etag'), location: r.headers.get('location') };
}
const submodel = (id, n) => ({ modelType: 'Submodel', id, idShort: 'S', submodelElements: [property('Value', n), property('Other', 0)] });
const at = id => `/submodels/${b64(id)}`;
const value = r => Number(JSON.parse(r.text).submodelElements[0].value);

/** Does one server soon show what was written through the other?  Else tags are exact all the same, but whoever reads may have to wait. */
let coherent = false;
async function probe([a, b]) {
	await a.call('POST', '/submodels', submodel('urn:probe', 1));
	await b.call('GET', at('urn:probe'));
	await a.call('PUT', at('urn:probe'), submodel('urn:probe', 2));
	coherent = Boolean(await until(5, async () => value(await b.call('GET', at('urn:probe'))) === 2));
}

// -- one counter, many who add one to it -------------------------------------------------------------------------------------------------
async function counter(servers) {
	const each = 25;
	let added = 0, refused = 0, wrong = [];
	equal((await servers[0].call('POST', '/submodels', submodel('urn:counter', 0))).status, 201, 'a counter');
	const client = async (s, whole) => {
		const path = whole ? at('urn:counter') : `${at('urn:counter')}/submodel-elements/Value`;
		for (let done = 0, tries = 0; done < each && tries < (coherent ? 3000 : 60); tries++) {
			const now = await s.call('GET', path);
			const next = (whole ? value(now) : Number(JSON.parse(now.text).value)) + 1;
			const r = await s.call('PUT', path, whole ? submodel('urn:counter', next) : property('Value', next), { 'If-Match': now.etag });
			done += r.status === 204;
			added += r.status === 204;
			refused += r.status === 412;
			if (r.status !== 204 && r.status !== 412)
				wrong.push(`${r.status} ${r.text}`);
			if (r.status === 412)
				await sleep(chance.below(15));
			if (tries === 2999)
				wrong.push(`gave up after ${done}`);
		}
	};
	await Promise.all(servers.flatMap(s => [client(s, true), client(s, true), client(s, false)]));
	equal(wrong, [], 'who reads through either server and writes with If-Match is let through or refused');
	equal(sql("SELECT value_text FROM report.property WHERE submodel_id = 'urn:counter' AND path = 'Value'"), String(added), 'and no addition is lost');
	if (coherent)
		equal(added, 6 * each, 'everybody gets his turn');
	else
		skip('everybody gets his turn', 'these servers do not tell each other what they write');
	note(`${added} additions, ${refused} were refused and tried again`);
}

async function once(servers) {
	let faults = [];
	for (let i = 0; i < 20; i++) {
		const made = await Promise.all([...servers, ...servers].map(s => s.call('POST', '/submodels', submodel(`urn:once:${i}`, 1))));
		const gone = await Promise.all([...servers, ...servers].map(s => s.call('DELETE', at(`urn:once:${i}`))));
		const is = [made.map(r => r.status).sort().join(), gone.map(r => r.status).sort().join()];
		if (is[0] !== '201,409,409,409' || is[1] !== '204,404,404,404'.split(',').sort().join())
			faults.push(is.join(' / '));
	}
	equal(faults, [], 'of four who make the same thing one makes it, of four who delete it one does');
}

/** What was read is a later state than that of the tag: its write must not happen. */
async function exact([a, b]) {
	await a.call('POST', '/submodels', submodel('urn:exact', 0));
	const faults = [];
	for (let i = 1; i <= 15; i++) {
		const before = await a.call('GET', at('urn:exact'));
		const made = await b.call('PATCH', `${at('urn:exact')}/submodel-elements/Other/$value`, i);
		const late = await a.call('PUT', at('urn:exact'), submodel('urn:exact', -1), { 'If-Match': before.etag });
		const kept = sql("SELECT value_text FROM report.property WHERE submodel_id = 'urn:exact' AND path = 'Other'") === String(i);
		const shown = !coherent || await until(10, async () => JSON.parse((await a.call('GET', at('urn:exact'))).text).submodelElements[1].value === String(i));
		if (made.status !== 204 || late.status !== 412 || !kept || !shown)
			faults.push(`${made.status} ${late.status} kept ${kept} shown ${shown}`);
	}
	equal(faults, [], 'a tag from before a write through the other server is refused');
}

async function handles([a, b]) {
	const taken = await Promise.all(Array.from({ length: 12 }, (_, i) => (i % 2 ? a : b).call('POST', '/bulk/shell-descriptors', [{ id: `urn:bulk:${i}:1` }, { id: `urn:bulk:${i}:2` }])));
	equal(taken.map(r => r.status).filter(s => s !== 202), [], 'bulk requests are taken by both');
	const ends = await Promise.all(taken.map(async (r, i) => {
		const s = i % 2 ? a : b;
		const end = await until(30, async () => {
			const st = await s.call('GET', new URL(r.location, s.url).href);
			return st.status === 302 && st;
		});
		return (await s.call('GET', new URL(end.location, s.url).href)).status;
	}));
	equal(ends.filter(s => s !== 204), [], 'and each ends at the one that took it');
	equal(sql("SELECT count(*) FROM twinshell.shell_descriptor WHERE id LIKE 'urn:bulk:%'"), '24', 'with all that was asked for, once');
}

const audit = name => cli(['audit', 'verify', '--database', conninfo(name)]);
const settled = name => until(30, () => sql('SELECT count(*) FROM twinshell.outbox', name) === '0');
async function feed() {
	ok(await settled('postgres'), 'every change gets its place in the feed');
	equal(sql('SELECT count(*) = max(position) AND min(position) = 1 AND count(*) = (SELECT count(*) FROM twinshell.history) FROM twinshell.feed'), 't', 'the feed of both has no gaps and no change twice');
	const r = audit('postgres'), v = cli(['db', 'verify', '--database', conninfo('postgres')]);
	ok(r.code === 0, 'its chain is sound', r.out + r.err);
	ok(v.code === 0, 'db verify finds nothing', v.out + v.err);
}

// -- what was, before and after a dump is restored ------------------------------------------------------------------------------------------
const ids = Array.from({ length: 4 }, (_, i) => `urn:past:${i}`);
const moments = [];
async function edit(servers, n) {
	const of = id => servers[ids.indexOf(id) % servers.length];	/* who has written an id shows it at once */
	const id = chance.pick(ids), s = of(id), path = `${at(id)}/submodel-elements`;
	const ways = [['PUT', at(id), submodel(id, n)], ['PATCH', `${path}/Value/$value`, n], ['PATCH', `${at(id)}/$value`, { Value: String(n), Other: String(-n) }],
		['POST', path, property(`E${n % 5}`, n)], ['DELETE', `${path}/E${n % 5}`], ['DELETE', at(id)], ['PUT', `${path}/Other`, property('Other', n)]];
	await s.call(...chance.pick(ways));
	const was = await Promise.all(ids.map(async x => {
		const r = await of(x).call('GET', at(x));
		return r.status === 200 ? r.text : r.status;
	}));
	moments.push({ at: new Date(Date.now() + 1).toISOString(), was });
	await sleep(3);		/* so that the moment lies between two changes */
}
async function asItWas(server, what) {
	let faults = [], looks = 0;
	for (const m of moments) {
		await Promise.all(ids.map(async (id, i) => {
			const r = await server.call('GET', `${at(id)}?at=${m.at}`);
			looks++;
			if ((r.status === 200 ? r.text : r.status) !== m.was[i])
				faults.push(`${m.at} ${id}: ${r.status} ${r.text}, not ${m.was[i]}`);
		}));
		const list = await server.call('GET', `/submodels?at=${m.at}&limit=1000`);
		const there = JSON.parse(list.text).result.map(s => s.id).filter(id => id.startsWith('urn:past:'));
		if (there.join() !== ids.filter((_, i) => m.was[i] !== 404).join())
			faults.push(`${m.at}: the list has ${there}`);
	}
	equal(faults.slice(0, 3), [], `${what}: ${looks} looks at ${moments.length} past moments`);
}

async function restored() {
	const dump = join(dir, 'dump');
	const before = audit('postgres').out;
	run('pg_dump', ['-d', conninfo('postgres'), '-Fc', '-f', dump]);
	sql("CREATE DATABASE restored ENCODING 'UTF8' TEMPLATE template0");
	run('pg_restore', ['-d', conninfo('restored'), '--exit-on-error', dump]);
	equal(audit('restored').out, before, 'the chain of changes of a restored dump is the same');
	const newest = Number(sql('SELECT position FROM twinshell.feed_head', 'restored'));
	const s = await serve('restored', 'restored');
	await asItWas(s, 'restored');
	equal((await s.call('POST', '/submodels', submodel('urn:after', 1))).status, 201, 'and it goes on');
	await settled('restored');
	equal(Number(sql('SELECT position FROM twinshell.feed_head', 'restored')), newest + 1, 'with the next position');
	const after = audit('restored');
	ok(after.code === 0, 'and a chain that is still sound', after.out);
	await stop(s.child);
}

/** The position in the spool, the session at the broker and handles belong to a name: only one server at a time has it. */
async function namesake(servers) {
	const args = ['serve', '--database', conninfo('postgres'), '--data', join(dir, 'namesake'), '--client-id', 'first', '--listen', '127.0.0.1:0'];
	const r = cli(args);
	ok(r.code === 69 && r.err.includes('another server runs on this database as "first": each needs a --client-id of its own'), 'a second server of one name does not start',
		`${r.code} ${r.err}`);
	servers[0].child.kill('SIGKILL');
	await servers[0].child.done;
	servers[0] = await serve('first');
}

try {
	note(`TWINSHELL_SEED=${seed}`);
	const servers = [await serve('first'), await serve('second')];
	await probe(servers);
	await counter(servers);
	await once(servers);
	await exact(servers);
	await handles(servers);
	for (let n = 1; n <= 60; n++)
		await edit(servers, n);
	await feed();
	await namesake(servers);
	for (const s of servers)
		await asItWas(s, 'each server');
	for (const s of servers) {
		await stop(s.child);
		equal(s.child.exitCode, 0, 'a server ends well');
	}
	await restored();
} finally {
	pg('remove', join(dir, 'pg'));
}
await finish(dir);
