// SPDX-License-Identifier: Apache-2.0
// words.mjs - the subcommands of the real program: help, exit statuses, where options come from, import, export and check.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { cli, equal, finish, freePort, installed, ok, program, run, shared, skip, source, start, stop, until, workspace } from './lib.mjs';

const dir = workspace();
const file = (name, text) => {
	writeFileSync(join(dir, name), text);
	return join(dir, name);
};
const data = join(dir, 'data');
const serveArgs = ['serve', '--database', 'memory', '--data', data, '--listen', '127.0.0.1:0'];

function says(what, args, code, err, options) {
	const r = cli(args, options);
	ok(r.code === code && err.test(r.err), what, JSON.stringify(r));
}

/** A server until `use` is done with it; its standard error is `log`. */
async function serving(args, env, use) {
	const log = join(dir, 'server.log');
	writeFileSync(log, '');
	const child = start(program, args, { log, env });
	const ready = await until(30, () => child.lines.find(l => l.startsWith('twinshell: ready ')));
	const answer = ready ? await use(ready.split(' ').pop(), log) : undefined;
	await stop(child);
	return ready ? answer : readFileSync(log, 'utf8');
}

function help() {
	for (const command of ['serve', 'import', 'export', 'check', 'convert', 'asset', 'version']) {
		const r = cli([command, '--help']);
		ok(r.code === 0 && r.out.startsWith(`usage: twinshell ${command}`) && !r.err, `${command} --help`, JSON.stringify(r));
		ok(cli(['--help']).out.includes(`  ${command} `), `and the list has it`);
	}
	equal(cli(['asset', 'pump-station', '--help']).code, 0, 'an asset has its own help');
	equal(cli(['serve', '--listen', 'x', '-h']).code, 0, 'help may be asked for behind other words');
	const all = cli(['serve', '--help']).out;
	const options = ['--config', '--listen', '--standalone', '--data', '--database', '--broker', '--broker-password-file', '--plant', '--log-level'];
	equal(options.filter(o => !all.includes(`  ${o} `)), [], 'serve --help has every option');
	ok(!cli(['serve', '--help'], { env: { TWINSHELL_BROKER_PASSWORD: 'rosebud' } }).out.includes('rosebud'), 'and no secret');
	ok(/^twinshell \d/.test(cli(['version']).out), 'version');
}

function wrongWords() {
	says('without a command', [], 64, /usage/);
	says('an unknown command is named', ['fly'], 64, /"fly"/);
	for (const command of ['serve', 'import', 'export', 'check', 'convert'])
		says(`${command}: an unknown option is named`, [command, '--bogus=1', 'x'], 64, /there is no option "--bogus/);
	says('serve: a stray word is named', ['serve', 'stray'], 64, /"stray"/);
	says('serve: a missing value', ['serve', '--listen'], 64, /--listen wants a value/);
	says('serve: not a number', ['serve', '--workers', 'many'], 64, /--workers: workers is a number, not "many"/);
	says('serve: not a choice', ['serve', '--log-level', 'loud'], 64, /error\|warn\|info\|debug/);
	says('version: a stray word', ['version', 'x'], 64, /"x"/);
	says('asset: an unknown one', ['asset', 'volcano'], 64, /"volcano"/);
	says('import: which files?', ['import'], 64, /which files/);
	says('import: an option of export', ['import', '--output', 'x', 'y'], 64, /"--output"/);
	says('export: a stray word', ['export', 'x'], 64, /"x"/);
	says('import: not a URL of a server', ['import', '--url', 'ftp://127.0.0.1/', file('e.json', '{}')], 64, /ftp/);
}

async function failures() {
	says('config: a line without =', ['serve', '--config', file('bad.conf', '# x\nlisten\n')], 78, /bad\.conf:2: expected/);
	says('config: an unknown option', ['serve', '--config', file('bad.conf', 'colour = red\n')], 78, /bad\.conf:1: there is no option "colour"/);
	says('config: a bad value', ['serve', '--config', file('bad.conf', 'loops = x\n')], 78, /bad\.conf:1: loops is a number/);
	says('config: a line too long', ['serve', '--config', file('bad.conf', `plant = ${'x'.repeat(5000)}\n`)], 78, /bad\.conf:1: .*too long/);
	says('environment: a bad value', ['serve'], 78, /TWINSHELL_LOOPS: loops is a number/, { env: { TWINSHELL_LOOPS: 'x' } });
	says('config: no such file', ['serve', '--config', join(dir, 'none')], 66, /none: No such file/);
	says('config: a directory', ['serve', '--config', dir], 66, /Is a directory/);
	says('no database', ['serve', '--data', data, '--listen', '127.0.0.1:0'], 78, /--standalone, or --database/);
	says('not only loopback', [...serveArgs, '--listen', '0.0.0.0:0'], 78, /--insecure/);
	says('not an address', [...serveArgs, '--listen', '8080'], 78, /HOST:PORT/);
	says('not a broker', [...serveArgs, '--broker', 'nonsense'], 78, /nonsense/);
	says('no such plant', [...serveArgs, '--plant', join(dir, 'none')], 66, /none\/environment\.json/);
	mkdirSync(join(dir, 'plant'));
	file('plant/environment.json', '{"submodels":[{"modelType":"Submodel"}]}');
	says('a plant with a fault', [...serveArgs, '--plant', join(dir, 'plant')], 65, /submodels\[0\].*id is required/);
	says('no such password file', [...serveArgs, '--broker-password-file', join(dir, 'none')], 66, /none/);
	says('two passwords', [...serveArgs, '--broker-password-file', file('pw', 'a\n'), '--broker-password', 'b'], 78, /only one/);
	says('a directory that cannot be made', [...serveArgs, '--data', join(file('plain', ''), 'x')], 74, /plain/);
	const port = await freePort();
	const other = createServer().listen(port, '127.0.0.1');
	await until(5, () => other.listening);
	const fresh = join(dir, 'fresh');
	says('a port that is taken', ['serve', '--database', 'memory', '--data', fresh, '--listen', `127.0.0.1:${port}`], 69, /Address already in use/);
	ok(!existsSync(fresh), 'is told before anything is made');
	other.close();
}

/** The origin that the server lets in is the option whose value is seen from outside. */
async function precedence() {
	const conf = file('twin.conf', '# a comment\n\n cors-origin = http://file \nlog_level=warn\n');
	const origin = (args, env) => serving([...serveArgs, ...args], env, async url => (await fetch(`${url}/healthz`)).headers.get('access-control-allow-origin'));
	equal(await origin([], {}), null, 'the default');
	equal(await origin(['--config', conf], {}), 'http://file', 'a file wins over the default');
	equal(await origin([], { TWINSHELL_CONFIG: conf }), 'http://file', 'also when the environment names it');
	equal(await origin(['--config', conf], { TWINSHELL_CORS_ORIGIN: 'http://env' }), 'http://env', 'the environment wins over the file');
	equal(await origin(['--cors-origin', 'http://flag', '--config', conf], { TWINSHELL_CORS_ORIGIN: 'http://env' }), 'http://flag', 'a flag wins over all');
	equal(await origin(['--cors_origin=http://flag'], {}), 'http://flag', 'both spellings of a flag');
}

async function secrets() {
	if (!installed('mosquitto') || !installed('mosquitto_passwd'))
		return skip('a broker that wants a password', 'mosquitto is not installed');
	const port = await freePort();
	const passwords = file('passwords', 'twin:rosebud-42\n');
	chmodSync(passwords, 0o644);
	run('mosquitto_passwd', ['-U', passwords], { stdio: 'ignore' });
	const conf = file('mosquitto.conf', `listener ${port} 127.0.0.1\nallow_anonymous false\npassword_file ${passwords}\nuser root\n`);
	const broker = start('mosquitto', ['-c', conf], { env: { PATH: `${process.env.PATH}:/usr/sbin` } });
	const hex = port.toString(16).toUpperCase().padStart(4, '0');
	ok(await until(10, () => new RegExp(`:${hex} [0-9A-F:]* 0A`).test(readFileSync('/proc/net/tcp', 'utf8'))), 'a broker that wants a password');
	const common = [...serveArgs, '--broker', `tcp://127.0.0.1:${port}`, '--broker-user', 'twin', '--log-level', 'debug'];
	const ways = {
		'in a file of its own': [['--broker-password-file', file('secret', 'rosebud-42\n')], {}],
		'in the configuration': [['--config', file('secret.conf', 'broker_password = rosebud-42\n')], {}],
		'in the environment': [[], { TWINSHELL_BROKER_PASSWORD: 'rosebud-42' }],
	};
	for (const [way, [args, env]] of Object.entries(ways)) {
		const log = await serving([...common, ...args], env, async (url, path) => {
			await until(10, () => /connected to tcp/.test(readFileSync(path, 'utf8')));
			return readFileSync(path, 'utf8');
		});
		ok(/connected to tcp/.test(log) && !/rosebud/.test(log), `the password ${way} opens it and is not logged`, log);
	}
	const log = await serving([...common, '--broker-password', 'wrong'], {}, async (url, path) => {
		await until(10, () => /bad user name|not authorized/i.test(readFileSync(path, 'utf8')));
		return readFileSync(path, 'utf8');
	});
	ok(/bad user name|not authorized/i.test(log) && !/connected to tcp/.test(log), 'a wrong one does not', log);
	says('a fault beside a secret does not show it', ['serve', '--config', file('secret.conf', 'broker_password = rosebud-42\nloops = x\n')], 78, /^(?![^]*rosebud)/);
	await stop(broker);
}

const submodel = (id, ...submodelElements) => ({ modelType: 'Submodel', id, ...(submodelElements.length ? { submodelElements } : {}) });
const number = value => ({ modelType: 'Property', idShort: 'N', valueType: 'xs:int', value });

async function transfer() {
	const good = file('good.json', JSON.stringify({ submodels: [submodel('urn:a', number('1')), submodel('urn:b')] }));
	const more = file('more.json', JSON.stringify({ submodels: [submodel('urn:b'), submodel('urn:c')] }));
	const bad = file('wrong.json', JSON.stringify({ submodels: [submodel('urn:d', number('one'))] }));
	const xml = file('good.xml', '<environment xmlns="https://admin-shell.io/aas/3/0"><submodels><submodel><id>urn:x</id></submodel></submodels></environment>');
	await serving(serveArgs, {}, async url => {
		const to = ['--url', `${url}/`];
		let r = cli(['import', ...to, good, xml]);
		ok(r.code === 0 && r.out.includes('good.json: 2 created, 0 there already, 0 files\n') && r.out.includes('good.xml: 1 created') &&
			r.out.includes('2 of 2 files imported: 3 created'), 'import of JSON and XML says how much it was', JSON.stringify(r));
		r = cli(['import', ...to, more]);
		ok(r.code === 65 && /more\.json: submodels\[0\]: .*"urn:b" exists already/.test(r.err), 'what is there already is refused, with its path', r.err);
		r = cli(['import', ...to, '--ignore-duplicates', more]);
		ok(r.code === 0 && r.out === `${more}: 1 created, 1 there already, 0 files\n`, '--ignore-duplicates imports the rest', JSON.stringify(r));
		const before = await (await fetch(`${url}/submodels`)).text();
		r = cli(['import', ...to, '--replace', '--dry-run', more, good]);
		ok(r.code === 0 && r.out.includes('more.json: nothing is done; it would be 0 created, 2 replaced, 0 there already') &&
			r.out.includes('2 of 2 files looked at: nothing is done; it would be 0 created, 4 replaced'), '--dry-run says what would be done', JSON.stringify(r));
		equal(await (await fetch(`${url}/submodels`)).text(), before, 'and does nothing');
		const worse = file('worse.json', JSON.stringify({ submodels: [submodel('urn:e', number('one')), submodel('urn:f', number('two')), submodel('urn:g')] }));
		r = cli(['import', ...to, '--dry-run', worse]);
		ok(r.code === 65 && /submodels\[0\]\.submodelElements\[0\]\.value: .*\(line 1\)\n.*submodels\[1\]\.submodelElements\[0\]\.value: /.test(r.err),
			'every fault is told', JSON.stringify(r));
		const lacking = join(source, 'tests/api/lacking.aasx');
		r = cli(['import', ...to, lacking]);
		ok(r.code === 0 && /warning: aasx\/data\.json: submodels\[0\]\.Docs\.Manual: the package has no file/.test(r.err), 'what is strange is told', JSON.stringify(r));
		says('import: left or replaced', ['import', ...to, '--replace', '--ignore-duplicates', good], 64, /either left/);
		r = cli(['import', ...to, bad, '--ignore-duplicates', good]);
		ok(r.code === 65 && /wrong\.json: submodels\[0\]\.submodelElements\[0\]\.value: /.test(r.err) && r.out.includes('1 of 2 files'),
			'a fault is told with its path, and the next file is imported', JSON.stringify(r));
		says('import: a file that is not there', ['import', ...to, join(dir, 'none')], 66, /none: No such file/);
		says('import: a directory', ['import', ...to, dir], 66, /Is a directory/);
		says('import: neither AASX nor JSON nor XML', ['import', ...to, file('text', 'hello')], 65, /neither an AASX package/);
		says('import: no server of ours', ['import', '--url', `${url}/api/v9`, good], 69, /404/);
		const packages = join(shared, 'packages');
		if (existsSync(packages)) {
			const files = readdirSync(packages).filter(f => f.endsWith('.aasx')).map(f => join(packages, f));
			r = cli(['import', ...to, ...files]);
			ok(r.code === 0 && r.out.includes(`${files.length} of ${files.length} files imported`), 'import of packages', JSON.stringify(r));
		} else {
			skip('import of packages', 'no shared packages here');
		}
		const out = join(dir, 'out.json');
		r = cli(['export', ...to, '--output', out]);
		ok(r.code === 0 && /out\.json: \d+ shells, \d+ submodels, \d+ concept descriptions, \d+ bytes\n/.test(r.err) && !r.out, 'export into a file', JSON.stringify(r));
		const exported = JSON.parse(readFileSync(out, 'utf8'));
		equal(['urn:a', 'urn:b', 'urn:c', 'urn:d', 'urn:x'].map(id => exported.submodels.some(s => s.id === id)), [true, true, true, false, true], 'has what was imported');
		equal(statSync(out).mode & 0o777, 0o644 & ~process.umask(), 'that others may read');
		equal(cli(['export', `--url=${url}`]).out, readFileSync(out, 'utf8'), 'export to standard output is the same');
		equal(cli(['check', out]).code, 0, 'and check finds nothing wrong with it');
		says('export: a place that is not there', ['export', ...to, '--output', join(dir, 'none/x')], 73, /none/);
		if (existsSync('/dev/full'))
			says('export: a full disk', ['export', ...to, '--output', '/dev/full'], 74, /No space left/);
	});
	const gone = `http://127.0.0.1:${await freePort()}`;
	says('import: no server', ['import', '--url', gone, good], 69, /connect/);
	says('export: no server', ['export', '--url', gone], 69, /connect/);
	const broken = createServer((request, reply) => {
		request.resume();
		reply.writeHead(500);
		reply.end('<html>\u001b[31mboom');
	}).listen(0, '127.0.0.1');
	await until(5, () => broken.listening);
	const child = start(program, ['import', '--url', `http://127.0.0.1:${broken.address().port}`, good], { log: join(dir, 'import.log') });
	equal((await child.done).code, 70, 'import: a server that fails');
	ok(/boom/.test(readFileSync(join(dir, 'import.log'), 'utf8')) && !readFileSync(join(dir, 'import.log'), 'utf8').includes('\u001b'), 'and its words do not steer the terminal');
	broken.close();
}

function check() {
	const good = file('ok.json', '{"submodels":[{"modelType":"Submodel","id":"urn:a"}]}');
	const r = cli(['check', good, file('no.json', JSON.stringify({ submodels: [submodel('urn:d', number('one'))] }))]);
	ok(r.code === 65 && r.out.includes('ok.json: ok (0 shells, 1 submodels') && r.out.includes('no.json: submodels[0].submodelElements[0].value: '),
		'check names file and path', JSON.stringify(r));
	says('check: a file that is not there', ['check', join(dir, 'none')], 66, /none: No such file/);
}

try {
	help();
	wrongWords();
	await failures();
	await precedence();
	await secrets();
	await transfer();
	check();
} catch (e) {
	ok(false, 'the story is told to its end', e.stack);
}
await finish(dir);
