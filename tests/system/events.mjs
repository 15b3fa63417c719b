// SPDX-License-Identifier: Apache-2.0
// events.mjs - the feed of changes on PostgreSQL, to a broker and to streams, while clients write and server and broker are killed: every change that was
// acknowledged is told, at the broker perhaps twice, in the feed once, those of one submodel in their order.
import { b64, Broker, equal, finish, installed, note, ok, postgres, Server, skip, sleep, start, stop, until, workspace } from './lib.mjs';
import { join } from 'node:path';

if (!postgres() || !installed('mosquitto') || !installed('mosquitto_sub')) {
	skip('events on PostgreSQL', 'it or mosquitto is not installed');
	await finish();
}
const SUBMODELS = 4;
const id = n => `urn:events:${n}`;
const submodel = n => ({ modelType: 'Submodel', id: id(n), submodelElements: [{ modelType: 'Property', idShort: 'V', valueType: 'xs:int', value: '-1' }] });

const dir = workspace();
const broker = await Broker.create(dir);
const args = ['--broker', broker.uri, '--events', 'cloudevents,basyx', '--external-url', 'https://plant.example'];
let server = await new Server(dir, args).start(90);

// -- who listens at the broker: its session outlives the broker, and it connects again by itself -----------------------------------------------------------------
const listener = start('mosquitto_sub', ['-h', '127.0.0.1', '-p', String(broker.port), '-q', '1', '-c', '-i', 'listener', '-t', 'noauth', '-t', 'sm-repository/#',
	'-F', '%t\t%p'], { log: join(dir, 'sub.log') });
const heard = () => listener.lines.map(l => l.split('\t'));
const clouds = () => heard().filter(([topic]) => topic === 'noauth').map(([, payload]) => JSON.parse(payload));
await until(20, () => {
	broker.publish('noauth', '{"id":"0-0"}');
	return clouds().length;
}, 300);

// -- who writes, whatever happens ------------------------------------------------------------------------------------------------
for (let n = 0; n < SUBMODELS; n++)
	await server.call('POST', '/submodels', submodel(n));
const acknowledged = Array.from({ length: SUBMODELS }, () => []);
const unknown = Array.from({ length: SUBMODELS }, () => new Set());
let writing = true;
async function write(n) {
	for (let value = 0; writing; value++) {
		try {
			const { status } = await server.call('PATCH', `/submodels/${b64(id(n))}/submodel-elements/V/$value`, value);
			if (status === 204)
				acknowledged[n].push(value);
			else
				unknown[n].add(value);
		} catch {
			unknown[n].add(value);		/* killed while it was asked: nobody knows */
			await sleep(100);
		}
	}
}
const total = () => acknowledged.reduce((sum, a) => sum + a.length, 0);
const more = async (n, what) => {
	const before = total();
	ok(await until(60, () => total() >= before + n), `${what}: clients write on`);
};
const writers = Array.from({ length: SUBMODELS }, (_, n) => write(n));
await more(200, 'at first');
broker.stop();
await more(200, 'without a broker');
broker.start();
await more(100, 'the broker is back');
await stop(server.child, 'SIGKILL');
server = await new Server(dir, args).start(90);
await more(200, 'after kill -9');
broker.stop();
await more(100, 'without a broker again');
await stop(server.child, 'SIGKILL');
server = await new Server(dir, args).start(90);
await more(50, 'after kill -9 without a broker');
broker.start();
await more(100, 'all is well again');
writing = false;
await Promise.all(writers);
note(`${total()} writes were acknowledged, of ${unknown.reduce((sum, u) => sum + u.size, 0)} nobody knows`);

// -- the feed: each change once --------------------------------------------------------------------------------------------------
const origin = () => new URL(server.endpoints.url).origin;
async function feed(query = '') {
	const out = [];
	for (let cursor = ''; ;) {
		const r = await fetch(`${origin()}/events?limit=300${cursor ? `&cursor=${cursor}` : ''}${query}`);
		const page = await r.json();
		out.push(...page.result);
		if (page.paging_metadata.cursor === cursor || !page.result.length)
			return out;
		cursor = page.paging_metadata.cursor;
	}
}
const settled = await until(30, async () => {
	const events = await feed();
	const value = (await server.call('GET', `/submodels/${b64(id(0))}/submodel-elements/V/$value`)).json;
	return events.some(e => e.source.includes(b64(id(0))) && e.data === value) && events;
}, 300);
const events = settled ?? [];
const of = (list, n) => list.filter(e => e.source?.includes(`/submodels/${b64(id(n))}/`));
equal(new Set(events.map(e => e.id)).size, events.length, 'the feed: no event twice');
ok(events[0]?.source.startsWith('https://plant.example/api/v3.0/submodels/'), 'a source that can be followed', events[0]?.source);
for (let n = 0; n < SUBMODELS; n++) {
	const told = of(events, n).map(e => e.data), known = told.filter(v => !unknown[n].has(v));
	equal(known, acknowledged[n], `the feed: ${acknowledged[n].length} acknowledged writes to one submodel, each once and in their order`);
}

// -- the broker: each change at least once, in the same order --------------------------------------------------------------------
const wanted = new Set(events.map(e => e.id));
const complete = await until(60, () => {
	const have = new Set(clouds().map(e => e.id));
	return [...wanted].every(i => have.has(i));
}, 200);
ok(complete, 'the broker: every event of the feed came', [...wanted].filter(i => !clouds().some(e => e.id === i)).slice(0, 20));
const first = [...new Map(clouds().filter(e => wanted.has(e.id)).map(e => [e.id, e])).values()];
equal(first.length, wanted.size, 'the broker: and no other');
note(`${clouds().length - 1} messages for ${events.length} events`);
const number = e => Number(e.id.split('-')[0]);
for (let n = 0; n < SUBMODELS; n++) {
	const numbers = of(first, n).map(number);
	ok(numbers.every((x, i) => !i || numbers[i - 1] < x), 'the broker: those of one submodel come in their order', numbers);
}
ok(heard().some(([topic, payload]) => topic === `sm-repository/sm-repo/submodels/${b64(id(1))}/submodelElements/V/value/updated` &&
	JSON.parse(payload).value === String(acknowledged[1][0])), 'the topics of BaSyx too');

// -- a stream that breaks again and again -------------------------------------------------------------------------------------------
async function stream(last, most) {
	const abort = new AbortController();
	const headers = { Accept: 'text/event-stream', ...(last ? { 'Last-Event-ID': last } : {}) };
	const reply = await fetch(`${origin()}/events?cursor=0`, { headers, signal: abort.signal });
	const got = [];
	let text = '';
	const timer = setTimeout(() => abort.abort(), 20000);
	try {
		for await (const chunk of reply.body) {
			text += Buffer.from(chunk).toString('utf8');
			const blocks = text.split('\n\n');
			text = blocks.pop();
			got.push(...blocks.filter(b => /^data: /m.test(b)));
			if (got.length >= most)
				break;
		}
	} catch {
		// aborted
	}
	clearTimeout(timer);
	abort.abort();
	return got.slice(0, most).map(b => ({ cursor: /^id: (.*)$/m.exec(b)[1], event: JSON.parse(/^data: (.*)$/m.exec(b)[1]) }));
}
let streamed = [];
for (let last = '', i = 0; streamed.length < events.length && i < 100; i++) {
	const got = await stream(last, Math.min(37 + 13 * i, events.length - streamed.length));
	if (!got.length)
		break;
	streamed.push(...got);
	last = got.at(-1).cursor;
}
equal(streamed.map(s => s.event.id), events.map(e => e.id), 'a stream that breaks and goes on by Last-Event-ID: nothing lost, nothing twice');
const live = stream(streamed.at(-1)?.cursor, 2);
await server.call('PATCH', `/submodels/${b64(id(0))}/submodel-elements/V/$value`, 1000001);
await server.call('PATCH', `/submodels/${b64(id(0))}/submodel-elements/V/$value`, 1000002);
equal((await live).map(s => s.event.data), [1000001, 1000002], 'and then what happens now');
await stop(server.child);
broker.stop();
await finish(dir);
