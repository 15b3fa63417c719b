// SPDX-License-Identifier: Apache-2.0
// files.mjs - files that are larger than what the server may take of the memory: in, out, in part, broken off, replaced while they are read.
// TWINSHELL_FILE_MB says how large the large one is (128; 1024 takes about a minute).
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { b64, equal, finish, note, ok, postgres, Server, skip, stop, until, workspace } from './lib.mjs';

const SIZE = Number(process.env.TWINSHELL_FILE_MB ?? 128) * 2 ** 20;
const BLOCK = 65536;
const MOST = 64 * 1024;		// KiB of memory that all of this may take
const id = 'urn:files';
const submodel = { modelType: 'Submodel', id, idShort: 'Files', submodelElements: ['A', 'B', 'C'].map(idShort =>
	({ modelType: 'File', idShort, contentType: 'application/octet-stream' })) };

if (!postgres()) {
	skip('files on PostgreSQL', 'it is not installed');
	await finish();
}
const dir = workspace();
const server = await new Server(dir, ['--max-file', String(2 ** 31)]).start(90);
const api = new URL(server.endpoints.api);
const agent = new Agent({ keepAlive: false, maxSockets: Infinity });
const path = element => `${api.pathname}/submodels/${b64(id)}/submodel-elements/${element}/attachment`;
const peak = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))[1]);
const contents = () => server.sql('SELECT count(*), coalesce(sum(refs), 0), (SELECT count(*) FROM twinshell.content_part) FROM twinshell.content');

/** Bytes that tell where they are, other ones for every seed. */
const base = Buffer.alloc(BLOCK);
for (let i = 0; i < BLOCK; i++)
	base[i] = (i * 2654435761) >>> 13;
function block(seed, i) {
	const b = Buffer.from(base);
	b.writeUInt32LE(seed, 0);
	b.writeUInt32LE(i, 4);
	return b;
}
function part(seed, from, to) {
	const out = [];
	for (let i = Math.floor(from / BLOCK); i * BLOCK < to; i++)
		out.push(block(seed, i).subarray(Math.max(0, from - i * BLOCK), Math.min(BLOCK, to - i * BLOCK)));
	return Buffer.concat(out);
}

function open(method, element, headers = {}) {
	const r = request({ host: api.hostname, port: api.port, path: path(element), method, headers, agent });
	const reply = new Promise((done, fail) => {
		r.on('response', done);
		r.on('error', fail);
	});
	reply.catch(() => 0);
	return { r, reply };
}
async function text(reply) {
	const all = [];
	for await (const b of reply)
		all.push(b);
	return Buffer.concat(all);
}
async function write(r, data) {
	if (!r.write(data))
		await new Promise(done => r.once('drain', done));
}

/** PUT as multipart/form-data in chunks of unknown number. */
async function put(element, seed, size) {
	const { r, reply } = open('PUT', element, { 'Content-Type': 'multipart/form-data; boundary=frontier' });
	const sum = createHash('sha256');
	await write(r, '--frontier\r\nContent-Disposition: form-data; name="fileName"\r\n\r\nlarge – 1.bin\r\n' +
		'--frontier\r\nContent-Disposition: form-data; name="file"; filename="x"\r\nContent-Type: application/x-large\r\n\r\n');
	for (let i = 0; i * BLOCK < size; i++) {
		const b = block(seed, i);
		sum.update(b);
		await write(r, b);
	}
	r.end('\r\n--frontier--\r\n');
	const answer = await reply;
	const body = await text(answer);
	return { status: answer.statusCode, body: body.toString(), sum: sum.digest('hex') };
}

/** GET, with a hand on it after the first piece. */
async function get(element, headers = {}, hand) {
	const { r, reply } = open('GET', element, headers);
	r.end();
	const answer = await reply;
	const sum = createHash('sha256');
	let n = 0;
	for await (const b of answer) {
		sum.update(b);
		n += b.length;
		if (hand) {
			await hand();
			hand = undefined;
		}
	}
	return { status: answer.statusCode, headers: answer.headers, n, sum: sum.digest('hex') };
}

equal((await server.call('POST', '/submodels', submodel)).status, 201, 'a submodel with files');
await server.call('GET', `/submodels/${b64(id)}`);
const before = peak();

let from = Date.now();
const put1 = await put('A', 1, SIZE);
equal([put1.status, put1.body], [204, ''], `${SIZE / 2 ** 20} MiB go in`);
note(`in: ${Math.round(SIZE / 2 ** 20 / ((Date.now() - from) / 1000))} MiB/s`);
from = Date.now();
const got1 = await get('A');
note(`out: ${Math.round(SIZE / 2 ** 20 / ((Date.now() - from) / 1000))} MiB/s`);
equal([got1.status, got1.n, got1.sum], [200, SIZE, put1.sum], 'and come out as they were');
equal([got1.headers['content-length'], got1.headers.etag, got1.headers['accept-ranges']], [String(SIZE), `"sha256-${put1.sum}"`, 'bytes'],
	'with their length and their tag');
equal(got1.headers['content-disposition'], "attachment; filename=\"large ___ 1.bin\"; filename*=UTF-8''large%20%E2%80%93%201.bin", 'and their name');
const grown = peak() - before;
ok(grown < MOST, `the server has taken less than ${MOST / 1024} MiB for it`, `${grown} KiB`);
note(`peak of the memory: ${Math.round(before / 1024)} MiB before, ${Math.round(grown / 1024)} MiB more`);

for (const [a, b] of [[0, 1], [BLOCK - 3, BLOCK + 5], [262143, 262145], [SIZE - 100000, SIZE], [SIZE / 2 + 12345, SIZE / 2 + 1234567]]) {
	const { r, reply } = open('GET', 'A', { Range: `bytes=${a}-${b - 1}` });
	r.end();
	const answer = await reply;
	const bytes = await text(answer);
	ok(answer.statusCode === 206 && answer.headers['content-range'] === `bytes ${a}-${b - 1}/${SIZE}` && bytes.equals(part(1, a, b)),
		`bytes ${a} to ${b - 1}`, `${answer.statusCode} ${answer.headers['content-range']} ${bytes.length}`);
}

// -- the same bytes are kept once --
const once = contents();
const put2 = await put('B', 1, SIZE);
equal([put2.status, contents()], [204, once.replace('|1|', '|2|')], 'the same bytes are kept once');

// -- who breaks off leaves nothing --
const { r: broken, reply: none } = open('PUT', 'C', { 'Content-Type': 'application/octet-stream', 'Content-Length': SIZE });
for (let i = 0; i < 200; i++)
	await write(broken, block(3, i));
const deleted = () => readdirSync(`/proc/${server.child.pid}/fd`).filter(fd => {
	try {
		return readlinkSync(`/proc/${server.child.pid}/fd/${fd}`).includes(`${server.data}/`) && readlinkSync(`/proc/${server.child.pid}/fd/${fd}`).endsWith('(deleted)');
	} catch {
		return false;
	}
}).length;
ok(await until(20, () => deleted() === 1), 'what comes is in a file without a name', `${deleted()}`);
broken.destroy();
await none.catch(() => 0);
ok(await until(20, () => deleted() === 0), 'which is gone when the client is');
equal([contents(), (await server.call('GET', `/submodels/${b64(id)}/submodel-elements/C`)).json.value], [once.replace('|1|', '|2|'), undefined],
	'nothing of it is stored');

// -- bounds --
const { r: large, reply: refused } = open('PUT', 'C', { 'Content-Type': 'application/octet-stream', 'Content-Length': 2 ** 32, Expect: '100-continue' });
large.on('continue', () => large.destroy());
large.flushHeaders();
equal((await refused).statusCode, 413, 'too much is refused before it comes');
large.destroy();

// -- clients that do not read keep nobody waiting --
const slow = [];
for (let i = 0; i < 64; i++) {
	const { r, reply } = open('GET', 'A');
	r.end();
	slow.push(reply.then(answer => {
		answer.on('error', () => 0);
		answer.pause();
		return { r, answer };
	}));
}
const open64 = await Promise.all(slow);
equal(open64.filter(({ answer }) => answer.statusCode === 200).length, 64, '64 clients begin to read');
const others = [];
for (let i = 0; i < 20; i++)
	others.push(await server.call('PUT', `/submodels/${b64(`urn:other:${i}`)}`, { modelType: 'Submodel', id: `urn:other:${i}`, idShort: 'Other' }));
equal(others.filter(({ status }) => status === 201).length, 20, 'and others write meanwhile');
const small = await get('A', { Range: 'bytes=5000000-5999999' });
equal([small.status, small.n], [206, 1000000], 'and read');
for (const { r } of open64)
	r.destroy();

// -- packages: out with a file, kept as it is, and in again --
const some = randomBytes(8 * 2 ** 20);
const raw = (method, where, body, headers = {}) => fetch(server.endpoints.api + where, { method, body, headers });
const bytes = async reply => Buffer.from(await reply.arrayBuffer());
const box = { modelType: 'Submodel', id: 'urn:box', idShort: 'Box', submodelElements: [{ modelType: 'File', idShort: 'F', contentType: 'a/b' }] };
const boxFile = `/submodels/${b64('urn:box')}/submodel-elements/F/attachment`;
equal((await server.call('POST', '/submodels', box)).status, 201, 'a submodel for a package');
equal((await raw('PUT', boxFile, some, { 'Content-Type': 'application/octet-stream' })).status, 204, 'with a file of 8 MiB');
const aasx = await bytes(await raw('GET', `/serialization?submodelIds=${b64('urn:box')}`, undefined,
	{ Accept: 'application/asset-administration-shell-package+json' }));
ok(aasx.length > some.length, 'comes out as a package', `${aasx.length}`);
const form = new FormData();
form.append('file', new Blob([aasx]), 'box.aasx');
equal((await raw('POST', '/packages', form)).status, 201, 'which the file server keeps');
ok((await bytes(await raw('GET', `/packages/${b64('box.aasx')}`))).equals(aasx), 'as it came');
equal((await raw('DELETE', `/packages/${b64('box.aasx')}`)).status, 204, 'and forgets');
const later = await raw('POST', '/packages-async', form);
equal(later.status, 202, 'it takes it to look at it later');
const status = new URL(later.headers.get('location'), server.endpoints.api);
ok(await until(60, async () => (await fetch(status, { redirect: 'manual' })).status === 302), 'and does');
equal((await (await fetch(status)).json()).success, true, 'it could be read');
ok((await bytes(await raw('GET', `/packages/${b64('box.aasx')}`))).equals(aasx), 'and is kept as it came');
equal((await raw('DELETE', `/packages/${b64('box.aasx')}`)).status, 204, 'until it is deleted');
equal((await server.call('DELETE', `/submodels/${b64('urn:box')}`)).status, 204, 'the submodel is deleted');
const upload = async query => (await raw('POST', `/upload${query}`, aasx, { 'Content-Type': 'application/aas+zip' })).json();
const there = contents();
const report = { created: 1, replaced: 0, skipped: 0, files: 1, dryRun: true, items: [{ modelType: 'Submodel', id: 'urn:box', done: 'created' }],
	moreItems: 0, findings: [], moreFindings: 0 };
equal(await upload('?dry-run=true'), report, 'it could come back from the package');
equal(contents(), there, 'to try that leaves no file');
equal(await upload(''), { ...report, dryRun: false }, 'and comes back');
ok((await bytes(await raw('GET', boxFile))).equals(some), 'with its file');
equal((await server.call('DELETE', `/submodels/${b64('urn:box')}`)).status, 204, 'which goes again');

// -- replaced while it is read --
const got3 = await get('A', {}, async () => {
	equal((await put('A', 4, 3 * BLOCK)).status, 204, 'a file is replaced while it is read');
	equal((await put('B', 4, 3 * BLOCK)).status, 204, 'everywhere');
});
equal([got3.n, got3.sum], [SIZE, put1.sum], 'it comes out as it was');
const now = await get('A');
equal([now.status, now.n], [200, 3 * BLOCK], 'whoever asks now gets the new one');
const named = () => server.sql('SELECT count(DISTINCT hash), count(*) FROM twinshell.blob');
const needless = () => server.sql('SELECT count(*) FROM twinshell.content WHERE refs = 0');
equal(named(), '1|2', 'there is one content for both, and none of the old ones');
ok(await until(30, () => needless() === '0'), 'what neither a file nor history needs is gone when it is not read any more', contents());
equal((await server.call('DELETE', `/submodels/${b64(id)}`)).status, 204, 'the submodel goes');
equal(named(), '0|0', 'and its files');
ok(await until(30, () => needless() === '0'), 'of which only history tells', contents());
ok(peak() - before < 2 * MOST, `with 64 clients the server has taken less than ${2 * MOST / 1024} MiB`, `${peak() - before} KiB`);

await stop(server.child);
await finish(dir);
