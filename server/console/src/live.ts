// SPDX-License-Identifier: Apache-2.0
// live.ts - current values by server-sent events: one connection for the whole page, whoever looks at a value subscribes here.
import { useEffect, useState } from 'preact/hooks';

export interface Live { submodel: string; path: string; text: string | null; quality: string; time: string | null; seq: number }
type Listener = () => void;

const values = new Map<string, Live>();
const listeners = new Map<string, Set<Listener>>();
const states = new Set<Listener>();
let connected = false;
let source: EventSource | undefined;

const key = (submodel: string, path: string) => `${submodel}\n${path}`;

function setConnected(now: boolean) {
	if (now !== connected) {
		connected = now;
		states.forEach(f => f());
	}
}

export function connect() {
	source?.close();
	source = new EventSource('events/live');
	source.onopen = () => setConnected(true);
	source.onerror = () => {
		setConnected(false);
		if (source?.readyState === EventSource.CLOSED)
			setTimeout(connect, 2000);
	};
	source.addEventListener('value', event => {
		const value = JSON.parse((event as MessageEvent<string>).data) as Live;
		const k = key(value.submodel, value.path);
		values.set(k, value);
		listeners.get(k)?.forEach(f => f());
	});
}

export const current = (submodel: string, path: string) => values.get(key(submodel, path));

/** Calls f whenever the value changes; returns the way to stop it. */
export function watch(submodel: string, path: string, f: Listener): () => void {
	const k = key(submodel, path);
	const set = listeners.get(k) ?? new Set<Listener>();
	listeners.set(k, set.add(f));
	return () => {
		set.delete(f);
	};
}

export function useLive(submodel: string | undefined, path: string): Live | undefined {
	const [, redraw] = useState(0);
	useEffect(() => (submodel ? watch(submodel, path, () => redraw(n => n + 1)) : undefined), [submodel, path]);
	return submodel ? current(submodel, path) : undefined;
}

export function useConnected(): boolean {
	const [, redraw] = useState(0);
	useEffect(() => {
		const f = () => redraw(n => n + 1);
		states.add(f);
		return () => {
			states.delete(f);
		};
	}, []);
	return connected;
}
