// SPDX-License-Identifier: Apache-2.0
// bulk.mjs - much in and much out: progress of an upload as events, a thousand packages with files that go out and come in again and are broken off in
// both directions, and environments larger than what the server may grow by.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { b64, cli, equal, finish, installed, note, ok, postgres, program, run, Server, skip, start, stop, until, workspace } from './lib.mjs';

if (!postgres()) {
	skip('bulk in and out with PostgreSQL', 'it is not installed');
	await finish();
}
const PACKAGES = 1000;
const LARGE = 20000;
const HEAVY_MB = 96;
const GROWTH_MB = 40;	// of the server's memory, while much more than that goes through it
const dir = workspace();
const property = (idShort, value) => ({ modelType: 'Property', idShort, valueType: 'xs:int', value: String(value),
	semanticId: { type: 'ExternalReference', keys: [{ type: 'GlobalReference', value: `urn:b:c:${idShort}` }] } });
const submodel = (id, n) => ({ modelType: 'Submodel', id, idShort: 'S', submodelElements: Array.from({ length: n }, (_, i) => property(`P${i}`, i)) });
const status = (server, name) => Number(new RegExp(`${name}:\\s*(\\d+)`).exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))[1]) / 1024;

// What a piece of work adds to the memory of the server, at its highest.
async function grown(server, work) {
	writeFileSync(`/proc/${server.child.pid}/clear_refs`, '5');
	const before = status(server, 'VmRSS');
	const result = await work();
	return [result, Math.round(status(server, 'VmHWM') - before)];
}
const parse = text => text.split('\n\n').filter(Boolean).map(e => {
	const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(e) ?? [];
	return { event, data: data && JSON.parse(data) };
});
async function upload(server, body, query = '', type = 'application/json') {
	const r = await fetch(`${server.endpoints.api}/upload${query}`, { method: 'POST', body, headers: { 'Content-Type': type, Accept: 'text/event-stream' } });
	return { status: r.status, type: r.headers.get('Content-Type'), events: parse(await r.text()) };
}

// -- progress ---------------------------------------------------------------------------------------------------------------------------
let server = await new Server(join(dir, 'one'), ['--events', 'none', '--cache', '16']).start(90);
const rows = what => Number(server.sql(`select count(*) from ${what}`));

async function progress() {
	const few = JSON.stringify({ submodels: [submodel('urn:b:few', 2)] });
	const r = await upload(server, few);
	equal([r.status, r.type, [...new Set(r.events.map(e => e.event))]], [200, 'text/event-stream', ['progress', 'report']], 'an upload is answered with events');
	equal(r.events.slice(0, -1).map(e => e.data.phase), ['reading', 'storing', 'committing'], 'of each phase one at least');
	equal(r.events.at(-1).data.status, 200, 'and at the end with the report');
	equal([r.events.at(-1).data.report.created, r.events.at(-1).data.report.items[0].id], [1, 'urn:b:few'], 'as it would be without events');
	equal(rows("submodel where id = 'urn:b:few'"), 1, 'then it is there');
	const again = (await upload(server, few)).events;
	equal([again.at(-1).event, again.at(-1).data.status, again.at(-1).data.report.findings[0].path], ['report', 409, 'submodels[0]'], 'a refusal is a report too');
	equal((await upload(server, few, '?ignore-duplicates=true&dry-run=true')).events.map(e => e.data.phase ?? e.data.report.skipped).at(-1), 1, 'with the same queries');
	const none = (await upload(server, 'hello')).events;
	equal(none.at(-1).data.status, 415, 'what is no environment is told');
	equal((await upload(server, few, '', 'text/html')).status, 415, 'what is refused before it is read has its status');
	const plain = await fetch(`${server.endpoints.api}/upload?ignore-duplicates=true`, { method: 'POST', body: few,
		headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream;q=0.5' } });
	equal([plain.status, (await plain.json()).skipped], [200, 1], 'who wants JSON more gets that');
}

// A bar is for people: on a terminal (script gives one) it is there unless they do not want it, and in a file only if they do.
async function terminal() {
	if (!installed('script'))
		return skip('a bar on a terminal', 'there is no script(1)');
	const file = join(dir, 'few.json');
	writeFileSync(file, JSON.stringify({ submodels: [submodel('urn:b:few', 2)] }));
	const words = ['import', '--url', server.url, '--ignore-duplicates', file];
	const out = ['export', '--url', server.url, '--output', join(dir, 'few.out.json')];
	const shown = w => run('script', ['-qec', [program, ...w].map(word => `'${word}'`).join(' '), '/dev/null']);
	const bar = text => text.includes('\r\u001b[K[');
	const first = shown(words);
	ok(bar(first) && /[01] created, [01] there already/.test(first), 'an import on a terminal shows a bar', JSON.stringify(first));
	ok(!bar(shown([...words, '--no-progress'])), 'which can be refused');
	ok(bar(shown(out)) && !bar(shown([...out, '--no-progress'])), 'so does an export');
	ok(!bar(cli(words).err) && bar(cli([...words, '--progress']).err), 'without a terminal it is there on demand alone');
}

// What answers an export may be anything: only what came whole and is what was asked for becomes a file.
async function foreign() {
	const answers = { '{"submodels":[{"modelType":"Submodel","id":"urn:x"}]}': 0, '{"submodels":[{"modelType":"Submodel","id":"ur': 69, '<html/>': 69, '': 69 };
	let answer;
	const other = createServer((_, reply) => reply.end(answer)).listen(0, '127.0.0.1');
	await once(other, 'listening');
	const file = join(dir, 'foreign.json');
	for (const [text, code] of Object.entries(answers)) {
		answer = text;
		writeFileSync(file, 'earlier');
		const r = await start(program, ['export', '--url', `http://127.0.0.1:${other.address().port}`, '--output', file]).done;
		equal([r.code, readFileSync(file, 'utf8')], [code, code ? 'earlier' : text], `an export that is answered with ${text || 'nothing'}`);
	}
	other.close();
}

// A file in a package is never whole in the memory, on its way in and on its way out.
async function heavy() {
	const words = ['urn:b:heavy', 'F'];
	const path = `/submodels/${b64(words[0])}/submodel-elements/${words[1]}/attachment`;
	const url = `${server.endpoints.api}/serialization?submodelIds=${b64(words[0])}`;
	equal((await server.call('POST', '/submodels', { ...withFile(0), id: words[0] })).status, 201, 'a submodel with a file');
	equal(await putFile(path, randomBytes(HEAVY_MB << 20), 'heavy.bin', 'application/octet-stream'), 204, `of ${HEAVY_MB} MiB`);
	const [body, out] = await grown(server, async () => (await fetch(url, { headers: { Accept: 'application/aas+zip' } })).arrayBuffer());
	ok(body.byteLength > HEAVY_MB << 20 && out < GROWTH_MB, `goes out in a package; the server grew by ${out} MB`, body.byteLength);
	equal((await server.call('DELETE', `/submodels/${b64(words[0])}`)).status, 204, 'it is deleted');
	const [r, into] = await grown(server, () => upload(server, Buffer.from(body), '', 'application/aas+zip'));
	equal([r.events.at(-1).data.status, r.events.at(-1).data.report?.files], [200, 1], 'the package comes in');
	ok(into < GROWTH_MB, `the server grew by ${into} MB`);
	equal((await server.call('DELETE', `/submodels/${b64(words[0])}`)).status, 204, 'and goes');
}

// The client goes away as soon as the server has begun to store: it is stored as a whole nevertheless.
async function goneAway() {
	const body = JSON.stringify({ submodels: Array.from({ length: 5000 }, (_, i) => submodel(`urn:b:gone:${i}`, 10)) });
	const at = new URL(`${server.endpoints.api}/upload`);
	const seen = await new Promise(done => {
		const r = request(at, { method: 'POST', headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' } }, reply => {
			reply.on('data', data => {
				reply.destroy();
				done(String(data));
			});
			reply.on('error', () => {});
		});
		r.on('error', () => {});
		r.end(body);
	});
	ok(seen.startsWith('event: progress\n'), 'a client goes away in the middle', seen);
	const n = () => rows("submodel where id like 'urn:b:gone:%'");
	ok(await until(60, () => n() > 0), 'the upload goes on');
	equal(n(), 5000, 'and nothing half is there');
	equal((await upload(server, JSON.stringify({ submodels: [submodel('urn:b:after', 1)] }))).events.at(-1).data.status, 200, 'the server goes on, too');
}

// -- large ---------------------------------------------------------------------------------------------------------------------------------
async function large() {
	const list = Array.from({ length: LARGE }, (_, i) => submodel(`urn:b:l:${i}`, 10));
	const json = join(dir, 'large.json');
	const xml = join(dir, 'large.xml');
	writeFileSync(json, JSON.stringify({ submodels: list }));
	equal(cli(['convert', json, xml]).code, 0, 'a large environment, as JSON and as XML');
	const mb = name => Math.round(statSync(name).size / 1e6);
	const [r, more] = await grown(server, () => upload(server, readFileSync(json)));
	const steps = r.events.filter(e => e.event === 'progress').map(e => e.data);
	ok(more < 2 * GROWTH_MB, `${mb(json)} MB of JSON come in; the server grew by ${more} MB`);
	equal([r.events.at(-1).data.status, r.events.at(-1).data.report.created], [200, LARGE], 'all of it');
	ok(steps.length >= 3 + LARGE / 1000, `with ${steps.length} events`);
	ok(steps.every((s, i) => !i || (s.read >= steps[i - 1].read && s.bytes >= steps[i - 1].bytes && s.created >= steps[i - 1].created)), 'that only grow');
	equal([steps.at(-1).phase, steps.at(-1).read, steps.at(-1).bytes], ['committing', LARGE, statSync(json).size], 'up to the end');
	const [again, most] = await grown(server, () => upload(server, readFileSync(json), '?replace=true'));
	equal([again.events.at(-1).data.status, again.events.at(-1).data.report.replaced], [200, LARGE], 'and once more, in its place');
	ok(most < GROWTH_MB, `the server grew by ${most} MB`);
	const bar = cli(['import', '--url', server.url, '--ignore-duplicates', '--progress', xml]);
	ok(bar.code === 0 && bar.out === `${xml}: 0 created, ${LARGE} there already, 0 files\n`, `${mb(xml)} MB of XML say the same`, JSON.stringify(bar).slice(0, 500));
	ok(bar.err.includes('\r\u001b[K[') && bar.err.includes(' read, 0 created'), 'the bar shows what the server says', JSON.stringify(bar.err.slice(-600)));
	await stop(server.child);

	server = await new Server(join(dir, 'one'), ['--events', 'none', '--cache', '16']).start(90);
	for (const [name, accept] of [['json', 'application/json'], ['xml', 'application/xml'], ['aasx', 'application/aas+zip']]) {
		const out = join(dir, `out.${name}`);
		const [e, growth] = await grown(server, () => cli(['export', '--url', server.url, '--output', out]));
		ok(e.code === 0 && growth < GROWTH_MB, `${mb(out)} MB go out as ${accept}; the server grew by ${growth} MB`, JSON.stringify(e));
		ok(!e.err.includes('\r'), 'without a terminal there is no bar');
	}
	const count = LARGE + 5000 + 2;
	const size = statSync(join(dir, 'out.json')).size;
	equal(JSON.parse(readFileSync(join(dir, 'out.json'), 'utf8')).submodels.length, count, 'all of them, as JSON');
	const packed = cli(['check', join(dir, 'out.aasx')]);
	ok(packed.code === 0 && packed.out.includes(`${count} submodels`), 'and in the package', JSON.stringify(packed));
	const pair = value => JSON.stringify({ submodels: ['urn:!first', 'urn:~last'].map(id => ({ modelType: 'Submodel', id, idShort: `V${value}` })) });
	equal((await upload(server, pair(0))).events.at(-1).data.status, 200, 'two submodels, the first and the last');
	let going = true;
	let value = 0;
	const writer = (async () => {
		while (going)
			await upload(server, pair(++value), '?replace=true');
	})();
	const differ = [];
	const begun = value;
	for (let i = 0; i < 3; i++) {
		const seen = (await server.call('GET', '/serialization')).json.submodels;
		if (seen[0].idShort !== seen.at(-1).idShort || seen[0].id !== 'urn:!first' || seen.at(-1).id !== 'urn:~last')
			differ.push([seen[0], seen.at(-1)]);
	}
	going = false;
	await writer;
	equal(differ, [], `are of the same moment, while they are written (${value - begun} times)`);
	for (const id of ['urn:!first', 'urn:~last'])
		await server.call('DELETE', `/submodels/${b64(id)}`);
	const part = await fetch(`${server.endpoints.api}/serialization`, { headers: { Range: 'bytes=0-99' } });
	equal([part.status, part.headers.get('Content-Range'), (await part.text()).length], [206, `bytes 0-99/${size}`, 100], 'a part of it can be had');
	const shown = cli(['export', '--url', server.url, '--progress', '--format', 'xml']);
	ok(shown.code === 0 && shown.out.startsWith('<?xml') && shown.err.includes('MB/s'), 'a bar and a format on demand', shown.err.slice(-300));
	const slow = await fetch(`${server.endpoints.api}/serialization`);
	equal((await server.call('GET', `/submodels/${b64('urn:b:few')}`)).status, 200, 'who does not read on holds up nobody');
	equal(server.sql("select count(*) from pg_stat_activity where state = 'idle in transaction'"), '0', 'and keeps no transaction open');
	equal((await slow.arrayBuffer()).byteLength, size, 'and gets all of it later');
}

// -- packages --------------------------------------------------------------------------------------------------------------------------------
const shell = i => ({ modelType: 'AssetAdministrationShell', id: `urn:b:a:${i}`, assetInformation: { assetKind: 'Instance', globalAssetId: `urn:b:g:${i}` },
	submodels: [`urn:b:s:${i}`, 'urn:b:shared'].map(value => ({ type: 'ModelReference', keys: [{ type: 'Submodel', value }] })) });
const withFile = i => ({ ...submodel(`urn:b:s:${i}`, 2), submodelElements: [property('P0', i), { modelType: 'File', idShort: 'F', contentType: 'text/plain' }] });
const bytesOf = (what, i) => `${what} of ${i} `.repeat(i === 7 ? 20000 : 3);
const element = i => `/submodels/${b64(`urn:b:s:${i}`)}/submodel-elements/F/attachment`;
const thumbnail = i => `/shells/${b64(`urn:b:a:${i}`)}/asset-information/thumbnail`;
const WITH_FILES = Array.from({ length: 20 }, (_, i) => i * 7);

async function putFile(path, text, name, type) {
	const form = new FormData();
	form.set('fileName', name);
	form.set('file', new Blob([text], { type }), name);
	return (await fetch(server.endpoints.api + path, { method: 'PUT', body: form })).status;
}
async function contents() {
	const r = await server.call('GET', '/serialization');
	const files = {};
	for (const i of WITH_FILES)
		for (const path of [element(i), thumbnail(i)])
			files[path] = (await server.call('GET', path)).text;
	return JSON.stringify([r.json, files]);
}
const folder = name => Object.fromEntries(readdirSync(join(dir, name)).sort().map(f => [f, readFileSync(join(dir, name, f), 'latin1')]));

async function packages() {
	const all = {
		assetAdministrationShells: Array.from({ length: PACKAGES }, (_, i) => shell(i)),
		submodels: [...Array.from({ length: PACKAGES }, (_, i) => withFile(i)), submodel('urn:b:shared', 1)],
		conceptDescriptions: [0, 1].map(i => ({ modelType: 'ConceptDescription', id: `urn:b:c:P${i}`, idShort: `C${i}` })).slice(0, 1),
	};
	equal((await upload(server, JSON.stringify(all))).events.at(-1).data.status, 200, `${PACKAGES} shells with their submodels`);
	const put = [];
	for (const i of WITH_FILES) {
		put.push(await putFile(element(i), bytesOf('file', i), 'manual.txt', 'text/plain'));
		put.push(await putFile(thumbnail(i), bytesOf('picture', i), 'picture.png', 'image/png'));
	}
	equal(put.filter(s => s !== 204), [], 'files and thumbnails for some');
	const before = await contents();
	const whole = split('aasx', 'whole');
	ok(whole.code === 0 && whole.out.includes(`${PACKAGES} shells as of `) && whole.out.includes(', 0 of them written before'), 'a package for each shell', JSON.stringify(whole));
	const names = readdirSync(join(dir, 'whole'));
	ok(names.length === PACKAGES && names.every(n => n.endsWith('.aasx')), 'and nothing else', names.length);
	await brokenOff('aasx', 'killed', folder('whole'), [970, 77, 98, 971]);
	equal(split('json', 'texts').code, 0, 'or a text for each');
	await brokenOff('json', 'cut', folder('texts'), [972, 84, 91, 973]);
	await stop(server.child);
	return before;
}

const splitWords = (form, name) => ['export', '--url', server.url, '--format', form, '--split', join(dir, name)];
const split = (form, name) => cli(splitWords(form, name), { seconds: 120 });

// Breaks an export off, changes shells whose turn has not come, and lets it go on: all is as it was at the beginning.
async function brokenOff(form, name, complete, late) {
	const journal = join(dir, name, '.twinshell-export');
	const noted = () => existsSync(journal) && readFileSync(journal, 'utf8').split('\n').length - 2;
	const first = start(program, splitWords(form, name));
	ok(await until(60, () => noted() > 100, 2), `an export as ${form} is on its way`);
	first.kill('SIGKILL');
	await first.done;
	const done = noted();
	ok(done < PACKAGES, `it was broken off after ${done}`);
	const there = Object.entries(folder(name)).filter(([file]) => file[0] !== '.');
	equal(there.filter(([file, text]) => complete[file] !== text).map(([file]) => file), [], 'no file is half there');
	const [deleted, file, picture, written] = late;
	ok(!there.some(([f]) => late.some(i => f.startsWith(`urn_b_a_${i}-`))), 'of some nothing is there yet', there.length);
	equal([
		(await server.call('DELETE', `/shells/${b64(`urn:b:a:${deleted}`)}`)).status,
		await putFile(element(file), 'other bytes', 'other.txt', 'text/plain'),
		await putFile(thumbnail(picture), 'another picture', 'other.png', 'image/png'),
		(await server.call('PATCH', `/submodels/${b64(`urn:b:s:${written}`)}/submodel-elements/P0/$value`, '4711')).status,
		(await server.call('POST', '/shells', { ...shell(9), id: `urn:b:a:9999:${form}` })).status,
	], [204, 204, 204, 204, 201], 'one of them is deleted, the file, the picture and the value of others are other ones, and one is new');
	const second = split(form, name);
	ok(second.code === 0 && second.out.includes(`${PACKAGES} shells as of `) && second.out.includes(`, ${done} of them written before`), 'the same words do the rest', JSON.stringify(second));
	const now = folder(name);
	equal(Object.keys({ ...now, ...complete }).filter(f => now[f] !== complete[f]), [], 'byte for byte what one run would have written');
	equal([
		(await server.call('POST', '/shells', shell(deleted))).status,
		await putFile(element(file), bytesOf('file', file), 'manual.txt', 'text/plain'),
		await putFile(thumbnail(picture), bytesOf('picture', picture), 'picture.png', 'image/png'),
		(await server.call('PATCH', `/submodels/${b64(`urn:b:s:${written}`)}/submodel-elements/P0/$value`, String(written))).status,
		(await server.call('DELETE', `/shells/${b64(`urn:b:a:9999:${form}`)}`)).status,
	], [201, 204, 204, 204, 204], 'and it is put back');
}

async function backAgain(before) {
	server = await new Server(join(dir, 'three'), ['--events', 'none']).start(90);
	const journal = join(dir, 'journal');
	const words = ['import', '--url', server.url, '--ignore-duplicates', '--journal', journal, join(dir, 'whole')];
	const noted = () => existsSync(journal) && readFileSync(journal, 'utf8').split('\n').length - 2;
	const first = start(program, words);
	ok(await until(60, () => noted() > 100, 2), 'the packages are on their way back');
	first.kill('SIGKILL');
	await first.done;
	ok(noted() < PACKAGES, `it was broken off after ${noted()}`);
	await until(20, () => server.sql("select count(*) from pg_stat_activity where state = 'idle in transaction'") === '0');
	equal(server.sql("select count(*) from shell a left join submodel s on s.id = replace(a.id, ':a:', ':s:') where a.id like 'urn:b:a:%' and s.id is null"), '0',
		'no package is half there');
	const second = cli(['import', '--progress', ...words.slice(1)], { seconds: 120 });
	ok(second.code === 0 && second.out.includes('files imported'), 'the same words do the rest', JSON.stringify(second).slice(-600));
	ok(/\[#{23}[#.]\] \d+\/\d+ {2}\d+\/s {2}\d+\.\d MB\/s {2}0:00 left/.test(second.err), 'with a bar: rate and time left', JSON.stringify(second.err.slice(-400)));
	ok(await contents() === before, 'what went out is back: shells, submodels, concept descriptions, files and thumbnails');
	const once = cli(words, { seconds: 120 });
	equal([once.code, once.out], [0, `${PACKAGES} files were imported before, as the journal says\n`], 'and once more changes nothing');
	await stop(server.child);
}

await progress();
await terminal();
await foreign();
await heavy();
await goneAway();
await large();
await stop(server.child);
server = await new Server(join(dir, 'two'), ['--events', 'none']).start(90);
const before = await packages();
await backAgain(before);
note('done');
await finish(dir);
