// SPDX-License-Identifier: Apache-2.0
// signed.mjs - what $signed answers, verified by other people's means: node's crypto, and the program openssl; with each kind of key.
import { createPublicKey, verify, X509Certificate, constants } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { b64, equal, finish, installed, ok, program, run, skip, start, stop, until, workspace, cli } from './lib.mjs';

const dir = workspace();
const submodel = { modelType: 'Submodel', id: 'urn:signed', idShort: 'Signed', submodelElements: [
	{ modelType: 'Property', idShort: 'Speed', valueType: 'xs:int', value: '4711' },
	{ modelType: 'Blob', idShort: 'Picture', contentType: 'image/png', value: 'AAEC' }] };
const shell = { modelType: 'AssetAdministrationShell', id: 'urn:signed', assetInformation: { assetKind: 'Instance', globalAssetId: 'urn:asset' } };
const concept = { modelType: 'ConceptDescription', id: 'urn:signed' };

async function serve(name, args) {
	const child = start(program, ['serve', '--database', 'memory', '--data', join(dir, name), '--listen', '127.0.0.1:0', ...args], { log: join(dir, 'server.log') });
	const line = await until(60, () => child.lines.find(l => l.startsWith('twinshell: ready ')));
	if (!line)
		throw new Error('the server did not become ready');
	const url = line.split(' ').pop();
	for (const [path, body] of [['/submodels', submodel], ['/shells', shell], ['/concept-descriptions', concept]])
		await fetch(url + path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
	return { child, url, get: async (path, headers = {}) => {
		const r = await fetch(url + path, { headers });
		return { status: r.status, type: r.headers.get('Content-Type'), text: await r.text() };
	} };
}

const openssl = (...args) => run('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
/** An authority, and a certificate of it for the key: the chain in one file. */
function chain(name, how) {
	const file = suffix => join(dir, name + suffix);
	openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file('-ca.key'), '-out', file('-ca.pem'), '-subj', '/CN=Authority', '-days', '2');
	openssl('genpkey', ...how, '-out', file('.key'));
	openssl('req', '-new', '-key', file('.key'), '-subj', '/CN=Plant', '-out', file('.csr'));
	openssl('x509', '-req', '-in', file('.csr'), '-CA', file('-ca.pem'), '-CAkey', file('-ca.key'), '-CAcreateserial', '-days', '1', '-out', file('-leaf.pem'));
	writeFileSync(file('.pem'), run('cat', [file('-leaf.pem'), file('-ca.pem')]));
	return { key: file('.key'), chain: file('.pem'), ca: file('-ca.pem'), leaf: file('-leaf.pem') };
}

const hashes = { ES256: 'sha256', ES384: 'sha384', ES512: 'sha512', RS256: 'sha256', PS256: 'sha256', EdDSA: null };
function verifies(jws, alg, key) {
	const [header, payload, signature] = jws.split('.');
	const options = alg === 'PS256' ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : alg.startsWith('ES') ? { key, dsaEncoding: 'ieee-p1363' } : key;
	return verify(hashes[alg], Buffer.from(`${header}.${payload}`), options, Buffer.from(signature, 'base64url'));
}
const decode = part => Buffer.from(part, 'base64url').toString('utf8');

async function kind(alg, how) {
	const files = chain(alg, how);
	const server = await serve(alg, ['--sign-key', files.key, '--sign-certificate', files.chain]);
	const parts = { submodels: submodel, shells: shell, 'concept-descriptions': concept };
	for (const [collection, want] of Object.entries(parts)) {
		const path = `/${collection}/${b64('urn:signed')}`;
		const r = await server.get(`${path}/$signed`);
		const [header, payload, signature] = r.text.split('.');
		const h = JSON.parse(decode(header));
		const plain = await server.get(`${path}?extent=withBlobValue`);
		equal([r.status, r.type, h.alg, h.x5c?.length], [200, 'text/plain', alg, 2], `${alg}: ${collection} are signed`);
		ok(decode(payload) === plain.text && JSON.parse(plain.text).id === want.id, 'the payload is what GET answers', decode(payload));
		const leaf = new X509Certificate(Buffer.from(h.x5c[0], 'base64'));
		const ca = new X509Certificate(Buffer.from(h.x5c[1], 'base64'));
		ok(leaf.checkIssued(ca) && leaf.verify(ca.publicKey), 'the chain leads to the authority');
		ok(verifies(r.text, alg, leaf.publicKey), 'node verifies it by the certificate in it');
		ok(verifies(r.text, alg, createPublicKey(run('cat', [files.leaf]))), 'and by the one of the file');
		const changed = Buffer.from(decode(payload).replace('urn:', 'urm:')).toString('base64url');
		ok(!verifies(`${header}.${changed}.${signature}`, alg, leaf.publicKey), 'and not when the payload is changed');
		const other = Buffer.from(decode(header).replace('JOSE', 'JOSF')).toString('base64url');
		ok(!verifies(`${other}.${payload}.${signature}`, alg, leaf.publicKey), 'nor when the header is');
		if (alg === 'RS256') {
			const [text, sum, pub] = ['text', 'sum', 'pub'].map(n => join(dir, n));
			writeFileSync(text, `${header}.${payload}`);
			writeFileSync(sum, Buffer.from(signature, 'base64url'));
			writeFileSync(pub, openssl('x509', '-in', files.leaf, '-noout', '-pubkey'));
			equal(openssl('dgst', '-sha256', '-verify', pub, '-signature', sum, text).trim(), 'Verified OK', 'openssl verifies it');
		}
	}
	await stop(server.child);
}

if (!installed('openssl')) {
	skip('signed texts', 'openssl is not installed');
	await finish(dir);
}
await kind('ES256', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']);
await kind('RS256', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']);
await kind('PS256', ['-algorithm', 'RSA-PSS', '-pkeyopt', 'rsa_keygen_bits:2048']);
await kind('EdDSA', ['-algorithm', 'ED25519']);

const without = await serve('without', []);
const none = await without.get(`/submodels/${b64('urn:signed')}/$signed`);
equal([none.status, /--sign-key/.test(none.text)], [501, true], 'without a key it is not possible, which is said');
await stop(without.child);

const ca = chain('other', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']);
const words = (...args) => cli(['serve', '--database', 'memory', '--data', join(dir, 'wrong'), '--listen', '127.0.0.1:0', ...args]);
const mixed = words('--sign-key', join(dir, 'ES256.key'), '--sign-certificate', ca.chain);
ok(mixed.code === 78 && /not that of the key/.test(mixed.err), 'a certificate of another key does not start', JSON.stringify(mixed));
const alone = words('--sign-certificate', ca.chain);
ok(alone.code === 78 && /sign-key/.test(alone.err), 'nor one without a key', JSON.stringify(alone));
const missing = words('--sign-key', join(dir, 'nothing'));
ok(missing.code === 66 && /nothing/.test(missing.err), 'nor a file that is not there', JSON.stringify(missing));
await finish(dir);
