// SPDX-License-Identifier: Apache-2.0
// gone.mjs - clients that go away while the database is at their query: it is not gone on with, and others get their answers.
import { request } from 'node:http';
import { equal, finish, ok, postgres, Server, skip, start, stop, until, workspace } from './lib.mjs';

if (!postgres()) {
	skip('queries on PostgreSQL', 'it is not installed');
	await finish();
}
const server = await new Server(workspace()).start(90);
const submodel = id => ({ modelType: 'Submodel', id, idShort: 'S', submodelElements: [{ modelType: 'Property', idShort: 'P', valueType: 'xs:int', value: '1' }] });
const query = { $condition: { $eq: [{ $field: '$sm#idShort' }, { $strVal: 'S' }] } };
for (const id of ['urn:1', 'urn:2'])
	equal((await server.call('POST', '/submodels', submodel(id))).status, 201, id);
equal((await server.call('POST', '/query/submodels', query)).json.result.length, 2, 'a query finds both');

// Whoever holds this lock holds up every query: for at most 10 s, then they are given up.
const holder = start('psql', [server.endpoints.database, '-XAtq'], { stdin: 'pipe' });
const hold = async () => {
	holder.stdin.write("begin; lock table twinshell.submodel in access exclusive mode; select 'held';\n");
	ok(await until(20, () => holder.lines.splice(0).includes('held')), 'all queries are held up');
};
const waiting = () => Number(server.sql("select count(*) from pg_locks where not granted and relation = 'twinshell.submodel'::regclass"));
function ask() {
	const r = request(`${server.endpoints.api}/query/submodels`, { method: 'POST', headers: { 'Content-Type': 'application/json' } });
	const reply = new Promise(done => {
		r.on('response', async answer => {
			let text = '';
			for await (const piece of answer)
				text += piece;
			done({ status: answer.statusCode, text });
		});
		r.on('error', () => done({ status: 0 }));
	});
	r.end(JSON.stringify(query));
	return { r, reply };
}
await hold();
const away = [ask(), ask(), ask()];
const patient = ask();
ok(await until(8, () => waiting() === 4), 'four clients wait');
for (const { r } of away)
	r.destroy();
ok(await until(5, () => waiting() === 1), 'three go away: the database works for the fourth alone', waiting());
holder.stdin.write('rollback;\n');
const answer = await patient.reply;
equal([answer.status, answer.status === 200 && JSON.parse(answer.text).result.length], [200, 2], 'who gets his answer');
for (let i = 0; i < 8; i++)
	equal((await server.call('POST', '/query/submodels', query)).status, 200, 'and so does everybody behind them');
await stop(holder);
await stop(server.child);
await finish(server.dir);
