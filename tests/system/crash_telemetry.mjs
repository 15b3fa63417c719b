// SPDX-License-Identifier: Apache-2.0
// crash_telemetry.mjs - a publisher whose every message is one sample, and a twin that is bound to it: what the broker took must be there once.
import { until } from './lib.mjs';
import { property } from './crash_load.mjs';

const COUNT = 'urn:count';
const collection = (idShort, value) => ({ modelType: 'SubmodelElementCollection', idShort, value });
export const counter = { modelType: 'Submodel', id: COUNT, idShort: 'Count', submodelElements: [property('N', undefined, 'xs:long')] };
export const link = (name, topic, ...selectors) => collection(name, [property('TopicFilter', topic, 'xs:string'), ...selectors,
	{ modelType: 'ReferenceElement', idShort: 'Target', value: { type: 'ModelReference', keys: [{ type: 'Submodel', value: COUNT }, { type: 'Property', value: name }] } },
	property('Quality', undefined, 'xs:string'), property('SourceTime', undefined, 'xs:dateTime')]);
export const twin = {
	modelType: 'Submodel', id: 'urn:count:twin', idShort: 'TwinEngine',
	semanticId: { type: 'ExternalReference', keys: [{ type: 'GlobalReference', value: 'https://twinshell.org/submodel/TwinEngine/1/0' }] },
	submodelElements: [property('Mode', 'shadow', 'xs:string'),
		collection('Connection', [property('State', undefined, 'xs:string'), property('LastError', undefined, 'xs:string'), property('Messages', undefined, 'xs:unsignedLong')]),
		collection('Links', [link('N', 'crash/count', property('Selector', '/n', 'xs:string'), property('TimeSelector', '/ts', 'xs:string'))])],
};

export class Telemetry {
	constructor(broker) {
		this.pub = broker.publisher('crash/count');
		this.pub.stdin.on('error', () => {});
		this.n = 0;
		this.base = Date.now() - 3600000;
	}
	send(n) {
		for (let i = 0; i < n; i++, this.n++)
			this.pub.stdin.write(`${JSON.stringify({ n: this.n, ts: new Date(this.base + this.n).toISOString() })}\n`);
	}
	/** What is published before the server has subscribed reaches nobody; what is published for that does not count. */
	async arrives(sql) {
		return until(30, () => {
			this.pub.stdin.write(`${JSON.stringify({ n: -1, ts: new Date(this.base - 1000).toISOString() })}\n`);
			return sql(`SELECT count(*) > 0 FROM report.sample WHERE submodel_id = '${COUNT}' AND path = 'N'`) === 't';
		});
	}
	begin() {
		this.timer = setInterval(() => this.send(1 + this.n % 7), 5);
	}
	end() {
		clearInterval(this.timer);
	}
	/** Faults: what is missing, what is there twice. */
	async check(sql) {
		const query = `SELECT count(DISTINCT value_num) || ' ' || count(*) FROM report.sample WHERE submodel_id = '${COUNT}' AND path = 'N' AND value_num >= 0`;
		await until(30, () => Number(sql(query).split(' ')[0]) >= this.n);
		const [distinct, all] = sql(query).split(' ').map(Number);
		return [...distinct === this.n ? [] : [`of ${this.n} samples ${distinct} are there`], ...all === distinct ? [] : [`${all - distinct} samples are there twice`]];
	}
}
