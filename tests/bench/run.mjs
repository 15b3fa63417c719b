// SPDX-License-Identifier: Apache-2.0
// run.mjs - `make bench`: what the server does, as ratios to baselines measured in the same run, rounds interleaved, medians shown.
// Loopback only; every loop is bounded in time.  BENCH_SECONDS (2) and BENCH_ROUNDS (5) set its length, BENCH_PARTS its parts (all but
// `million`, which takes minutes, when it is not set).  What the parts of data.mjs ought to reach stands beside what they do.
import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { b64, run, Server, sleep, stop, until, workspace } from '../system/lib.mjs';
import { BIG_CACHE, Data } from './data.mjs';

const seconds = Number(process.env.BENCH_SECONDS ?? 2);
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const here = resolve(process.env.BENCH_DIR ?? 'tests/bench');
const CONNECTIONS = 64;
const median = list => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const print = (name, ours, theirs, extra = '') =>
	console.log(`${name.padEnd(58)} ${String(Math.round(ours)).padStart(8)}/s  baseline ${String(Math.round(theirs)).padStart(8)}/s  ratio ${(ours / theirs).toFixed(2)}  ${extra}`);

const dir = workspace();
let server;
let port;
let data;
const property = (idShort, value) => ({ modelType: 'Property', idShort, valueType: 'xs:double', value: String(value),
	semanticId: { type: 'ExternalReference', keys: [{ type: 'GlobalReference', value: `urn:bench:${idShort}` }] } });
const id = 'urn:bench:sm:100';

/* For the parts that need one. */
async function serve() {
	if (server)
		return;
	server = await new Server(dir, ['--cache', String(BIG_CACHE)]).start(90);
	port = new URL(server.url).port;
	await server.call('POST', '/submodels', {
		modelType: 'Submodel', id, idShort: 'Bench',
		submodelElements: Array.from({ length: 10 }, (_, i) => ({
			modelType: 'SubmodelElementCollection', idShort: `Group${i}`,
			value: Array.from({ length: 9 }, (__, k) => property(`Value${k}`, i * 9 + k + 0.5)),
		})),
	});
}

function load(toPort, method, path, body, connections = CONNECTIONS) {
	const args = ['127.0.0.1', String(toPort), String(connections), String(seconds), method, path];
	const [rate, p50, p99, bad] = run(join(here, 'load'), body === undefined ? args : [...args, body]).trim().split(' ').map(Number);
	if (bad)
		throw new Error(`${bad} replies of ${method} ${path} were not 2xx`);
	return { rate, p50, p99 };
}

async function get(name, path) {
	const body = (await fetch(server.url + path)).text();
	const file = join(dir, 'body');
	writeFileSync(file, await body);
	const hello = spawn(join(here, 'hello'), [file, '2'], { stdio: ['pipe', 'pipe', 'inherit'] });
	const helloPort = await new Promise(done => hello.stdout.once('data', d => done(Number(String(d)))));
	const ours = [];
	const theirs = [];
	for (let i = 0; i < rounds; i++) {
		theirs.push(load(helloPort, 'GET', '/'));
		ours.push(load(port, 'GET', path));
	}
	hello.stdin.end();
	print(`${name} (${(await body).length} bytes)`, median(ours.map(r => r.rate)), median(theirs.map(r => r.rate)),
		`p99 ${median(ours.map(r => r.p99))} against ${median(theirs.map(r => r.p99))} us`);
}

/* A server that commits each request on its own, on 8 connections (patch_base.c), for as long as `work` needs it. */
async function naive(kind, work) {
	const base = spawn(join(here, 'patch_base'), [server.endpoints.database, '8', ...kind], { stdio: ['pipe', 'pipe', 'inherit'] });
	const ended = new Promise((done, fail) => base.once('exit', code => code ? fail(new Error(`patch_base: status ${code}`)) : done()));
	const basePort = await Promise.race([ended, new Promise(done => base.stdout.once('data', d => done(Number(String(d)))))]);
	const result = work(basePort);
	base.stdin.end();
	await ended;
	return result;
}

// PATCH of a value against servers that commit each request on its own, and against what the database itself can do.
async function patch() {
	const spread = join(dir, 'spread');
	const names = Array.from({ length: CONNECTIONS }, (_, i) => `urn:bench:sm:spread:${i}`);
	for (const name of names)
		await server.call('POST', '/submodels', { modelType: 'Submodel', id: name, idShort: 'Spread',
			submodelElements: Array.from({ length: 20 }, (_, i) => property(`Value${i}`, i)) });
	writeFileSync(spread, names.map((name, i) => `/api/v3.0/submodels/${b64(name)}/submodel-elements/Value${i % 20}/$value\n`).join(''));
	const contended = `/api/v3.0/submodels/${b64(id)}/submodel-elements/Group3.Value4/$value`;
	const update = (connections, ...same) => Number(run(join(here, 'update'), [server.endpoints.database, String(connections), String(seconds), ...same]));
	const kinds = [
		['one element per connection, 8 connections', 8, `@${spread}`, () => update(8), 'baseline: UPDATE of one row per connection'],
		['one element per connection, 64 connections', 64, `@${spread}`, () => update(64), 'baseline: UPDATE of one row per connection'],
		['one element per connection, 64 connections', 64, `@${spread}`, () => update(8), 'baseline: the same on 8 connections'],
		['all the same element, 64 connections', 64, contended, () => update(64, 'same'), 'baseline: UPDATE of one row by all'],
	];
	const plain = join(dir, 'plain');
	writeFileSync(plain, names.map((_, i) => `/${i}\n`).join(''));
	for (const [what, ...kind] of [['the bare row, goal 3', 'row'], ['all rows that ours writes', 'rows'], ['the bare row, not durable', 'row', 'off']])
		kinds.push(['one element per connection, 64 connections', 64, `@${spread}`, () => naive(kind, to => load(to, 'PATCH', `@${plain}`, '%.25').rate),
			`baseline: HTTP, a commit per request on 8 connections, ${what}`]);
	const results = kinds.map(() => ({ ours: [], theirs: [] }));
	for (let i = 0; i < rounds; i++)
		for (const [k, [, connections, path, baseline]] of kinds.entries()) {
			results[k].theirs.push(await baseline());
			results[k].ours.push(load(port, 'PATCH', path, '%.25', connections));
		}
	kinds.forEach(([name, , , , what], k) => print(`PATCH $value, ${name}`, median(results[k].ours.map(r => r.rate)), median(results[k].theirs),
		`p99 ${median(results[k].ours.map(r => r.p99))} us  ${what}`));
}

/* An element that follows a topic, once. */
async function bind() {
	const twin = 'urn:bench:sm:twin';
	const text = (idShort, value) => ({ modelType: 'Property', idShort, valueType: 'xs:string', value });
	await server.call('POST', '/submodels', {
		modelType: 'Submodel', id: twin, idShort: 'TwinEngine',
		semanticId: { type: 'ExternalReference', keys: [{ type: 'GlobalReference', value: 'https://twinshell.org/submodel/TwinEngine/1/0' }] },
		submodelElements: [text('Mode', 'shadow'), { modelType: 'SubmodelElementCollection', idShort: 'Links', value: [
			{ modelType: 'SubmodelElementCollection', idShort: 'N', value: [text('TopicFilter', 'bench/n'), text('Selector', '/n'),
				{ modelType: 'ReferenceElement', idShort: 'Target', value: { type: 'ModelReference', keys: [{ type: 'Submodel', value: id },
					{ type: 'SubmodelElementCollection', value: 'Group0' }, { type: 'Property', value: 'Value0' }] } }] }] }],
	});
}

/* The same points as one client asks for them and as libpq reads their chunks: not even unpacked. */
async function points() {
	const series = (what, ...rest) => run(join(here, 'series_bench'), [server.endpoints.database, what, id, 'Group0.Value0', ...rest]).trim();
	const broker = new URL(server.endpoints.broker);
	const value = `${server.url}/api/v3.0/submodels/${b64(id)}/submodel-elements/Group0.Value0/$value`;
	run('mosquitto_pub', ['-h', broker.hostname, '-p', broker.port, '-q', '1', '-t', 'bench/n', '-m', '{"n":7}']);
	if (!await until(10, async () => Number(await (await fetch(value)).text()) === 7))
		throw new Error('the telemetry does not arrive');
	series('fill');
	const path = `/trend?submodel=${b64(id)}&path=Group0.Value0&from=2000-01-01T00:00:00Z&limit=10000&level=raw`;
	const reply = await (await fetch(server.url + path)).json();
	if (reply.series.length !== 10000)
		throw new Error(`${reply.series.length} points instead of 10000`);
	const ours = [];
	const theirs = [];
	const rows = [];
	for (let i = 0; i < rounds; i++) {
		theirs.push(Number(series('chunks', String(seconds))));
		rows.push(Number(series('rows', String(seconds))));
		ours.push(load(port, 'GET', path, undefined, 1).rate);
	}
	print('last 10,000 points over HTTP, 1 connection', median(ours), median(rows), 'baseline: libpq reads the points, binary');
	print('last 10,000 points over HTTP, 1 connection', median(ours), median(theirs), 'baseline: libpq reads the chunks, packed');
}

async function latency() {
	const broker = new URL(server.endpoints.broker);
	const pub = spawn('mosquitto_pub', ['-h', broker.hostname, '-p', broker.port, '-q', '1', '-t', 'bench/n', '-l'], { stdio: ['pipe', 'ignore', 'inherit'] });
	const path = `${server.url}/api/v3.0/submodels/${b64(id)}/submodel-elements/Group0.Value0/$value`;
	const value = async () => Number(await (await fetch(path)).text());
	pub.stdin.write('{"n":1000}\n');
	if (!await until(10, async () => await value() === 1000))
		throw new Error('the telemetry does not arrive');
	const seen = [];
	const floor = [];
	for (let n = 1001; n <= 1300; n++) {
		const from = performance.now();
		pub.stdin.write(`{"n":${n}}\n`);
		while (await value() !== n && performance.now() - from < 2000)
			;
		seen.push(performance.now() - from);
		const idle = performance.now();
		await value();
		floor.push(performance.now() - idle);
		await sleep(2);
	}
	pub.stdin.end();
	seen.sort((a, b) => a - b);
	console.log(`${'publish to visible by REST, 300 messages'.padEnd(58)} p50 ${median(seen).toFixed(2)} ms  p99 ${seen[Math.floor(seen.length * 0.99)].toFixed(2)} ms` +
		`  baseline: one GET ${median(floor).toFixed(2)} ms`);
}

/* MB/s of one GET, the bytes thrown away. */
const pull = (toPort, path) => new Promise((done, fail) => {
	const from = performance.now();
	let n = 0;
	const c = connect({ port: toPort, host: '127.0.0.1', onread: { buffer: Buffer.alloc(1 << 20), callback: k => (n += k, true) } });
	c.write(`GET ${path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n`);
	c.on('error', fail);
	c.on('close', () => done(n / 1e3 / (performance.now() - from)));
});

// A large file from the database against libmicrohttpd sending the same from memory.
async function download() {
	const file = join(dir, 'large');
	const bytes = Buffer.alloc(100e6);
	for (let i = 0; i < bytes.length; i += 4)
		bytes.writeInt32LE(Math.imul(i, 0x9E3779B1), i);
	writeFileSync(file, bytes);
	const sm = 'urn:bench:sm:file';
	await server.call('POST', '/submodels', { modelType: 'Submodel', id: sm, idShort: 'F',
		submodelElements: [{ modelType: 'File', idShort: 'F', contentType: 'application/octet-stream' }] });
	const path = `/api/v3.0/submodels/${b64(sm)}/submodel-elements/F/attachment`;
	const { status } = await fetch(server.url + path, { method: 'PUT', headers: { 'Content-Type': 'application/octet-stream' }, body: bytes });
	if (status !== 204)
		throw new Error(`PUT of a file: ${status}`);
	const hello = spawn(join(here, 'hello'), [file, '2'], { stdio: ['pipe', 'pipe', 'inherit'] });
	const helloPort = await new Promise(done => hello.stdout.once('data', d => done(Number(String(d)))));
	const ours = [];
	const theirs = [];
	for (let i = 0; i < rounds; i++) {
		theirs.push(await pull(helloPort, '/'));
		ours.push(await pull(port, path));
	}
	hello.stdin.end();
	print('GET of a file of 100 MB, one connection, in MB', median(ours), median(theirs), 'baseline: libmicrohttpd, from memory');
}

/* One table: what is read, written and checked, without a server. */
function files() {
	console.log('\nFiles, in MB/s; the baseline does less, and was measured in the same run on the same bytes.');
	console.log(`${'what'.padEnd(11)} ${'of'.padEnd(40)} ${'ours'.padStart(12)}   ${'baseline'.padEnd(18)} ${'theirs'.padStart(12)}   ${'ratio'.padStart(6)}   goal`);
	for (const name of ['json_bench', 'xml_bench', 'aasx_bench'])
		process.stdout.write(run(join(here, name), [], { timeout: 180000 }));
}

const parts = {
	get: async () => {
		await serve();
		await get('GET of a submodel of 100 elements, 64 connections', `/api/v3.0/submodels/${b64(id)}`);
		await get('GET of one $value, 64 connections', `/api/v3.0/submodels/${b64(id)}/submodel-elements/Group3.Value4/$value`);
	},
	patch: () => serve().then(patch),
	points: () => serve().then(bind).then(points),
	latency: () => serve().then(bind).then(latency),
	download: () => serve().then(download),
	ingest: () => {
		console.log('\n-- ingest_bench');
		process.stdout.write(run(join(here, 'ingest_bench'), [], { timeout: 180000 }));
	},
	import: () => {
		console.log('\n-- import_bench');
		process.stdout.write(run(join(here, 'import_bench'), [], { timeout: 180000 }));
	},
	files,
};
for (const part of Data.parts)
	parts[part] = async () => {
		await serve();
		await (data ??= await new Data({ dir, here, server, rounds, seconds }).open())[part]();
	};
try {
	for (const part of (process.env.BENCH_PARTS ?? Object.keys(parts).filter(p => p !== 'million').join(',')).split(',')) {
		if (!parts[part])
			throw new Error(`BENCH_PARTS: there is no part "${part}", but ${Object.keys(parts).join(', ')}`);
		await parts[part]();
	}
} finally {
	await data?.close();
	await stop(server?.child);
	rmSync(dir, { recursive: true, force: true });
}
process.exit(0);
