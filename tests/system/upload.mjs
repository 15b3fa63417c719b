// SPDX-License-Identifier: Apache-2.0
// upload.mjs - uploads on PostgreSQL: a conflict does not keep the transaction from telling the others, a dry run leaves nothing behind, and
// packages are stored in the background.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { b64, equal, finish, ok, postgres, Server, skip, source, stop, until, workspace } from './lib.mjs';

if (!postgres()) {
	skip('uploads to PostgreSQL', 'it is not installed');
	await finish();
}
const server = await new Server(workspace()).start(90);
const bytes = name => readFileSync(join(source, 'tests/api', name));
async function send(path, name, fields = {}) {
	const form = new FormData();
	for (const [key, value] of Object.entries(fields))
		form.set(key, value);
	form.set('file', new Blob([bytes(name)], { type: 'application/aas+zip' }), name);
	const r = await fetch(server.endpoints.api + path, { method: 'POST', body: form, signal: AbortSignal.timeout(60000) });
	const text = await r.text();
	return { status: r.status, headers: r.headers, json: text ? JSON.parse(text) : undefined };
}
const rows = () => server.sql('select (select count(*) from submodel) + (select count(*) from shell)');

const before = rows();
const dry = await send('/upload?dry-run=true', 'environment.json');
equal([dry.status, dry.json.created, dry.json.dryRun, rows()], [200, 3, true, before], 'a dry run leaves nothing behind');
equal((await send('/upload', 'environment.json')).json.created, 3, 'an upload does');
const again = await send('/upload', 'environment.json');
equal([again.status, again.json.findings.map(f => f.path)], [409, ['assetAdministrationShells[0]', 'submodels[0]', 'conceptDescriptions[0]']],
	'each that is there already is told');
const faulty = await send('/upload', 'faulty.json');
equal([faulty.status, faulty.json.findings.length, faulty.json.messages.length], [400, 6, 6], 'and every fault');
const packed = await send('/upload', 'lacking.aasx');
equal([packed.status, packed.json.created, packed.json.findings.map(f => f.severity)], [200, 2, ['warning']], 'a package');
const replaced = await send('/upload?replace=true', 'lacking.aasx');
equal([replaced.status, replaced.json.replaced], [200, 2], 'and again');

for (const state of ['Completed', 'Failed']) {
	const taken = await send('/packages-async', 'small.aasx', { fileName: 'later.aasx' });
	equal(taken.status, 202, 'a package is taken');
	const at = new URL(taken.headers.get('Location'), server.url);
	const end = await until(30, async () => {
		const r = await fetch(at, { redirect: 'manual' });
		return r.status === 302 && new URL(r.headers.get('Location'), server.url);
	});
	const r = await (await fetch(end)).json();
	equal([r.executionState, r.success], [state, state === 'Completed'], `and is stored in the background: ${state}`);
}
const kept = await fetch(`${server.endpoints.api}/packages/${b64('later.aasx')}`, { headers: { Accept: 'application/aas+zip' } });
equal([kept.status, kept.headers.get('Content-Type')], [200, 'application/aas+zip'], 'under its newer type');
ok(Buffer.from(await kept.arrayBuffer()).equals(bytes('small.aasx')), 'byte for byte');
await stop(server.child);
await finish(server.dir);
