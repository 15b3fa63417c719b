// SPDX-License-Identifier: Apache-2.0
// api.ts - the AAS REST API (IDTA-01002) as far as the console uses it.

const base = 'api/v3.0';

export interface Reference { type: string; keys: { type: string; value: string }[] }
export interface Element {
	modelType: string;
	idShort?: string;
	value?: string | Element[] | Reference;
	valueType?: string;
	min?: string;
	max?: string;
	statements?: Element[];
	semanticId?: Reference;
	qualifiers?: { type: string; value?: string }[];
	description?: { language: string; text: string }[];
	displayName?: { language: string; text: string }[];
	inputVariables?: { value: Element }[];
}
export interface Submodel { id: string; idShort?: string; semanticId?: Reference; submodelElements?: Element[] }
export interface Shell {
	id: string;
	idShort?: string;
	description?: { language: string; text: string }[];
	assetInformation: { assetKind: string; globalAssetId?: string; assetType?: string };
	submodels?: Reference[];
}
export interface OperationResult {
	executionState: string;
	success?: boolean;
	messages?: { text?: string }[];
	outputArguments?: { value: Element }[];
}

export function b64(text: string): string {
	const bytes = new TextEncoder().encode(text);
	return btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

export class ApiError extends Error {
	constructor(readonly status: number, text: string) {
		super(text);
	}
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
	const reply = await fetch(`${base}${path}`, {
		method,
		headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
		body: body === undefined ? undefined : JSON.stringify(body),
	});
	const text = await reply.text();
	if (!reply.ok) {
		let why = `${reply.status} ${reply.statusText}`;
		try {
			why = (JSON.parse(text).messages as { text: string }[]).map(m => m.text).join('; ') || why;
		} catch {
			// not a Result: the status has to do
		}
		throw new ApiError(reply.status, why);
	}
	return (text ? JSON.parse(text) : undefined) as T;
}

const path = (idShortPath: string) => encodeURIComponent(idShortPath);

export async function shells(): Promise<Shell[]> {
	const all: Shell[] = [];
	let cursor = '';
	do {
		const page = await call<{ result: Shell[]; paging_metadata: { cursor?: string } }>(
			'GET', `/shells?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
		all.push(...page.result);
		cursor = page.paging_metadata.cursor ?? '';
	} while (cursor && all.length < 1000);
	return all;
}

export const submodel = (id: string) => call<Submodel>('GET', `/submodels/${b64(id)}`);

export const setValue = (id: string, element: string, value: unknown) =>
	call<void>('PATCH', `/submodels/${b64(id)}/submodel-elements/${path(element)}/$value`, value);

export const invoke = (id: string, element: string, inputs: Element[]) =>
	call<OperationResult>('POST', `/submodels/${b64(id)}/submodel-elements/${path(element)}/invoke`, {
		inputArguments: inputs.map(value => ({ value })),
		clientTimeoutDuration: 'PT15S',
	});

export interface Trend { series: [number, number | null][]; unit?: string }
export async function trend(id: string, element: string, from: Date): Promise<Trend> {
	const reply = await fetch(`trend?submodel=${b64(id)}&path=${path(element)}&from=${from.toISOString()}&limit=5000`);
	if (!reply.ok)
		throw new ApiError(reply.status, `no trend of ${element}`);
	return reply.json();
}
