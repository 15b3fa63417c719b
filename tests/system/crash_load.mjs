// SPDX-License-Identifier: Apache-2.0
// crash_load.mjs - clients that write and know what must be there: each thing belongs to one client, so its state after an acknowledged write is
// one, and after a write that nobody answered one of two.  Used by crash.mjs and soak.mjs.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { b64, sleep, source, until } from './lib.mjs';

/** Random numbers that a seed repeats: below(n) is 0 .. n-1. */
export function random(seed) {
	let a = seed >>> 0;
	const next = () => {
		a = (a + 0x6D2B79F5) >>> 0;
		let t = Math.imul(a ^ (a >>> 15), 1 | a);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
	const below = n => Math.floor(next() * n);
	return { below, pick: list => list[below(list.length)] };
}

const small = readFileSync(join(source, 'tests/api/small.aasx'));
const bytesOf = n => Buffer.from(`file ${n} `.repeat(200 + n % 800));
const packageOf = n => Buffer.concat([small, Buffer.from(` ${n}`)]);
const hash = bytes => createHash('sha256').update(bytes).digest('hex').slice(0, 16);
const form = (bytes, name, fields = {}) => {
	const f = new FormData();
	for (const [k, v] of Object.entries(fields))
		f.set(k, v);
	f.set('file', new Blob([bytes], { type: 'application/octet-stream' }), name);
	return f;
};
export const property = (idShort, value, valueType = 'xs:int') => ({ modelType: 'Property', idShort, valueType, ...(value === undefined ? {} : { value: String(value) }) });
const submodel = (id, s) => ({ modelType: 'Submodel', id, idShort: `S${s.n}`, submodelElements: [
	property('Value', s.value), property('Text', `text ${s.value}`, 'xs:string'), { modelType: 'File', idShort: 'File', contentType: 'text/plain' },
	{ modelType: 'SubmodelElementCollection', idShort: 'More', value: [property('Deep', s.value), { modelType: 'Range', idShort: 'Range', valueType: 'xs:int', min: '0', max: String(s.n) }] },
	...(s.extra === undefined ? [] : [property('Extra', s.extra)])] });

// -- kinds of things: what may be done in a state, and how the state is read back -------------------------------------------------
// An operation: { when(state), to(state, n): the new state, send(thing, state, n): [method, path, body], want: status }.
const at = t => `/submodels/${b64(t.id)}`;
const element = (t, path) => `${at(t)}/submodel-elements/${path}`;
const there = s => s !== null;
const kinds = {
	submodel: {
		operations: [
			{ when: s => !there(s), to: (s, n) => ({ n, value: n, file: null }), send: (t, s, n) => ['POST', '/submodels', submodel(t.id, { n, value: n })], want: 201 },
			{ when: there, to: (s, n) => ({ n, value: n, file: null }), send: (t, s, n) => ['PUT', at(t), submodel(t.id, { n, value: n })], want: 204 },
			{ when: there, to: (s, n) => ({ ...s, value: n }), send: (t, s, n) => ['PATCH', `${at(t)}/$value`, { Value: String(n), Text: `text ${n}`, More: { Deep: String(n) } }], want: 204 },
			{ when: s => there(s) && s.extra === undefined, to: (s, n) => ({ ...s, extra: n }), send: (t, s, n) => ['POST', `${at(t)}/submodel-elements`, property('Extra', n)], want: 201 },
			{ when: s => there(s) && s.extra !== undefined, to: (s, n) => ({ ...s, extra: n }), send: (t, s, n) => ['PUT', element(t, 'Extra'), property('Extra', n)], want: 204 },
			{ when: s => there(s) && s.extra !== undefined, to: (s, n) => ({ ...s, extra: n }), send: (t, s, n) => ['PATCH', `${element(t, 'Extra')}/$value`, n], want: 204 },
			{ when: s => there(s) && s.extra !== undefined, to: s => ({ ...s, extra: undefined }), send: t => ['DELETE', element(t, 'Extra')], want: 204 },
			{ when: there, to: (s, n) => ({ ...s, file: hash(bytesOf(n)) }), send: (t, s, n) => ['PUT', `${element(t, 'File')}/attachment`, form(bytesOf(n), `${n}.txt`, { fileName: `${n}.txt` })], want: 204 },
			{ when: s => there(s) && s.file, to: s => ({ ...s, file: null }), send: t => ['DELETE', `${element(t, 'File')}/attachment`], want: 200 },
			{ when: there, to: () => null, send: t => ['DELETE', at(t)], want: 204 },
		],
		async read(t, call) {
			const r = await call('GET', at(t));
			if (r.status === 404)
				return null;
			const find = (list, name) => list.find(e => e.idShort === name);
			const e = r.json.submodelElements, value = find(e, 'Value').value, more = find(e, 'More').value;
			const file = find(e, 'File').value ? await call('GET', `${element(t, 'File')}/attachment`) : null;
			const whole = find(e, 'Text').value === `text ${value}` && find(more, 'Deep').value === value && (file === null || file.status === 200);
			const n = Number(find(more, 'Range').max);
			return { n: whole && r.json.idShort === `S${n}` ? n : `torn ${r.text}`, value: Number(value), file: file && hash(file.bytes),
				extra: find(e, 'Extra') && Number(find(e, 'Extra').value) };
		},
	},
	shared: {	/* one Property of a submodel that all clients write */
		operations: [{ when: there, to: (s, n) => n, send: (t, s, n) => ['PATCH', `${element(t, t.path)}/$value`, n], want: 204 }],
		read: async (t, call) => (await call('GET', `${element(t, t.path)}/$value`)).json,
	},
	shell: {
		operations: [
			{ when: s => !there(s), to: (s, n) => n, send: (t, s, n) => ['POST', '/shells', shell(t.id, n)], want: 201 },
			{ when: there, to: (s, n) => n, send: (t, s, n) => ['PUT', `/shells/${b64(t.id)}`, shell(t.id, n)], want: 204 },
			{ when: there, to: () => null, send: t => ['DELETE', `/shells/${b64(t.id)}`], want: 204 },
		],
		async read(t, call) {
			const r = await call('GET', `/shells/${b64(t.id)}`);
			return r.status === 404 ? null : Number(r.json.assetInformation.globalAssetId.split(':').pop());
		},
	},
	package: {
		operations: [
			{ when: s => !there(s), to: (s, n) => hash(packageOf(n)), send: (t, s, n) => ['POST', '/packages', form(packageOf(n), t.id, { fileName: t.id, aasIds: 'urn:crash:p' })], want: 201 },
			{ when: there, to: (s, n) => hash(packageOf(n)), send: (t, s, n) => ['PUT', `/packages/${b64(t.id)}`, form(packageOf(n), t.id, { fileName: t.id, aasIds: 'urn:crash:p' })], want: 204 },
			{ when: there, to: () => null, send: t => ['DELETE', `/packages/${b64(t.id)}`], want: 204 },
		],
		async read(t, call) {
			const r = await call('GET', `/packages/${b64(t.id)}`);
			return r.status === 404 ? null : r.status === 200 ? hash(r.bytes) : `status ${r.status}`;
		},
	},
};
const shell = (id, n) => ({ modelType: 'AssetAdministrationShell', id, idShort: 'A', assetInformation: { assetKind: 'Instance', globalAssetId: `urn:asset:${n}` } });

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b) || (a && b && typeof a === 'object' && ['n', 'value', 'file', 'extra'].every(k => a[k] === b[k]));
export const SHARED = 'urn:crash:shared';

export class Load {
	/** `api()` is where the API is now. */
	constructor(seed, api, clients = 6, things = 5) {
		this.api = api;
		this.counts = { acknowledged: 0, unanswered: 0, refused: 0, down: 0 };
		this.strange = [];
		this.clients = Array.from({ length: clients }, (_, c) => ({ random: random(seed + 7919 * (c + 1)), id: `urn:crash:${c}`, n: 1, things: [
			{ kind: 'shared', id: SHARED, path: `P${c}`, states: [0] }, { kind: 'shell', id: `urn:crash:shell:${c}` }, { kind: 'package', id: `crash-${c}.aasx` },
			...Array.from({ length: things }, (_, i) => ({ kind: 'submodel', id: `urn:crash:${c}:first${i}` }))] }));
		this.things.forEach(this.prepare);
	}
	prepare = t => Object.assign(t, { states: t.states ?? [null], changes: 0, maybe: 0 });
	get things() {
		return this.clients.flatMap(c => c.things);
	}
	/** For the submodel that all write. */
	get shared() {
		return { modelType: 'Submodel', id: SHARED, idShort: 'Shared', submodelElements: this.clients.map((_, c) => property(`P${c}`, 0)) };
	}
	call = async (method, path, body) => {
		const json = body !== undefined && !(body instanceof FormData);
		const r = await fetch(this.api() + path, { method, headers: json ? { 'Content-Type': 'application/json' } : {},
			body: json ? JSON.stringify(body) : body, signal: AbortSignal.timeout(60000) });
		const bytes = Buffer.from(await r.arrayBuffer()), text = bytes.toString();
		let parsed;
		try {
			parsed = JSON.parse(text);
		} catch {
			parsed = undefined;
		}
		return { status: r.status, bytes, text, json: parsed, headers: r.headers };
	};
	/** One write of one client. */
	async write(client) {
		const sure = client.things.filter(t => t.states.length === 1);
		while (sure.length < 3) {	/* nobody knows how most of his things are: he goes on with others */
			sure.push(this.prepare({ kind: 'submodel', id: `${client.id}:${client.n++}`, more: true }));
			client.things.push(sure.at(-1));
		}
		const t = client.random.pick(sure), state = t.states[0], n = client.n++;
		const o = client.random.pick(kinds[t.kind].operations.filter(x => x.when(state)));
		const [method, path, body] = o.send(t, state, n);
		let status = 0, text = '';
		try {
			({ status, text } = await this.call(method, path, body));
		} catch (e) {
			if (e.cause?.code === 'ECONNREFUSED') {	/* nobody was there: surely not done */
				this.counts.down++;
				return sleep(20);
			}
		}
		if (status === o.want) {
			t.states = [o.to(state, n)];
			t.changes++;
			this.counts.acknowledged++;
			return undefined;
		}
		t.states = [state, o.to(state, n)];
		t.maybe++;
		if (status && status !== 503)
			this.strange.push(`${method} ${path} ${status} ${text.slice(0, 300)}`);
		this.counts[status ? 'refused' : 'unanswered']++;
		return status ? sleep(100) : undefined;
	}
	begin() {
		for (const c of this.clients)
			c.things = c.things.filter(t => !t.more || t.states[0] !== null);
		this.going = true;
		this.running = Promise.all(this.clients.map(async c => {
			while (this.going)
				await this.write(c);
		}));
	}
	async end() {
		this.going = false;
		await this.running;
	}
	/** What is there is one of what may be there: faults as texts.  Afterwards every state is known again. */
	async settle() {
		const faults = [];
		/* A process of the database may be killed some while before the others notice, and go with it. */
		const patient = (...what) => until(60, async () => {
			const r = await this.call(...what);
			return r.status !== 503 && r;
		});
		await Promise.all(this.clients.map(async c => {
			for (const t of c.things) {
				const is = await kinds[t.kind].read(t, patient);
				if (!t.states.some(s => same(s, is)))
					faults.push(`${t.kind} ${t.id} ${t.path ?? ''} is ${JSON.stringify(is)}, not ${t.states.map(s => JSON.stringify(s)).join(' or ')}`);
				t.states = [is];
			}
		}));
		return faults;
	}
	/** The same for the number of changes of each identifiable; `changes`: id -> rows of history. */
	count(changes) {
		const faults = [];
		const ids = new Map();
		for (const t of this.things.filter(x => x.kind !== 'package')) {
			const sum = ids.get(t.id) ?? { sure: t.id === SHARED ? 1 : 0, maybe: 0, things: [] };
			ids.set(t.id, { sure: sum.sure + t.changes, maybe: sum.maybe + t.maybe, things: [...sum.things, t] });
		}
		for (const [id, { sure, maybe, things }] of ids) {
			const n = changes.get(id) ?? 0;
			if (n < sure || n > sure + maybe)
				faults.push(`${id} has ${n} changes in history, not ${sure} to ${sure + maybe}`);
			for (const t of things)
				Object.assign(t, { changes: 0, maybe: 0 });
			things[0].changes = id === SHARED ? n - 1 : n;
		}
		return faults;
	}
}
