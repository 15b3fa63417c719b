// SPDX-License-Identifier: Apache-2.0
// fixtures.mjs - the conformance fixtures through the whole server: what is valid is stored and read back equal, what is not gets 400 with a path.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { b64, equal, finish, note, ok, postgres, Server, shared, skip, stop, workspace } from './lib.mjs';

const root = join(shared, 'testgen/Json/ContainedInEnvironment');
const kinds = [
	{ list: 'assetAdministrationShells', path: 'shells', whole: '' },
	{ list: 'submodels', path: 'submodels', whole: '?extent=withBlobValue' },
	{ list: 'conceptDescriptions', path: 'concept-descriptions', whole: '' },
];

function* files(dir) {
	for (const entry of readdirSync(dir, { withFileTypes: true })) {
		const path = join(dir, entry.name);
		if (entry.isDirectory())
			yield* files(path);
		else if (entry.name.endsWith('.json'))
			yield path;
	}
}

/** The same JSON value, whatever the order of the members. */
function same(a, b) {
	if (Array.isArray(a) || Array.isArray(b))
		return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((x, i) => same(x, b[i]));
	if (a && b && typeof a === 'object' && typeof b === 'object') {
		const keys = Object.keys(a);
		return keys.length === Object.keys(b).length && keys.every(k => k in b && same(a[k], b[k]));
	}
	return a === b;
}

const server = new Server(workspace());
let faults = [];

async function valid() {
	let count = 0;
	let stored = 0;
	for (const file of files(join(root, 'Expected'))) {
		count++;
		const environment = JSON.parse(readFileSync(file, 'utf8'));
		for (const { list, path, whole } of kinds) {
			for (const item of environment[list] ?? []) {
				const put = await server.call('PUT', `/${path}/${b64(item.id)}`, item);
				const got = put.status < 300 ? await server.call('GET', `/${path}/${b64(item.id)}${whole}`) : put;
				if (got.status === 200 && same(item, got.json))
					stored++;
				else
					faults.push(`${relative(root, file)}: ${put.status} ${got.status} ${got.text.slice(0, 300)}`);
			}
		}
	}
	ok(count > 0 && stored > 0, 'there are valid fixtures');
	equal(faults, [], 'every valid file is accepted, stored and read back equal');
	note(`${count} valid files, ${stored} identifiables stored and read back equal`);
}

/** The first answer that is not 2xx, or nothing. */
async function refusal(text) {
	let environment;
	try {
		environment = JSON.parse(text);
	} catch {
		return undefined;
	}
	for (const { list, path } of kinds) {
		for (const item of environment[list] ?? []) {
			const id = typeof item.id === 'string' ? item.id : 'urn:no:id';
			const answer = await (id ? server.call('PUT', `/${path}/${b64(id)}`, item) : server.call('POST', `/${path}`, item));
			if (answer.status >= 300)
				return answer;
		}
	}
	return undefined;
}

async function invalid(folder) {
	const counts = {};
	const wrong = [];
	faults = [];
	for (const file of files(join(root, 'Unexpected', folder))) {
		const [why, cls] = relative(join(root, 'Unexpected', folder), file).split('/');
		const answer = await refusal(readFileSync(file, 'utf8'));
		const count = counts[why] ??= { refused: 0, accepted: 0 };
		if (!answer) {
			count.accepted++;
			wrong.push(`${why}/${cls}`);
			continue;
		}
		count.refused++;
		const message = answer.json?.messages?.[0]?.text ?? '';	// "submodelElements[3].value: ..."
		if (answer.status !== 400 || !message)
			faults.push(`${relative(root, file)}: ${answer.status} ${answer.text.slice(0, 300)}`);
		else if (!/^([A-Za-z0-9_[\].]+: |(id|modelType) is required|\w+ has no attribute )/.test(message))	// the root has no path
			faults.push(`${relative(root, file)}: no path in "${message}"`);
	}
	for (const [why, c] of Object.entries(counts))
		note(`${folder}/${why}: ${c.refused} refused, ${c.accepted} accepted`);
	return wrong;
}

/* What V3.0 asked for and V3.1 does not: these files are right. */
const relieved = [
	'RequiredViolation/RelationshipElement', 'RequiredViolation/AnnotatedRelationshipElement', 'RequiredViolation/Entity', 'RequiredViolation/Blob',
	'RequiredViolation/File', 'RequiredViolation/ValueReferencePair',
];

if (!postgres()) {
	skip('fixtures through the server', 'PostgreSQL is not installed');
} else if (!existsSync(root)) {
	skip('fixtures through the server', 'no conformance fixtures (TWINSHELL_SHARED)');
} else {
	await server.start(90);
	await valid();
	const structural = (await invalid('Unserializable')).filter(w => !relieved.includes(w));
	equal(structural, [], 'every structurally invalid file is refused');
	equal(faults, [], 'with 400 and the path of the fault');
	const other = await invalid('Invalid');
	equal(faults, [], 'so is what breaks a pattern, a length, a value or a constraint');
	note(`accepted: ${JSON.stringify(other)}`);
	await stop(server.child);
}
await finish(server.dir);
