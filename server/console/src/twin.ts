// SPDX-License-Identifier: Apache-2.0
// twin.ts - what the console knows of a shell: its submodels, found by their semantic ids, and the bound elements in them.
import { Element, Reference, Shell, Submodel, submodel } from './api';

const TWIN_ENGINE = 'https://twinshell.org/submodel/TwinEngine/';
const PREDICTION = 'https://admin-shell.io/idta/SubmodelTemplate/PredictiveMaintenance/';

/** A Property that a link of the TwinEngine submodel feeds. */
export interface Signal {
	link: string;
	submodel: string;
	path: string;
	name: string;
	unit: string;
	type: string;
	writable: boolean;
}
export interface Twin {
	shell: Shell;
	submodels: Submodel[];
	missing: string[];
	engine?: Submodel;
	prediction?: Submodel;
	signals: Signal[];
	operations: Element[];
}

export const children = (e: Element | undefined): Element[] => (Array.isArray(e?.value) ? (e?.value as Element[]) : []);
export const child = (list: Element[] | undefined, name: string) => list?.find(e => e.idShort === name);
export const text = (list: Element[] | undefined, name: string) => {
	const value = child(list, name)?.value;
	return typeof value === 'string' ? value : '';
};

/** Follow an idShortPath without list indices. */
export function find(sm: Submodel | undefined, path: string): Element | undefined {
	let list = sm?.submodelElements;
	let at: Element | undefined;
	for (const step of path.split('.')) {
		at = child(list, step);
		list = at?.statements ?? children(at);
	}
	return at;
}

const hasSemantics = (sm: Submodel, prefix: string) => sm.semanticId?.keys.some(k => k.value.startsWith(prefix)) ?? false;

function signal(link: Element, submodels: Submodel[]): Signal | undefined {
	const parts = children(link);
	const target = child(parts, 'Target')?.value as Reference | undefined;
	if (!target?.keys || target.keys.length < 2)
		return undefined;
	const [first, ...rest] = target.keys;
	const path = rest.map(k => k.value).join('.');
	const element = find(submodels.find(s => s.id === first.value), path);
	return {
		link: link.idShort ?? '',
		submodel: first.value,
		path,
		name: element?.displayName?.[0]?.text ?? rest[rest.length - 1].value,
		unit: text(parts, 'Unit'),
		type: element?.valueType ?? '',
		writable: text(parts, 'Writable') === 'true',
	};
}

export async function loadTwin(shell: Shell): Promise<Twin> {
	const ids = (shell.submodels ?? []).map(r => r.keys[r.keys.length - 1].value);
	const replies = await Promise.allSettled(ids.map(submodel));
	const submodels = replies.flatMap(r => (r.status === 'fulfilled' ? [r.value] : []));
	const engine = submodels.find(s => hasSemantics(s, TWIN_ENGINE));
	const links = children(child(engine?.submodelElements, 'Links'));
	return {
		shell,
		submodels,
		missing: ids.filter((_, i) => replies[i].status === 'rejected'),
		engine,
		prediction: submodels.find(s => hasSemantics(s, PREDICTION)),
		signals: links.flatMap(l => signal(l, submodels) ?? []),
		operations: (engine?.submodelElements ?? []).filter(e => e.modelType === 'Operation'),
	};
}

export const label = (shell: Shell) => shell.idShort ?? shell.id;

/** A number as an operator reads it: three significant digits at least, no noise behind. */
export function show(value: string | null | undefined): string {
	if (value === null || value === undefined || value === '')
		return '–';
	const n = Number(value);
	if (!Number.isFinite(n) || value.trim() === '')
		return value;
	const digits = Math.abs(n) >= 1000 ? 0 : Math.abs(n) >= 100 ? 1 : Math.abs(n) >= 1 ? 2 : 3;
	return n.toLocaleString('en', { maximumFractionDigits: digits });
}

export function hours(h: number): string {
	if (h < 1)
		return `${Math.round(h * 60)} min`;
	if (h < 72)
		return `${h.toFixed(h < 10 ? 1 : 0)} h`;
	return `${(h / 24).toLocaleString('en', { maximumFractionDigits: h < 240 ? 1 : 0 })} days`;
}
