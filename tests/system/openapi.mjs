// SPDX-License-Identifier: Apache-2.0
// openapi.mjs - every answer that the scripts of tests/api get, against the published OpenAPI description of the API: its status and its body.
// What only the working draft of V3.2 has is held against the draft.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { equal, finish, note, ok, program, shared, skip, source, workspace } from './lib.mjs';
import { packages } from './packages.mjs';

const described = join(shared, 'spec/openapi');
const runner = join(dirname(program), 'tests/api/run');
const METHODS = ['get', 'put', 'post', 'patch', 'delete'];

/* Answers of HTTP itself, of the operations that a server may leave out, and of its state; the description has them as "default". */
const always = new Set([304, 405, 406, 412, 413, 414, 415, 416, 501, 503]);

/* Where the description says less than the text of the specification, or nothing: METHOD path status, with the reason. */
const known = [
	[/^PUT .* 201$/, 'a PUT that creates answers with the object, like POST; the description shows no body'],
	[/^GET .*(attachment|thumbnail|\}) 206$/, 'a part of a file, for whoever asks by Range (RFC 9110, 14)'],
	[/ 404$/, 'what the path leads to, or the only shell or submodel, may be missing; not every operation lists it'],
	[/^(POST|PUT) .* 409$/, 'an id or a reference may be taken already'],
	[/^DELETE \/(shell-descriptors|submodel-descriptors|lookup)\/.* 409$/, 'what lives here and was not registered goes when it does'],
	[/^GET \/lookup\/shells 400$/, 'a parameter may be malformed; the description has it as "default" alone'],
	[/^GET \/description 400$/, 'likewise; it has no parameter, and no past that one could ask for'],
];
/* Answers of another shape than the description has, on purpose. */
const shapes = [
	[/^GET \/submodels\/\$value 200$/, 'the values of several submodels are an array: one object could not tell them apart'],
	[/^POST \/query\/shell-descriptors 200$/, 'selected ids have the resultType Identifier, as the text says; the description has it for all the other queries',
		value => value.paging_metadata?.resultType === 'Identifier' && value.result.every(id => typeof id === 'string')],
];
/* Spellings that the text has, or an older version, beside those of the description. */
const aliases = [/\/invoke-(async|asnyc)(\/\$value)?$/, /\/operation-status\/[^/]+\/\$value$/];
/* Of this server alone. */
const own = ['/upload', '/openapi.json', '/healthz', '/readyz', '/health', '/trend', '/events', '/events/live', '/api-docs'];

// -- the description ---------------------------------------------------------------------------------------------------
function load(require) {
	const yaml = require('yaml');
	const read = name => yaml.parse(readFileSync(join(described, name), 'utf8'));
	const api = read('entire-api-V3.1.yaml');
	const draft = read('entire-api-V3.2-draft.yaml');
	const parts = { 'Part1-MetaModel-Schemas': read('part1-metamodel-schemas.yaml'), 'Part2-API-Schemas': read('part2-api-schemas.yaml') };
	return { api, draft, parts };
}

/* A value may be of several kinds: one at least is what is meant.  And names of one letter are names, whatever the printed pattern says: its
 * text allows them. */
const patterns = {
	'^[a-zA-Z][a-zA-Z0-9_-]*[a-zA-Z0-9_]+$': '^[a-zA-Z]([a-zA-Z0-9_-]*[a-zA-Z0-9_])?$',
	'^(([A-Za-z][A-Za-z0-9_]+)|(\\[[0-9]+\\]))((\\.[A-Za-z][A-Za-z0-9_]+)|(\\[[0-9]+\\])){0,}$':
		'^[A-Za-z][A-Za-z0-9_-]*((\\.[A-Za-z][A-Za-z0-9_-]*)|(\\[[0-9]+\\]))*$',
};
function loosen(x) {
	if (Array.isArray(x)) {
		x.forEach(loosen);
	} else if (x && typeof x === 'object') {
		if (x.oneOf) {
			x.anyOf = x.oneOf;
			delete x.oneOf;
		}
		if (typeof x.pattern === 'string')
			x.pattern = patterns[x.pattern] ?? (x.pattern.includes('\\\\x09') ? '' : x.pattern);	// some are escaped twice, and fit nothing
		Object.values(x).forEach(loosen);
	}
	return x;
}

const ID = 'https://api.swaggerhub.com/domains/Plattform_i40/';
/* The schemas that belong to the draft are not published; what its new operations refer to is as in V3.1.2. */
const RELEASED = 'V3.1.2', DRAFT = 'V3.2.0';
function validator(require, { api, parts }) {
	const Ajv = require('ajv').default;
	const ajv = new Ajv({ strict: false, allErrors: false, unicodeRegExp: false, logger: false, validateFormats: false });
	for (const [name, part] of Object.entries(parts))
		for (const version of [RELEASED, DRAFT])
			ajv.addSchema({ ...loosen(part), $id: `${ID}${name}/${version}` });
	ajv.addSchema({ ...loosen(api), $id: `${ID}Entire-API-Collection/V3.1.2` });
	return ajv;
}

function resolveRef(x, { api, parts }) {
	while (x?.$ref) {
		const [file, pointer] = x.$ref.split('#');
		const root = file ? parts[file.slice(ID.length).split('/')[0]] : api;
		x = pointer.split('/').slice(1).reduce((at, step) => at?.[step.replaceAll('~1', '/').replaceAll('~0', '~')], root);
	}
	return x;
}

function operations(spec) {
	const list = [];
	const all = [...Object.entries(spec.api.paths), ...Object.entries(spec.draft?.paths ?? {}).filter(([path]) => !(path in spec.api.paths))];
	for (const [path, item] of all)
		for (const method of METHODS)
			if (item[method])
				list.push({ name: `${method.toUpperCase()} ${path}`, method: method.toUpperCase(), path, steps: path.split('/').slice(1), ...item[method] });
	return list;
}

function find(list, method, target) {
	const path = target.split('?')[0].replace(/^\/api\/v3(\.0)?(?=\/)/, '');
	const steps = path.split('/').slice(1);
	const fits = list.filter(o => o.method === (method === 'HEAD' ? 'GET' : method) && o.steps.length === steps.length &&
		o.steps.every((s, i) => s.startsWith('{') ? steps[i] !== '' : s === steps[i]));
	return fits.sort((a, b) => a.path.split('{').length - b.path.split('{').length)[0];
}

// -- one answer --------------------------------------------------------------------------------------------------------
const faults = new Map();
let bodies = 0;
function fault(answer, operation, text) {
	const key = `${operation?.name ?? `${answer.method} ${answer.target.split('?')[0]}`} ${answer.status}: ${text}`;
	faults.set(key, `${answer.script}:${answer.line}`);
}

const compiled = new Map();
function check(ajv, schema, value) {
	const key = JSON.stringify(schema);
	if (!compiled.has(key))
		compiled.set(key, ajv.compile(schema));
	const run = compiled.get(key);
	bodies++;
	return run(value) ? undefined : ajv.errorsText(run.errors.slice(0, 1), { dataVar: 'body' });
}

/* Wherever an object says what it is, it must be that: the description has abstract classes in many places. */
function classes(ajv, x, at = 'body') {
	if (Array.isArray(x))
		return x.map((y, i) => classes(ajv, y, `${at}[${i}]`)).find(Boolean);
	if (!x || typeof x !== 'object')
		return undefined;
	if (typeof x.modelType === 'string' && x.modelType in ajv.getSchema(`${ID}Part1-MetaModel-Schemas/V3.1.2`).schema.components.schemas) {
		const wrong = check(ajv, { $ref: `${ID}Part1-MetaModel-Schemas/V3.1.2#/components/schemas/${x.modelType}` }, x);
		if (wrong)
			return `${at} is no ${x.modelType}: ${wrong}`;
	}
	return Object.entries(x).map(([k, y]) => classes(ajv, y, `${at}.${k}`)).find(Boolean);
}

/* An item of a list that has no value keeps its place with a null, which the description has no word for. */
const placesLeftOut = x => Array.isArray(x) ? x.filter(y => y !== null).map(placesLeftOut) :
	x && typeof x === 'object' ? Object.fromEntries(Object.entries(x).map(([k, y]) => [k, placesLeftOut(y)])) : x;

function judge(ajv, spec, operation, answer) {
	const { status } = answer;
	const listed = operation.responses[status];
	const excuse = known.find(([what]) => what.test(`${operation.name} ${status}`));
	if (!listed && !always.has(status) && !excuse)
		fault(answer, operation, 'this status is not described');
	if (status >= 300 && status < 400)
		return;
	if (answer.method === 'HEAD') {
		if (answer.length)
			fault(answer, operation, 'HEAD has a body');
		return;
	}
	if (status === 204) {
		if (answer.length)
			fault(answer, operation, '204 has a body');
		return;
	}
	const result = { $ref: `${ID}Part2-API-Schemas/V3.1.2#/components/schemas/Result` };
	const content = resolveRef(status === 206 ? operation.responses['200'] : listed, spec)?.content;
	let schema = status >= 400 ? result : content?.['application/json']?.schema;
	if (status === 201 && !schema)
		schema = resolveRef(spec.api.paths[operation.path].get?.responses['200'], spec)?.content?.['application/json']?.schema;
	const text = status === 200 ? content?.['text/plain']?.schema : undefined;
	if (text) {
		if (answer['Content-Type'] !== 'text/plain' || check(ajv, text, answer.body))
			fault(answer, operation, `it is no ${text.type} of type text/plain`);
		if (text.format === 'jwt' && !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(answer.body))
			fault(answer, operation, 'it is no JWS in the compact serialization');
		return;
	}
	if (!schema) {
		if (answer.length && !content)
			fault(answer, operation, 'there is a body where none is described');
		return;
	}
	if (operation.path === '/serialization' && status === 200 && answer['Content-Type'] !== 'application/json')
		return;		// XML, or a package under one of its names
	if (answer['Content-Type'] !== 'application/json' || answer.body === undefined) {
		fault(answer, operation, `the type is ${answer['Content-Type']}`);
		return;
	}
	let value;
	try {
		value = JSON.parse(answer.body);
	} catch (e) {
		fault(answer, operation, `no JSON: ${e.message}`);
		return;
	}
	if (shapes.some(([what, , only]) => what.test(`${operation.name} ${status}`) && (!only || only(value))))
		return;
	if (operation.path.endsWith('/$value'))
		value = placesLeftOut(value);
	const partial = /metadata/.test(operation.path);
	const wrong = check(ajv, schema, value) ?? (partial ? undefined : classes(ajv, value));
	if (wrong)
		fault(answer, operation, wrong);
}

// -- all of them -------------------------------------------------------------------------------------------------------
async function main(dir) {
	const name = 'the answers are those of the published description';
	if (!existsSync(described))
		return skip(name, 'no description (TWINSHELL_SHARED)');
	if (!existsSync(runner))
		return skip(name, 'tests/api/run is not built');
	const require = await packages();
	if (!require)
		return skip(name, 'npm cannot install its packages');
	const file = join(dir, 'traffic');
	const run = spawnSync(runner, [], { encoding: 'utf8', env: { ...process.env, srcdir: source, TWINSHELL_TRAFFIC: file, TWINSHELL_URL: '' }, maxBuffer: 1 << 28 });
	equal(run.status, 0, 'the scripts pass');
	const answers = readFileSync(file, 'utf8').trim().split('\n').map(line => JSON.parse(line));
	const spec = load(require);
	const list = operations(spec);
	const released = operations({ api: spec.api }).length;
	equal([released, list.length - released], [224, 6], 'V3.1 has its operations, and the draft six more');
	const ajv = validator(require, spec);
	const seen = new Map();
	let extra = 0;
	for (const a of answers) {
		/* of the draft since its file was taken, and of our own: held against our own description alone */
		if (/\/\$(history|recent-changes|changes|diff|restore)$/.test(a.target.split('?')[0])) {
			extra++;
			continue;
		}
		const operation = find(list, a.method, a.target);
		if (!operation) {
			const path = a.target.split('?')[0].replace(/^\/api\/v3(\.0)?(?=\/)/, '');
			if (own.includes(path) || aliases.some(alias => alias.test(path)) || a.status === 404 || a.status === 405 || a.method === 'OPTIONS')
				extra++;
			else
				fault(a, undefined, 'no such operation is described');
			continue;
		}
		const s = seen.get(operation.name) ?? seen.set(operation.name, new Set()).get(operation.name);
		s.add(a.status);
		judge(ajv, spec, operation, a);
	}
	note(`${answers.length} answers, ${extra} of them of what is not described, ${bodies} validations, ${list.length} operations`);
	equal([...faults].map(([text, where]) => `${text} (${where})`), [], 'every status is described, and every body is of its schema');

	ownDescription(require, list, answers, seen);
}

// -- the server's own description ----------------------------------------------------------------------------------------
function ownDescription(require, list, answers, seen) {
	const text = answers.find(a => a.target === '/openapi.json' && a.status === 200)?.body;
	if (!ok(text, 'the server describes itself'))
		return;
	const api = JSON.parse(text);
	const Ajv = require('ajv').default;
	const ajv = new Ajv({ strict: false, discriminator: true, logger: false, validateFormats: false });
	ajv.addSchema({ ...api, $id: 'https://own.invalid/openapi' });
	const local = [];
	(function walk(x) {
		if (x && typeof x === 'object') {
			if (typeof x.$ref === 'string')
				local.push(x.$ref);
			Object.values(x).forEach(walk);
		}
	})(api);
	const at = ref => ref.split('/').slice(1).reduce((x, step) => x?.[step], api);
	equal(local.filter(ref => !ref.startsWith('#/') || !at(ref)), [], `each of its ${local.length} references leads to something in it`);
	const offered = operations({ api });
	const ids = offered.map(o => o.operationId);
	equal(ids.filter((id, i) => ids.indexOf(id) !== i), [], 'no operationId is there twice');

	/* 501 is the answer of what does not exist. */
	const is501 = o => seen.has(o.name) && [...seen.get(o.name)].every(status => status === 501);
	const names = new Set(offered.map(o => o.name));
	const drafts = offered.filter(o => o['x-draft']).map(o => o.name).sort();
	/* The draft has gone on since its file was taken: these it has got meanwhile. */
	const since = ['GET /concept-descriptions/$recent-changes', 'GET /shells/$recent-changes', 'GET /shells/{aasIdentifier}/$history',
		'GET /submodels/$recent-changes', 'GET /submodels/{submodelIdentifier}/$history'];
	equal(drafts, [...list.slice(224).map(o => o.name), ...since].sort(), 'what only the draft has is marked as draft');
	equal(list.filter(o => seen.has(o.name) && is501(o) === names.has(o.name)).map(o => o.name), [], 'it offers what the server does, and nothing else');
	const wrong = new Map();
	const called = new Set();
	for (const a of answers) {
		const operation = find(offered, a.method, a.target);
		if (!operation)
			continue;
		if (a.status < 400)
			called.add(operation.name);
		const response = operation.responses[a.status];
		const described = response?.$ref ? at(response.$ref) : response;
		const schema = described?.content?.['application/json']?.schema;
		let fault;
		if (!described && a.status !== 405)
			fault = 'this status is not described';
		else if (schema && a['Content-Type'] === 'application/json' && a.method !== 'HEAD')
			fault = check(ajv, { $ref: `https://own.invalid/openapi#${pointer(api, operation, a.status, response)}` }, JSON.parse(a.body));
		else if (described && !described.content && a.length && a.method !== 'HEAD')
			fault = 'there is a body where none is described';
		if (fault)
			wrong.set(`${operation.name} ${a.status}: ${fault}`, `${a.script}:${a.line}`);
	}
	equal([...wrong].map(([fault, where]) => `${fault} (${where})`), [], 'every answer is as it says');
	const never = offered.filter(o => !called.has(o.name) && !o.tags.includes('This server'));
	equal(never.map(o => o.name), [], 'every operation that it offers was called, and has succeeded once');
	note(`${offered.length} operations are offered`);
}

/* Where in the description the schema of an answer stands, as a JSON pointer in a URI. */
function pointer(api, operation, status, response) {
	if (response.$ref)
		return `${response.$ref.slice(1)}/content/application~1json/schema`;
	const path = encodeURIComponent(operation.path.replaceAll('~', '~0').replaceAll('/', '~1'));
	return `/paths/${path}/${operation.method.toLowerCase()}/responses/${status}/content/application~1json/schema`;
}

const dir = workspace();
await main(dir);
await finish(dir);
