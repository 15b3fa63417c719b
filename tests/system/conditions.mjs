// SPDX-License-Identifier: Apache-2.0
// conditions.mjs - many clients who have all read the same version, on PostgreSQL: one of them may change it, whichever way; the others get 412.
import { b64, equal, finish, postgres, Server, skip, stop, workspace } from './lib.mjs';

const CLIENTS = 12;
const ROUNDS = 5;
const id = 'urn:conditions';
const path = `/submodels/${b64(id)}`;
const submodel = speed => ({ modelType: 'Submodel', id, idShort: 'Conditions', submodelElements: [
	{ modelType: 'Property', idShort: 'Speed', valueType: 'xs:int', value: String(speed) },
	{ modelType: 'Property', idShort: 'Count', valueType: 'xs:int', value: '0' }] });

/** How often each status came back. */
function counted(answers) {
	const counts = {};
	for (const { status } of answers)
		counts[status] = (counts[status] ?? 0) + 1;
	return counts;
}
const together = f => Promise.all(Array.from({ length: CLIENTS }, (_, i) => f(i)));

if (!postgres()) {
	skip('conditions on PostgreSQL', 'it is not installed');
	await finish();
}
const server = await new Server(workspace()).start(90);
const tag = async () => (await server.call('GET', path)).headers.get('ETag');

const changes = {
	PUT: (i, have) => server.call('PUT', path, submodel(i), { 'If-Match': have }),
	'PATCH of a value': (i, have) => server.call('PATCH', `${path}/submodel-elements/Speed/$value`, i, { 'If-Match': have }),
	'PUT of an element': (i, have) => server.call('PUT', `${path}/submodel-elements/Speed`, submodel(i).submodelElements[0], { 'If-Match': have }),
	/* one of many kinds, together with writers of values who ask for nothing */
	'one of each': (i, have) => i % 4 === 3 ? server.call('DELETE', `${path}/submodel-elements/Count`, undefined, { 'If-Match': have })
		: Object.values(changes)[i % 4](i, have),
};

for (let round = 0; round < ROUNDS; round++) {
	const made = await together(i => server.call('PUT', path, submodel(i), { 'If-None-Match': '*' }));
	equal(counted(made), { 201: 1, 412: CLIENTS - 1 }, 'one makes it');
	for (const [name, change] of Object.entries(changes)) {
		const have = await tag();
		const answers = counted(await together(i => change(i, have)));
		equal([(answers[204] ?? 0), answers[412]], [1, CLIENTS - 1], `${name}: one changes it`);
	}
	const have = await tag();
	const busy = await Promise.all([
		together(() => server.call('DELETE', path, undefined, { 'If-Match': have })),
		together(i => server.call('PATCH', `${path}/submodel-elements/Speed/$value`, i)),
	]);
	/* A writer who asks for nothing may come first: then nobody has deleted it. */
	const deleted = counted(busy[0])[204] ?? 0;
	equal([deleted <= 1, (counted(busy[0])[412] ?? 0) + deleted], [true, CLIENTS], 'at most one deletes it');
	const left = (await server.call('GET', path)).status;
	equal(left, deleted ? 404 : 200, 'and it is gone only if one has');
	await server.call('DELETE', path);
}
await stop(server.child);
await finish(server.dir);
