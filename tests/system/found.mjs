// SPDX-License-Identifier: Apache-2.0
// found.mjs - queries whose search nobody waits for: the same answers as ever, also when the database keeps the search waiting.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { equal, finish, ok, postgres, program, Server, skip, source, start, stop, until, workspace } from './lib.mjs';

if (!postgres()) {
	skip('searches on PostgreSQL', 'it is not installed');
	await finish();
}
const server = await new Server(workspace()).start(90);
const script = spawnSync(join(dirname(program), 'tests/api/run'), [join(source, 'tests/api/82-query-again.http')],
	{ encoding: 'utf8', timeout: 60000, env: { ...process.env, TWINSHELL_URL: server.endpoints.api } });
equal([script.status, /^not ok.*/m.exec(script.stdout)?.[0], /^ok /m.test(script.stdout)], [0, undefined, true], 'the script of the API, on PostgreSQL');

const query = { $condition: { $eq: [{ $field: '$sme.Plain#value' }, { $strVal: 'plain' }] } };
const ids = async () => (await server.call('POST', '/query/submodels', query)).json?.result?.map(s => s.id);
for (let i = 0; i < 5; i++)
	equal(await ids(), ['urn:again:a', 'urn:again:c'], 'two are found');
const holder = start('psql', [server.endpoints.database, '-XAtq'], { stdin: 'pipe' });
holder.stdin.write("begin; lock table twinshell.submodel in access exclusive mode; select 'held';\n");
ok(await until(20, () => holder.lines.splice(0).includes('held')), 'all searches are held up');
const held = [ids(), ids(), ids()];
const waiting = () => Number(server.sql("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%twinshell.key_of(%'"));
ok(await until(8, () => waiting() === held.length), 'they are given up where they keep others waiting, and each waits in a session of its own', waiting());
holder.stdin.write('rollback;\n');
for (const answer of await Promise.all(held))
	equal(answer, ['urn:again:a', 'urn:again:c'], 'and has its answer then');
equal(await ids(), ['urn:again:a', 'urn:again:c'], 'as who comes later has');
await stop(holder);
await stop(server.child);
await finish(server.dir);
