// SPDX-License-Identifier: Apache-2.0
// clients.mjs - other people's clients against the running server: the BaSyx SDK speaks to it, and aas-core verifies what comes back.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { b64, finish, note, ok, postgres, program, Server, skip, source, start, stop, until, workspace } from './lib.mjs';
import { packages } from './packages.mjs';

let core;
let sdk;

/** The same value, whatever the order of the members. */
const equal = (got, want, what) => ok(isDeepStrictEqual(got, want), what, `got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);

/** The data of an answer of the SDK; a failure is a fault of the test. */
async function good(what, promise) {
	const answer = await promise;
	return ok(answer.success, what, JSON.stringify(answer.error)) ? answer.data : undefined;
}
async function refused(what, promise, code) {
	const answer = await promise;
	const got = answer.error?.messages?.[0]?.code;
	ok(!answer.success && got?.split('-')[0] === code, what, `${answer.success} ${JSON.stringify(answer.error)}`);
}

/** The instance of aas-core as plain JSON, when all its constraints hold. */
function plain(what, instance) {
	const faults = [...core.verification.verify(instance)].map(e => `${e.path}: ${e.message}`);
	equal(faults, [], `${what} keeps all constraints`);
	return core.jsonization.toJsonable(instance);
}
const read = (kind, json) => core.jsonization[`${kind}FromJsonable`](json).mustValue();

const semantic = value => ({ type: 'ExternalReference', keys: [{ type: 'GlobalReference', value }] });
const shell = {
	modelType: 'AssetAdministrationShell', id: 'https://example.com/shells/1?a=b', idShort: 'Shell1', administration: { version: '1', revision: '2' },
	assetInformation: { assetKind: 'Instance', globalAssetId: 'urn:client:asset:1', specificAssetIds: [{ name: 'serialNumber', value: 'Ä-4711' }] },
};
const submodel = {
	modelType: 'Submodel', id: 'urn:client:sm:1', idShort: 'Everything', kind: 'Instance', semanticId: semantic('urn:client:sem:1'),
	submodelElements: [
		{ modelType: 'Property', idShort: 'Speed', valueType: 'xs:double', value: '1.50', semanticId: semantic('urn:client:cd:1') },
		{ modelType: 'Property', idShort: 'Count', valueType: 'xs:int', value: '7' },
		{ modelType: 'MultiLanguageProperty', idShort: 'Title', value: [{ language: 'en', text: 'pump' }, { language: 'de', text: 'Pumpe' }] },
		{ modelType: 'Range', idShort: 'Band', valueType: 'xs:int', min: '1', max: '5' },
		{ modelType: 'SubmodelElementCollection', idShort: 'Motor', value: [{ modelType: 'Property', idShort: 'Temp', valueType: 'xs:int', value: '20' }] },
		{ modelType: 'SubmodelElementList', idShort: 'Log', typeValueListElement: 'Property', valueTypeListElement: 'xs:int',
			value: [{ modelType: 'Property', valueType: 'xs:int', value: '1' }, { modelType: 'Property', valueType: 'xs:int', value: '2' }] },
		{ modelType: 'Entity', idShort: 'Seal', entityType: 'CoManagedEntity', statements: [{ modelType: 'Property', idShort: 'Wear', valueType: 'xs:int', value: '0' }] },
		{ modelType: 'ReferenceElement', idShort: 'Shown', value: { type: 'ModelReference', keys: [{ type: 'Submodel', value: 'urn:client:sm:1' }] } },
		{ modelType: 'Operation', idShort: 'Reset' },
	],
};
const concept = { modelType: 'ConceptDescription', id: 'urn:client:cd:1', idShort: 'Velocity', isCaseOf: [semantic('urn:client:cd:0')] };

async function shells(configuration) {
	const client = new sdk.AasRepositoryClient();
	const aasIdentifier = shell.id;
	const made = await good('a shell is made', client.postAssetAdministrationShell({ configuration, assetAdministrationShell: read('assetAdministrationShell', shell) }));
	equal(made && plain('the shell', made), shell, 'and comes back as it was');
	await refused('a second time it is there', client.postAssetAdministrationShell({ configuration, assetAdministrationShell: read('assetAdministrationShell', shell) }), '409');
	const got = await good('it is read', client.getAssetAdministrationShellById({ configuration, aasIdentifier }));
	equal(got && plain('it', got), shell, 'as it was');
	const listed = await good('shells are found by the id of their asset', client.getAllAssetAdministrationShells({ configuration,
		assetIds: [{ name: 'serialNumber', value: 'Ä-4711' }, { name: 'globalAssetId', value: 'urn:client:asset:1' }] }));
	equal(listed?.result.map(s => s.id), [shell.id], 'that one alone');
	const none = await good('an asset nobody has', client.getAllAssetAdministrationShells({ configuration, assetIds: [{ name: 'serialNumber', value: 'none' }] }));
	equal(none?.result.length, 0, 'finds none');
	await good('a shell is replaced', client.putAssetAdministrationShellById({ configuration, aasIdentifier,
		assetAdministrationShell: read('assetAdministrationShell', { ...shell, idShort: 'Renamed' }) }));
	const info = await good('its asset information', client.getAssetInformation({ configuration, aasIdentifier }));
	equal(info && plain('it', info), shell.assetInformation, 'is what it was');
	const submodelReference = read('reference', { type: 'ModelReference', keys: [{ type: 'Submodel', value: submodel.id }] });
	await good('a reference to a submodel is added', client.postSubmodelReference({ configuration, aasIdentifier, submodelReference }));
	const references = await good('and listed', client.getAllSubmodelReferences({ configuration, aasIdentifier }));
	equal(references?.result.map(r => r.keys[0].value), [submodel.id], 'as one');
	const file = new Blob([Buffer.from([0x89, 0x50, 0x4e, 0x47])], { type: 'image/png' });
	await good('a thumbnail is stored', client.putThumbnail({ configuration, aasIdentifier, fileName: 'small.png', file }));
	const thumbnail = await good('and read', client.getThumbnail({ configuration, aasIdentifier }));
	equal(thumbnail && [...Buffer.from(await thumbnail.arrayBuffer())], [0x89, 0x50, 0x4e, 0x47], 'byte by byte');
	await good('and deleted', client.deleteThumbnail({ configuration, aasIdentifier }));
	await refused('then it is not there', client.getThumbnail({ configuration, aasIdentifier }), '404');
}

async function submodels(configuration) {
	const client = new sdk.SubmodelRepositoryClient();
	const submodelIdentifier = submodel.id;
	const made = await good('a submodel is made', client.postSubmodel({ configuration, submodel: read('submodel', submodel) }));
	equal(made && plain('the submodel', made), submodel, 'and comes back as it was');
	const core1 = await good('its first level', client.getSubmodelById({ configuration, submodelIdentifier, level: 'core' }));
	equal(core1?.submodelElements.length, submodel.submodelElements.length, 'has all its elements');
	const values = await good('its values', client.getSubmodelByIdValueOnly({ configuration, submodelIdentifier }));
	equal(values, { Speed: 1.5, Count: 7, Title: [{ en: 'pump' }, { de: 'Pumpe' }], Band: { min: 1, max: 5 }, Motor: { Temp: 20 }, Log: [1, 2],
		Seal: { statements: { Wear: 0 }, entityType: 'CoManagedEntity' }, Shown: values?.Shown }, 'are those');
	await good('a value is written', client.patchSubmodelElementByPathValueOnly({ configuration, submodelIdentifier, idShortPath: 'Motor.Temp', submodelElementValue: 88 }));
	equal(await good('and read', client.getSubmodelElementByPathValueOnly({ configuration, submodelIdentifier, idShortPath: 'Motor.Temp' })), 88, 'as it was written');
	await refused('a value of another type', client.patchSubmodelElementByPathValueOnly({ configuration, submodelIdentifier, idShortPath: 'Count', submodelElementValue: 'many' }), '400');
	await good('several values', client.patchSubmodelByIdValueOnly({ configuration, submodelIdentifier, body: { Count: 8, Log: [3, 4] } }));
	const item = await good('the item of a list', client.getSubmodelElementByPath({ configuration, submodelIdentifier, idShortPath: 'Log[1]' }));
	equal(item && plain('it', item), { modelType: 'Property', valueType: 'xs:int', value: '4' }, 'is the new one');
	const fresh = { modelType: 'Property', idShort: 'Fresh', valueType: 'xs:boolean', value: 'true' };
	await good('an element is added', client.postSubmodelElementByPath({ configuration, submodelIdentifier, idShortPath: 'Motor', submodelElement: read('submodelElement', fresh) }));
	await refused('a second time it is there', client.postSubmodelElementByPath({ configuration, submodelIdentifier, idShortPath: 'Motor',
		submodelElement: read('submodelElement', fresh) }), '409');
	await good('it is replaced', client.putSubmodelElementByPath({ configuration, submodelIdentifier, idShortPath: 'Motor.Fresh',
		submodelElement: read('submodelElement', { ...fresh, value: 'false' }) }));
	const page = await good('a page of elements', client.getAllSubmodelElements({ configuration, submodelIdentifier, limit: 4 }));
	equal(page?.result.map(e => e.idShort), ['Speed', 'Count', 'Title', 'Band'], 'has four');
	/* The SDK looks for the cursor under another name than the specification has. */
	const first = await (await fetch(`${configuration.basePath}/submodels/${b64(submodelIdentifier)}/submodel-elements?limit=4`)).json();
	const next = await good('the next', client.getAllSubmodelElements({ configuration, submodelIdentifier, limit: 100, cursor: first.paging_metadata.cursor }));
	equal(next?.result.map(e => e.idShort), ['Motor', 'Log', 'Seal', 'Shown', 'Reset'], 'the rest');
	await good('an element is deleted', client.deleteSubmodelElementByPath({ configuration, submodelIdentifier, idShortPath: 'Motor.Fresh' }));
	await refused('then it is not there', client.getSubmodelElementByPath({ configuration, submodelIdentifier, idShortPath: 'Motor.Fresh' }), '404');
	const list = await good('submodels are found by their meaning', client.getAllSubmodels({ configuration, semanticId: submodel.semanticId }));
	equal(list?.result.map(s => s.id), [submodel.id], 'that one');
	await good('a submodel is replaced', client.putSubmodelById({ configuration, submodelIdentifier, submodel: read('submodel', submodel) }));
	const end = await good('and read', client.getSubmodelById({ configuration, submodelIdentifier }));
	equal(end && plain('it', end), submodel, 'as it was in the beginning');
}

async function concepts(configuration) {
	const client = new sdk.ConceptDescriptionRepositoryClient();
	const cdIdentifier = concept.id;
	const made = await good('a concept description is made', client.postConceptDescription({ configuration, conceptDescription: read('conceptDescription', concept) }));
	equal(made && plain('it', made), concept, 'and comes back as it was');
	const list = await good('all of them', client.getAllConceptDescriptions({ configuration }));
	equal(list?.result.map(c => c.id), [concept.id], 'are that one');
	await good('it is replaced', client.putConceptDescriptionById({ configuration, cdIdentifier, conceptDescription: read('conceptDescription', { ...concept, idShort: 'Speed' }) }));
	equal((await good('and read', client.getConceptDescriptionById({ configuration, cdIdentifier })))?.idShort, 'Speed', 'renamed');
}

/** The whole of it as one environment: aas-core reads and verifies it. */
async function environment(base) {
	const reply = await fetch(`${base}/serialization?aasIds=${b64(shell.id)}&submodelIds=${b64(submodel.id)}`, { headers: { Accept: 'application/json' } });
	const json = await reply.json();
	const whole = read('environment', json);
	equal(plain('the environment of all that', whole), json, 'and reads back as it was written');
}

/** What a real plant looks like to them, where no engine changes it. */
async function plant(configuration) {
	const text = readFileSync(join(source, 'examples/plant/environment.json'), 'utf8');
	const environmentJson = JSON.parse(text);
	const client = new sdk.SubmodelRepositoryClient();
	for (const sm of environmentJson.submodels) {
		await good(`${sm.idShort} is made`, client.postSubmodel({ configuration, submodel: read('submodel', sm) }));
		const got = await good('and read', client.getSubmodelById({ configuration, submodelIdentifier: sm.id, extent: 'withBlobValue' }));
		equal(got && core.jsonization.toJsonable(got), core.jsonization.toJsonable(read('submodel', sm)), 'as it was');
		await good('and deleted', client.deleteSubmodelById({ configuration, submodelIdentifier: sm.id }));
	}
}

async function remove(configuration) {
	await good('the shell is deleted', new sdk.AasRepositoryClient().deleteAssetAdministrationShellById({ configuration, aasIdentifier: shell.id }));
	await good('the submodel is deleted', new sdk.SubmodelRepositoryClient().deleteSubmodelById({ configuration, submodelIdentifier: submodel.id }));
	await good('the concept description is deleted', new sdk.ConceptDescriptionRepositoryClient().deleteConceptDescriptionById({ configuration, cdIdentifier: concept.id }));
	await refused('nothing is left', new sdk.AasRepositoryClient().getAssetAdministrationShellById({ configuration, aasIdentifier: shell.id }), '404');
}

async function all(base) {
	const configuration = new sdk.Configuration({ basePath: base });
	await shells(configuration);
	await submodels(configuration);
	await concepts(configuration);
	await environment(base);
	await remove(configuration);
}

async function onMemory(dir) {
	note('on the memory store');
	const child = start(program, ['serve', '--database', 'memory', '--data', join(dir, 'memory'), '--listen', '127.0.0.1:0'], { log: join(dir, 'server.log') });
	const ready = await until(30, () => child.lines.find(l => l.startsWith('twinshell: ready ')));
	const base = `${ready?.split(' ').pop()}/api/v3.0`;
	if (ok(ready, 'the server starts')) {
		await all(base);
		await plant(new sdk.Configuration({ basePath: base }));
	}
	await stop(child);
}

const dir = workspace();
const require = await packages();
if (!require) {
	skip('clients of others', 'npm cannot install them');
} else {
	core = require('@aas-core-works/aas-core3.0-typescript');
	sdk = require('basyx-typescript-sdk');
	await onMemory(dir);
	if (postgres()) {
		note('on PostgreSQL');
		const server = await new Server(dir).start(90);
		await all(server.endpoints.api);
		await stop(server.child);
	} else {
		skip('the same on PostgreSQL', 'it is not installed');
	}
}
await finish(dir);
