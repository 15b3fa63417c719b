// SPDX-License-Identifier: Apache-2.0
// convert.mjs - `twinshell convert`: there and back through every format, standard input and output, V3.0, files of packages, faults, memory.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cli, equal, finish, note, ok, program, shared, skip, workspace } from './lib.mjs';

const dir = workspace();
const at = name => join(dir, name);
const file = (name, text) => {
	writeFileSync(at(name), text);
	return at(name);
};
const convert = (...args) => cli(['convert', ...args]);
const bytes = path => readFileSync(path);
const text = path => readFileSync(path, 'utf8');
function says(what, args, code, err, options) {
	const r = cli(['convert', ...args], options);
	ok(r.code === code && err.test(r.err), what, JSON.stringify(r));
	return r;
}
const left = () => readdirSync(dir).filter(f => /\.......$/.test(f) && !/\.(json|aasx|jsonld)$/.test(f));

const shell = id => ({ modelType: 'AssetAdministrationShell', id, assetInformation: { assetKind: 'Instance', globalAssetId: `${id}:asset` } });
const submodel = (id, ...submodelElements) => ({ modelType: 'Submodel', id, ...(submodelElements.length ? { submodelElements } : {}) });
const concept = id => ({ modelType: 'ConceptDescription', id });
const number = value => ({ modelType: 'Property', idShort: 'N1', valueType: 'xs:int', value });
const named = (idShort, value) => ({ modelType: 'File', idShort, value, contentType: 'text/plain' });
const small = JSON.stringify({ submodels: [submodel('urn:a', number('1'))] });

// -- words -------------------------------------------------------------------------------------------------------------
function words() {
	const good = file('good.json', small);
	says('without files', [], 64, /^usage: twinshell convert/);
	says('without a target', [good], 64, /^usage/);
	says('a third file', [good, at('x.xml'), 'stray'], 64, /no use for the word "stray"/);
	says('an unknown option', ['--bogus', good, at('x.xml')], 64, /no option "--bogus"/);
	says('an unknown source', ['--from', 'ttl', good, at('x.xml')], 64, /--from is json, xml or aasx, not "ttl"/);
	says('an unknown target', ['--to=yaml', good, at('x.xml')], 64, /--to is .*, not "yaml"/);
	says('an unknown version', ['--to-version', '2.0', good, at('x.xml')], 64, /--to-version is 3\.0 or 3\.1, not "2\.0"/);
	says('a version that is missing', [good, at('x.xml'), '--to-version'], 64, /--to-version is 3\.0 or 3\.1, not ""/);
	says('Turtle cannot be read', [file('x.ttl', ''), at('x.xml')], 64, /only written; cannot read ".*x\.ttl"/);
	says('a target that tells no format', [good, at('out')], 64, /say --to: .*"/);
	says('standard output tells none', [good, '-'], 64, /say --to/);
	ok(!existsSync(at('x.xml')) && !existsSync(at('out')), 'nothing is written then');
}

// -- formats -----------------------------------------------------------------------------------------------------------
function formats() {
	const env = { assetAdministrationShells: [shell('urn:s')], submodels: [submodel('urn:a', number('007')), submodel('urn:b')], conceptDescriptions: [concept('urn:c')] };
	const from = file('env.json', JSON.stringify(env));
	for (const [name, begin] of [['e.json', '{"assetAdministrationShells"'], ['e.xml', '<?xml'], ['e.aasx', 'PK'], ['e.ttl', '@prefix'], ['e.jsonld', '{']]) {
		const r = convert(from, at(name));
		ok(r.code === 0 && !r.out && !r.err && bytes(at(name)).subarray(0, begin.length).toString() === begin, `into ${name}, by the end of the name`, JSON.stringify(r));
		const before = bytes(at(name));
		convert('--to', name.split('.')[1], from, at('again'));
		ok(before.equals(bytes(at('again'))), 'and by --to');
	}
	equal(JSON.parse(text(at('e.json'))), JSON.parse(text(from)), 'JSON is the same JSON');
	for (const name of ['e.json', 'e.xml', 'e.aasx']) {
		writeFileSync(at('noname'), bytes(at(name)));
		equal(convert(at('noname'), at('back.json')).code, 0, `${name.split('.')[1]} is told by its first bytes`);
		ok(bytes(at('back.json')).equals(bytes(at('e.json'))), 'and is the same');
		equal(convert('--from', name.split('.')[1], at('noname'), at('back.json')).code, 0, 'or by --from');
		const piped = cli(['convert', '-', '--to', 'json', '-'], { input: bytes(at(name)) });
		ok(piped.code === 0 && piped.out === text(at('e.json')), 'or comes from a pipe and goes into one', JSON.stringify(piped).slice(0, 300));
		const handle = openSync(at(name), 'r');
		const r = spawnSync(program, ['convert', '-', '--to', 'json', '-'], { stdio: [handle, 'pipe', 'pipe'] });
		closeSync(handle);
		ok(r.status === 0 && r.stdout.equals(bytes(at('e.json'))), 'or from a file as standard input', String(r.stderr));
	}
	equal(convert('--to', 'aasx-xml', from, at('x.aasx')).code, 0, 'a package with XML inside');
	ok(bytes(at('x.aasx')).includes('aasx/data.xml') && !bytes(at('x.aasx')).includes('aasx/data.json'), 'has it');
	ok(bytes(at('e.aasx')).includes('aasx/data.json') && !bytes(at('e.aasx')).includes('aasx/data.xml'), 'and one with JSON has that');
	convert(at('x.aasx'), at('back.json'));
	ok(bytes(at('back.json')).equals(bytes(at('e.json'))), 'both are read alike');
}

/** The lists in an order that XML does not have. */
function orders() {
	const lists = [['conceptDescriptions', [concept('urn:c'), concept('urn:d')]], ['submodels', [submodel('urn:a'), submodel('urn:b')]], ['assetAdministrationShells', [shell('urn:s')]]];
	file('sorted.json', JSON.stringify(Object.fromEntries([...lists].reverse())));
	convert(at('sorted.json'), at('sorted.xml'));
	for (const order of [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1]]) {
		const from = file('order.json', JSON.stringify(Object.fromEntries(order.map(i => lists[i]))));
		const r = convert(from, at('order.xml'));
		ok(r.code === 0 && !r.err && bytes(at('order.xml')).equals(bytes(at('sorted.xml'))), `lists in the order ${order} are sorted`, r.err);
		const piped = cli(['convert', '-', '--to', 'xml', '-'], { input: text(from) });
		ok(piped.code === 0 && piped.out === text(at('sorted.xml')), 'from a pipe, too', piped.err);
		equal(convert(from, at('order.aasx')).code + convert(at('order.aasx'), at('order2.xml')).code, 0, 'and through a package');
		ok(bytes(at('order2.xml')).equals(bytes(at('sorted.xml'))), 'they are the same');
	}
}

// -- V3.0 --------------------------------------------------------------------------------------------------------------
function versions() {
	const from = file('role.json', JSON.stringify({
		submodels: [submodel('urn:a', number('1')), submodel('urn:b', { modelType: 'Capability', idShort: 'a-b' })],
		assetAdministrationShells: [{ ...shell('urn:s'), assetInformation: { assetKind: 'Role', globalAssetId: 'urn:g' } }],
	}));
	file('role.xml', 'as it was');
	for (const name of ['role.xml', 'role.aasx', 'role.ttl', 'copy.json']) {
		const r = says(`V3.0 in ${name}: all that is not of it is told`, ['--to-version', '3.0', from, at(name)], 65,
			/role\.json: assetAdministrationShells\[0\]\.assetInformation\.assetKind: \[[A-Za-z0-9-]+\] /);
		ok(/submodels\[1\]\.submodelElements\[0\]\.idShort: \[[A-Za-z0-9-]+\] /.test(r.err) && /--anyway/.test(r.err), 'with path and rule', r.err);
		equal(r.err.trim().split('\n').length, 3, 'once');
		ok(name === 'role.xml' ? text(at(name)) === 'as it was' : !existsSync(at(name)), 'and nothing is written');
	}
	const r = says('--anyway: it is told', ['--anyway', '--to-version=3.0', from, at('role.xml')], 0, /assetKind/);
	equal(r.err.trim().split('\n').length, 2, 'once, although the input is read three times');
	ok(text(at('role.xml')).includes('admin-shell.io/aas/3/0') && text(at('role.xml')).includes('<assetKind>Role</assetKind>'), 'and it is written');
	convert(file('fit.json', small), at('fit.xml'), '--to-version', '3.0');
	ok(text(at('fit.xml')).includes('"https://admin-shell.io/aas/3/0"'), 'what suits V3.0 is written in its namespace');
	convert(at('fit.xml'), at('fit31.xml'));
	ok(text(at('fit31.xml')).includes('"https://admin-shell.io/aas/3/1"'), 'and V3.0 becomes V3.1');
	convert('--to', 'aasx-xml', '--to-version', '3.0', at('fit.json'), at('fit.aasx'));
	const inside = at('inside');
	if (spawnSync('unzip', ['-p', at('fit.aasx'), 'aasx/data.xml'], { stdio: ['ignore', openSync(inside, 'w'), 'ignore'] }).status === 0)
		ok(text(inside).includes('"https://admin-shell.io/aas/3/0"'), 'also in a package');
	else
		skip('also in a package', 'unzip is not installed');
}

// -- files of packages -------------------------------------------------------------------------------------------------
/** A package without compression (IDTA-01005, ECMA-376 part 2). */
function zip(parts) {
	const table = Array.from({ length: 256 }, (_, n) => {
		let c = n;
		for (let k = 0; k < 8; k++)
			c = c & 1 ? 0xedb88320 ^ c >>> 1 : c >>> 1;
		return c >>> 0;
	});
	const crc = b => ~b.reduce((c, x) => table[(c ^ x) & 255] ^ c >>> 8, ~0) >>> 0;
	const local = [];
	const central = [];
	let offset = 0;
	for (const [name, content] of Object.entries(parts)) {
		const body = Buffer.from(content);
		const h = Buffer.alloc(30);
		h.writeUInt32LE(0x04034b50, 0);
		h.writeUInt16LE(10, 4);
		h.writeUInt32LE(crc(body), 14);
		h.writeUInt32LE(body.length, 18);
		h.writeUInt32LE(body.length, 22);
		h.writeUInt16LE(name.length, 26);
		const c = Buffer.alloc(46);
		c.writeUInt32LE(0x02014b50, 0);
		c.writeUInt16LE(10, 4);
		h.copy(c, 6, 4, 30);
		c.writeUInt32LE(offset, 42);
		local.push(h, Buffer.from(name), body);
		central.push(c, Buffer.from(name));
		offset += 30 + name.length + body.length;
	}
	const end = Buffer.alloc(22);
	end.writeUInt32LE(0x06054b50, 0);
	end.writeUInt16LE(Object.keys(parts).length, 8);
	end.writeUInt16LE(Object.keys(parts).length, 10);
	end.writeUInt32LE(Buffer.concat(central).length, 12);
	end.writeUInt32LE(offset, 16);
	return Buffer.concat([...local, ...central, end]);
}

const AASX = 'http://admin-shell.io/aasx/relationships/';
const rels = list => `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${list.map(([type, target], i) =>
	`<Relationship Id="R${i}" Type="${type}" Target="${target}"/>`).join('')}</Relationships>`;
const zips = Boolean(spawnSync('unzip', ['-v']).stdout);
const unzip = path => Object.fromEntries(spawnSync('unzip', ['-Z1', path], { encoding: 'utf8' }).stdout.trim().split('\n')
	.map(name => [name, spawnSync('unzip', ['-p', path, name.replace('[', '\\[')]).stdout]));

function files() {
	const env = { submodels: [submodel('urn:a', named('Near', 'notes.txt'), named('Far', '/aasx/files/far.txt'), named('Same', '../files/far.txt'))] };
	const from = file('files.aasx', zip({
		'[Content_Types].xml': '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="txt" ContentType="text/plain"/>' +
			'<Default Extension="png" ContentType="image/png"/></Types>',
		'_rels/.rels': rels([[`${AASX}aasx-origin`, '/aasx/aasx-origin'],
			['http://schemas.openxmlformats.org/package/2006/relationships/metadata/thumbnail', '/thumb.png']]),
		'aasx/aasx-origin': '-',
		'aasx/_rels/aasx-origin.rels': rels([[`${AASX}aas-spec`, 'deep/env.json']]),
		'aasx/deep/env.json': JSON.stringify(env),
		'aasx/deep/_rels/env.json.rels': rels([[`${AASX}aas-suppl`, 'notes.txt'], [`${AASX}aas-suppl`, '/aasx/files/far.txt'], [`${AASX}aas-suppl`, '/extra/spare.txt']]),
		'aasx/deep/notes.txt': 'near', 'aasx/files/far.txt': 'f'.repeat(300000), 'extra/spare.txt': 'spare', 'thumb.png': 'picture',
	}));
	let r = convert(from, at('files.json'));
	const lost = r.err.trim().split('\n').map(l => /files\.aasx: note: (\S+) is left out/.exec(l)?.[1]).sort();
	equal([r.code, lost], [0, ['../files/far.txt', '/aasx/files/far.txt', '/extra/spare.txt', '/thumb.png', 'notes.txt'].sort()], 'what a text cannot hold is named');
	equal(JSON.parse(text(at('files.json'))), JSON.parse(JSON.stringify(env)), 'and the values stay as they were');
	for (const form of ['aasx', 'aasx-xml']) {
		r = convert('--to', form, from, at('kept.aasx'));
		equal([r.code, r.err], [0, ''], `${form}: from package to package nothing is lost`);
		if (!zips) {
			skip('the parts of it', 'unzip is not installed');
			continue;
		}
		const parts = unzip(at('kept.aasx'));
		const content = Object.entries(parts).filter(([, b]) => ['near', 'spare', 'picture'].includes(String(b)) || b.length === 300000).map(([name, b]) => [name, b.length]);
		equal(content.map(c => c[1]).sort((a, b) => a - b), [4, 5, 7, 300000], 'each file is there once');
		ok(/metadata\/thumbnail" Target="\/thumb\.png"/.test(parts['_rels/.rels']), 'the thumbnail is one again', String(parts['_rels/.rels']));
		convert(at('kept.aasx'), at('kept.json'));
		const values = JSON.parse(text(at('kept.json'))).submodels[0].submodelElements.map(e => e.value);
		const part = v => String(parts[v.startsWith('/') ? v.slice(1) : join('aasx', v)] ?? '').slice(0, 4);
		equal(values.map(part), ['near', 'ffff', 'ffff'], 'and every File names its own');
	}
	const cut = bytes(from);
	cut[cut.indexOf('ffff')] = 0x67;
	r = convert(file('broken.aasx', cut), at('kept.aasx'));
	ok(r.code === 65 && /far\.txt/.test(r.err) && (!zips || unzip(at('kept.aasx'))['thumb.png']), 'a damaged file is found while it is copied, and the old target stays', r.err);
}

// -- faults ------------------------------------------------------------------------------------------------------------
function faults() {
	const good = file('good.json', small);
	const later = file('later.json', JSON.stringify({ submodels: [submodel('urn:a'), submodel('urn:b', number('one'))] }));
	file('old.xml', 'old');
	says('a fault has its path', [later, at('old.xml')], 65, /later\.json: submodels\[1\]\.submodelElements\[0\]\.value: \[STR-\d+\] .*"one"/);
	equal(text(at('old.xml')), 'old', 'and the target is as it was');
	says('for a package too', [later, at('old.aasx')], 65, /submodels\[1\]\.submodelElements\[0\]\.value/);
	ok(!existsSync(at('old.aasx')), 'and there is none');
	const r = says('standard output gets all or nothing', [later, '--to', 'json', '-'], 65, /submodels\[1\]/);
	equal(r.out, '', 'here nothing');
	says('XML with a fault', [file('f.xml', '<environment xmlns="https://admin-shell.io/aas/3/1"><submodels><submodel></submodel></submodels></environment>'), at('o.json')], 65,
		/f\.xml: submodels\[0\]: .*id is required/);
	says('a package with a fault', [file('f.aasx', zip({ x: 'y' })), at('o.json')], 65, /f\.aasx: /);
	says('a broken package', [file('f.aasx', 'PK'), at('o.json')], 65, /f\.aasx: /);
	says('an empty file', [file('empty', ''), at('o.json')], 65, /empty: /);
	says('nothing on standard input', ['-', '--to', 'json', '-'], 65, /standard input: /, { input: '' });
	says('the wrong format', ['--from', 'xml', good, at('o.json')], 65, /good\.json: /);
	says('no such file', [at('none.json'), at('o.xml')], 66, /none\.json: No such file/);
	says('a directory', [dir, at('o.xml')], 66, /Is a directory/);
	says('a directory as target', ['--to', 'xml', good, dir], 73, /Is a directory/);
	says('a target in no directory', [good, at('none/o.xml')], 73, /none\/o\.xml: No such file/);
	says('a device that is full', ['--to', 'xml', good, '/dev/full'], 74, /\/dev\/full: No space/);
	const full = openSync('/dev/full', 'w');
	const f = spawnSync(program, ['convert', '--to', 'xml', good, '-'], { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' });
	closeSync(full);
	ok(f.status === 74 && /standard output: No space/.test(f.stderr), 'and as standard output', f.stderr);
	equal(convert('--to', 'xml', good, '/dev/null').code, 0, 'a device that is not');
	equal(left(), [], 'no run leaves anything beside its target');
}

function targets() {
	const good = file('good.json', small);
	file('real.xml', 'old');
	chmodSync(at('real.xml'), 0o640);
	symlinkSync('real.xml', at('link.xml'));
	equal(convert(good, at('link.xml')).code, 0, 'through a symbolic link');
	ok(readlinkSync(at('link.xml')) === 'real.xml' && text(at('real.xml')).startsWith('<?xml'), 'its file is replaced, not the link');
	equal(statSync(at('real.xml')).mode & 0o777, 0o640, 'and keeps its mode');
	convert(good, at('fresh.xml'));
	const want = 0o666 & ~process.umask();
	equal(statSync(at('fresh.xml')).mode & 0o777, want, 'a new one has the usual mode');
	equal(convert('--from', 'json', '--to', 'xml', good, good).code, 0, 'a file can become another in its place');
	ok(text(good).startsWith('<?xml'), 'and does');
}

// -- there and back ----------------------------------------------------------------------------------------------------
/** Packages keep the first of several concept descriptions with one id. */
function withoutRepeated(path) {
	const env = JSON.parse(text(path));
	const seen = new Set();
	if (env.conceptDescriptions)
		env.conceptDescriptions = env.conceptDescriptions.filter(c => !seen.has(c.id) && seen.add(c.id));
	return JSON.stringify(env);
}

/** JSON or a package -> JSON -> XML -> package -> JSON: what differs, or undefined when the first is refused. */
function there(path) {
	if (convert(path, at('t1.json')).code)
		return undefined;
	const steps = [[at('t1.json'), at('t2.xml')], [at('t2.xml'), at('t3.aasx')], [at('t3.aasx'), at('t4.json')], [at('t2.xml'), at('t5.json')]];
	for (const [from, to] of steps) {
		const r = convert(from, to);
		if (r.code)
			return r.err;
	}
	return !bytes(at('t1.json')).equals(bytes(at('t5.json'))) ? 'through XML it is another' : withoutRepeated(at('t1.json')) !== withoutRepeated(at('t4.json')) ? 'through a package it is another' : '';
}

function* below(from, end) {
	for (const entry of readdirSync(from, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
		if (entry.isDirectory())
			yield* below(join(from, entry.name), end);
		else if (entry.name.endsWith(end))
			yield join(from, entry.name);
	}
}

/* Templates that were published with faults. */
const faulty = /\/(02003|02004)-/;

function roundTrips() {
	if (!existsSync(join(shared, 'templates')))
		return skip('published files there and back', 'no fixtures (TWINSHELL_SHARED)');
	for (const path of [...below(join(shared, 'templates'), '.json'), ...below(join(shared, 'packages'), '.aasx')])
		equal(there(path), faulty.test(path) ? undefined : '', `${basename(path)}${faulty.test(path) ? ' is refused for its faults' : ''}`);
	const expected = [...below(join(shared, 'testgen/Json/ContainedInEnvironment/Expected'), '.json')].filter((_, i) => i % 12 === 0);
	const wrong = expected.map(path => [path, there(path)]).filter(([, why]) => why !== '');
	ok(expected.length > 20, `${expected.length} valid fixtures`);
	equal(wrong, [], 'each is the same after JSON, XML, package, JSON');
	return undefined;
}

// -- memory ------------------------------------------------------------------------------------------------------------
/* What the process held at most, asked when it has all but copied its result into a pipe that nobody reads yet. */
async function peak(args) {
	const child = spawn(program, ['convert', ...args, '-'], { stdio: ['ignore', 'pipe', 'ignore'] });
	const code = once(child, 'exit');
	await once(child.stdout, 'readable');
	const kib = Number(/^VmHWM:\s+(\d+) kB/m.exec(text(`/proc/${child.pid}/status`))[1]);
	let n = 0;
	for await (const piece of child.stdout)
		n += piece.length;
	return { code: (await code)[0], kib, n };
}

async function memory() {
	if (/__(asan|tsan)_init/.test(readFileSync(program, 'latin1')))
		return skip('memory', 'a sanitizer has memory of its own');
	const body = JSON.stringify(Array.from({ length: 3000 }, (_, i) => ({ modelType: 'Property', idShort: `N${i}`, valueType: 'xs:int', value: `${i}` })));
	const handle = openSync(at('big.json'), 'w');
	for (let i = 0; i < 500; i++)
		writeSync(handle, `${i ? ',' : '{"conceptDescriptions":[{"modelType":"ConceptDescription","id":"c"}],"submodels":['}{"modelType":"Submodel","id":"urn:${i}","submodelElements":${body}}`);
	writeSync(handle, ']}');
	closeSync(handle);
	const size = statSync(at('big.json')).size;
	const bound = Math.ceil(3 * body.length / 1024) + 64 * 1024;
	note(`${size} bytes, the largest submodel has ${body.length}`);
	ok(size > bound * 1024 * 1.5, 'a file that is larger than the bound');
	let r = await peak([at('big.json'), '--to', 'xml']);
	ok(r.code === 0 && r.n > size && r.kib <= bound, `into XML, lists sorted, with ${r.kib} KiB`, JSON.stringify(r));
	equal(convert(at('big.json'), at('big.xml')).code, 0, 'into a file');
	r = await peak([at('big.xml'), '--to', 'json']);
	ok(r.code === 0 && r.n === size && r.kib <= bound, `back into as many bytes of JSON, with ${r.kib} KiB`, JSON.stringify(r));
	return undefined;
}

try {
	words();
	formats();
	orders();
	versions();
	files();
	faults();
	targets();
	roundTrips();
	await memory();
} catch (e) {
	ok(false, 'the story is told to its end', e.stack);
}
await finish(dir);
