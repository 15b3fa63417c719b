// SPDX-License-Identifier: Apache-2.0
// import.mjs - two thousand small packages, broken off in the middle and gone on with; one large environment while the server is killed: nothing of
// it is there, and then all.
import { existsSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cli, equal, finish, note, ok, postgres, program, Server, skip, start, stop, until, workspace } from './lib.mjs';

if (!postgres()) {
	skip('imports into PostgreSQL', 'it is not installed');
	await finish();
}
const N = 2000;
const LARGE = 6000;
const dir = workspace();
let server = await new Server(dir).start(90);
const rows = table => Number(server.sql(`select count(*) from ${table}`));
const property = (idShort, value) => ({ modelType: 'Property', idShort, valueType: 'xs:int', value: String(value),
	semanticId: { type: 'ExternalReference', keys: [{ type: 'GlobalReference', value: `urn:p:${idShort}` }] } });
const submodel = (id, n) => ({ modelType: 'Submodel', id, idShort: 'S', submodelElements: Array.from({ length: n }, (_, i) => property(`P${i}`, i)) });

const folder = join(dir, 'packages');
for (let i = 0; i < N; i++) {
	const at = join(folder, String(i % 7));
	mkdirSync(at, { recursive: true });
	writeFileSync(join(at, `${i}.json`), JSON.stringify({
		assetAdministrationShells: [{ modelType: 'AssetAdministrationShell', id: `urn:i:a:${i}`, assetInformation: { assetKind: 'Instance', globalAssetId: `urn:i:g:${i}` } }],
		submodels: [submodel(`urn:i:s:${i}`, 3), submodel(`urn:i:t:${i}`, 1)],
	}));
}
const journal = join(dir, 'journal');
const words = () => ['import', '--url', server.url, '--ignore-duplicates', '--journal', journal, folder];
const before = rows('shell');
const noted = () => existsSync(journal) && readFileSync(journal, 'utf8').split('\n').length - 2;
const first = start(program, words());
ok(await until(60, () => noted() > 100, 2), 'an import of many files is on its way');
first.kill('SIGKILL');
await first.done;
const done = noted();
ok(done < N, `it was broken off after ${done}`);
await until(20, () => server.sql("select count(*) from pg_stat_activity where state = 'idle in transaction'") === '0');
const there = rows('shell') - before;
ok(there >= done && there <= done + 2, 'what it noted is there, and perhaps what it was about', there);
equal(server.sql("select count(*) from shell a join submodel s on s.id = replace(a.id, ':a:', ':s:') join submodel t on t.id = replace(a.id, ':a:', ':t:')" +
	" where a.id like 'urn:i:a:%'"), String(there), 'each of them whole');
const from = Date.now();
const second = cli(words());
ok(second.code === 0 && second.out.startsWith(`${done} files were imported before`) && second.out.includes(`${N - done} of ${N - done} files imported`),
	'a second run does the rest', second.out.slice(-300) + second.err);
note(`${N - done} files in ${Date.now() - from} ms`);
equal(rows('shell') - before, N, 'then all are there');
equal(cli(words()).out, `${N} files were imported before, as the journal says\n`, 'and nothing is left');
writeFileSync(join(folder, '0', '0.json'), `${readFileSync(join(folder, '0', '0.json'), 'utf8')}\n`);
const changedOne = cli(words());
ok(changedOne.out.startsWith(`${N - 1} files were imported before`) && changedOne.out.includes('0/0.json: 0 created, 3 there already'), 'but what was changed since',
	changedOne.out);
truncateSync(journal, statSync(journal).size - 3);
const brokenLine = cli(words());
ok(brokenLine.out.startsWith(`${N - 1} files were imported before`) && brokenLine.out.includes('0/0.json: 0 created, 3 there already'),
	'and what stands on a line that was not written to its end', brokenLine.out);
equal(cli(words()).out, `${N} files were imported before, as the journal says\n`, 'which the journal survives');
equal(cli(['db', 'verify', '--database', server.endpoints.database]).code, 0, 'what they are found by is right');

const large = join(dir, 'large.json');
writeFileSync(large, JSON.stringify({ submodels: Array.from({ length: LARGE }, (_, i) => submodel(`urn:l:${i}`, 40)) }));
const submodels = rows('submodel');
const database = server.endpoints.database;
/* What is not committed takes its room all the same: so many portions are written, and many are to come. */
const room = () => Number(server.sql("select pg_relation_size('twinshell.element')"));
const empty = room();
const third = start(program, ['import', '--url', server.url, large]);
ok(await until(60, () => room() > empty + 5e6, 1), 'a large import writes');
server.child.kill('SIGKILL');
await server.child.done;
equal((await third.done).code, 69, 'the server is killed: the client says so');
server = await new Server(dir).start(90);
note(`${database === server.endpoints.database ? 'the same' : 'another'} address of the database`);
await until(20, () => server.sql("select count(*) from pg_stat_activity where query like 'COPY%' and state <> 'idle'") === '0');
equal(rows('submodel'), submodels, 'nothing of it is there');
equal(server.sql("select count(*) from history where id like 'urn:l:%'"), '0', 'and nothing is told of it');
const peak = () => Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))[1]) / 1024;
const small = peak();
const fourth = cli(['import', '--url', server.url, large]);
ok(fourth.code === 0 && fourth.out.includes(`${LARGE} created`), 'then it is imported', JSON.stringify(fourth));
equal(rows('submodel'), submodels + LARGE, 'and all is there');
const grown = peak() - small;
/* The server has read nothing when it starts, so what it needs for its work at all counts here too. */
ok(grown < 110, `of ${Math.round(statSync(large).size / 1e6)} MB not all was in memory at once: it grew by ${Math.round(grown)} MB`);
/* The engine looks at what came whether it is a twin, in its order: when this one is bound, it has seen all.  What the
 * publisher of events keeps, 64 MiB at most, counts too. */
const text = (idShort, value) => ({ modelType: 'Property', idShort, valueType: 'xs:string', value });
const twin = { modelType: 'Submodel', id: 'urn:twin', semanticId: { type: 'ExternalReference', keys: [{ type: 'GlobalReference', value: 'https://twinshell.org/submodel/TwinEngine/1/0' }] },
	submodelElements: [text('Mode', 'shadow'), { modelType: 'SubmodelElementCollection', idShort: 'Connection', value: [text('State', '')] }] };
equal((await server.call('POST', '/submodels', twin)).status, 201, 'a twin comes behind it');
ok(await until(60, async () => await server.value('urn:twin', 'Connection.State') === 'connected'), 'and is bound');
const kept = Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))[1]) / 1024 - small;
ok(kept < 130, `the server keeps ${Math.round(kept)} MB of it`);
equal((await server.call('DELETE', `/submodels/${Buffer.from('urn:twin').toString('base64url')}`)).status, 204, 'it goes');
equal(cli(['import', '--url', server.url, '--ignore-duplicates', large]).out, `${large}: 0 created, ${LARGE} there already, 0 files\n`, 'again: nothing');
const list = Array.from({ length: LARGE }, (_, i) => submodel(`urn:l:${i + LARGE}`, 20));
const upload = async value => {
	const r = await fetch(`${server.endpoints.api}/upload`, { method: 'POST', body: JSON.stringify({ submodels: value }), headers: { 'Content-Type': 'application/json' } });
	return { status: r.status, findings: (await r.json()).findings };
};
const faulty = await upload(list.map((s, i) => i === 7 || i === LARGE - 1 ? { ...s, idShort: '1 2' } : i === 9 ? submodel('urn:l:3', 1) : s));
equal([faulty.status, faulty.findings.map(f => f.path).sort()], [400, [`submodels[${LARGE - 1}].idShort`, 'submodels[7].idShort', 'submodels[9]']],
	'of a large one every fault is told, too');
equal(rows('submodel'), submodels + LARGE, 'and nothing of it is there');
const half = await server.call('POST', '/upload', { submodels: [submodel('urn:l:3', 1)],
	assetAdministrationShells: Array.from({ length: 9 }, (_, i) => ({ modelType: 'AssetAdministrationShell', id: `urn:half:${i}`, assetInformation: { assetKind: 'Type', globalAssetId: 'urn:g' } })) });
equal([half.status, server.sql("select count(*) from shell where id like 'urn:half:%'")], [409, '0'], 'nor of a small one whose shells were written when a submodel was refused');
const twice = await upload([...list, list[0]]);
equal([twice.status, rows('submodel')], [200, submodels + 2 * LARGE], 'the same thing may come twice');
equal(server.sql("select count(*) from element e join submodel s on s.key = e.submodel where s.id like 'urn:l:%'"), String(LARGE * (40 + 20)), 'with its elements');
const changed = await server.call('PATCH', `/submodels/${Buffer.from('urn:l:4711').toString('base64url')}/submodel-elements/P7/$value`, '8');
equal([changed.status, await server.value('urn:l:4711', 'P7')], [204, 8], 'which can be written');
const many = Array.from({ length: 300 }, (_, i) => submodel(`urn:m:${i}`, 1));
equal((await upload(many)).status, 200, 'some more');
const both = await server.call('POST', '/upload?replace=true', { submodels: [...many, { ...many[299], idShort: 'Last' }] });
equal([both.status, both.json.replaced, server.sql("select version, id_short from submodel where id = 'urn:m:299'")], [200, 301, '3|Last'],
	'of two of one id the later one replaces the other, though that is not in memory any more');
writeFileSync(large, JSON.stringify({ submodels: Array.from({ length: LARGE }, (_, i) => ({ ...submodel(`urn:l:${i + LARGE}`, 20), idShort: 'Newer' })) }));
equal(cli(['import', '--url', server.url, '--replace', large]).out, `${large}: 0 created, ${LARGE} replaced, 0 there already, 0 files\n`, 'all of a large one is replaced');
equal(server.sql("select count(*), min(version), count(distinct id_short) from submodel where id_short = 'Newer'"), `${LARGE}|2|1`, 'indeed');
await stop(server.child);
await finish(server.dir);
