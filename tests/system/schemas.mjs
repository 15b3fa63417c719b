// SPDX-License-Identifier: Apache-2.0
// schemas.mjs - the JSON that the program writes, of fixtures, templates and packages, against the official JSON schemas of V3.1 and V3.0.
// XML against the official XSDs is in tests/unit/xml_write.c.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cli, equal, finish, note, ok, shared, skip, workspace } from './lib.mjs';
import { packages } from './packages.mjs';

const dir = workspace();
const json = path => JSON.parse(readFileSync(path, 'utf8'));
const LISTS = ['assetAdministrationShells', 'submodels', 'conceptDescriptions'];

/* Names of one letter are names, whatever the printed pattern says: docs/conformance-choices.md. */
const printed = '^[a-zA-Z][a-zA-Z0-9_-]*[a-zA-Z0-9_]+$';
function loosen(x) {
	if (x && typeof x === 'object') {
		if (x.pattern === printed)
			x.pattern = '^[a-zA-Z]([a-zA-Z0-9_-]*[a-zA-Z0-9_])?$';
		Object.values(x).forEach(loosen);
	}
	return x;
}

function validator(require, version) {
	const Ajv = require('ajv/dist/2019').default;
	/* its patterns spell surrogates, so they mean UTF-16 units */
	const ajv = new Ajv({ strict: false, unicodeRegExp: false, logger: false, validateFormats: false });
	const run = ajv.compile(loosen(json(join(shared, `spec/schema/aas-${version}.schema.json`))));
	const count = { valid: 0, faults: [] };
	return {
		count,
		/** One identifiable after the other. */
		check(name, environment) {
			for (const list of LISTS)
				for (const item of environment[list] ?? []) {
					if (run({ [list]: [item] }))
						count.valid++;
					else
						count.faults.push(`${name}: ${item.id}: ${ajv.errorsText(run.errors).slice(0, 300)}`);
				}
		},
		/* It can find something at all. */
		refuses: environment => !run(environment),
	};
}

function* below(from, end) {
	for (const entry of readdirSync(from, { withFileTypes: true })) {
		if (entry.isDirectory())
			yield* below(join(from, entry.name), end);
		else if (entry.name.endsWith(end))
			yield join(from, entry.name);
	}
}

/** As the program writes it; undefined when it is refused. */
function written(path, version) {
	const r = cli(['convert', '--to', 'json', '--to-version', version, path, '-']);
	return r.code === 0 ? JSON.parse(r.out) : undefined;
}

const faulty = /\/(02003|02004)-/;	// templates that were published with faults

function one(require, version) {
	const v = validator(require, version);
	ok(v.refuses({ submodels: [{ modelType: 'Submodel' }] }) && v.refuses({ submodels: [] }), `the schema of V${version} refuses`);
	const all = Object.fromEntries(LISTS.map(l => [l, []]));
	let files = 0;
	for (const path of below(join(shared, 'testgen/Json/ContainedInEnvironment/Expected'), '.json')) {
		const environment = json(path);
		files++;
		for (const list of LISTS)
			all[list].push(...environment[list] ?? []);
	}
	writeFileSync(join(dir, 'all.json'), JSON.stringify(all));
	const out = written(join(dir, 'all.json'), version);
	ok(files > 600 && LISTS.every(l => out[l].length === all[l].length), `${files} JSON fixtures are written`);
	v.check('JSON fixture', out);
	files = 0;
	for (const path of version === '3.1' ? below(join(shared, 'testgen/Xml/ContainedInEnvironment/Expected'), '.xml') : []) {
		v.check(path, written(path, version));
		files++;
	}
	if (version === '3.1')
		ok(files > 600, `${files} XML fixtures`);
	const refused = [];
	for (const path of [...below(join(shared, 'templates'), '.json'), ...below(join(shared, 'packages'), '.aasx')]) {
		const environment = written(path, version);
		if (environment)
			v.check(basename(path), environment);
		else if (!faulty.test(path))
			refused.push(basename(path));
	}
	if (version === '3.1')
		equal(refused, [], 'all templates and packages');
	else
		note(`not of V3.0: ${refused.join(' ')}`);
	equal(v.count.faults.slice(0, 20), [], `all that is written is valid by the schema of V${version}`);
	note(`V${version}: ${v.count.valid} identifiables are valid`);
}

async function main() {
	const name = 'the official JSON schemas';
	if (!existsSync(join(shared, 'spec/schema')))
		return skip(name, 'no schemas (TWINSHELL_SHARED)');
	const require = await packages();
	if (!require)
		return skip(name, 'npm cannot install its packages');
	one(require, '3.1');
	one(require, '3.0');
	return undefined;
}

await main();
await finish(dir);
