// SPDX-License-Identifier: Apache-2.0
// trend.tsx - the last minutes of one signal: what the server has, then what comes.
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { trend } from '../api';
import { current, watch } from '../live';
import { Signal } from '../twin';

const MINUTES = 10;

function color(name: string): string {
	return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function makePlot(box: HTMLElement, signal: Signal): uPlot {
	const axis = { stroke: color('--ink-2'), grid: { stroke: color('--line'), width: 1 }, ticks: { show: false }, font: '12px system-ui' };
	return new uPlot({
		width: box.clientWidth,
		height: 260,
		cursor: { y: false },
		legend: { show: true, live: true },
		scales: { x: { time: true } },
		axes: [axis, { ...axis, size: 64 }],
		series: [
			{ value: (_, t) => (t ? new Date(t * 1000).toLocaleTimeString() : '–') },
			{
				label: `${signal.name} ${signal.unit && `[${signal.unit}]`}`,
				stroke: color('--accent'),
				width: 2,
				fill: color('--accent-soft'),
				points: { show: false },
				value: (_, v) => (v === null || v === undefined ? '–' : v.toFixed(2)),
			},
		],
	}, [[], []], box);
}

export function TrendChart({ signal }: { signal: Signal }) {
	const box = useRef<HTMLDivElement>(null);
	const [fault, setFault] = useState('');

	useEffect(() => {
		const node = box.current as HTMLDivElement;
		const plot = makePlot(node, signal);
		const x: number[] = [];
		const y: (number | null)[] = [];
		let gone = false;
		let dirty = false;

		const draw = () => {
			if (gone)
				return;
			requestAnimationFrame(draw);
			if (!dirty)
				return;
			dirty = false;
			const from = Date.now() / 1000 - MINUTES * 60;
			let old = 0;
			while (old < x.length && x[old] < from)
				old++;
			x.splice(0, old);
			y.splice(0, old);
			plot.setData([x, y]);
		};
		const add = () => {
			const live = current(signal.submodel, signal.path);
			const t = live?.time ? Date.parse(live.time) / 1000 : NaN;
			if (!live || !(t > (x[x.length - 1] ?? 0)))
				return;
			x.push(t);
			y.push(live.quality === 'bad' || live.text === null ? null : Number(live.text));
			dirty = true;
		};
		trend(signal.submodel, signal.path, new Date(Date.now() - MINUTES * 60000)).then(t => {
			const last = t.series[t.series.length - 1]?.[0] ?? 0;
			const newer = x.findIndex(v => v * 1000 > last);
			const keepX = newer < 0 ? [] : x.slice(newer);
			const keepY = newer < 0 ? [] : y.slice(newer);
			x.splice(0, x.length, ...t.series.map(p => p[0] / 1000), ...keepX);
			y.splice(0, y.length, ...t.series.map(p => p[1]), ...keepY);
			dirty = true;
		}, e => setFault(String(e.message ?? e)));

		const stop = watch(signal.submodel, signal.path, add);
		const size = new ResizeObserver(() => plot.setSize({ width: node.clientWidth, height: 260 }));
		size.observe(node);
		draw();
		return () => {
			gone = true;
			stop();
			size.disconnect();
			plot.destroy();
		};
	}, [signal.submodel, signal.path]);

	return (
		<section class="card wide">
			<h3>{signal.name} <small>last {MINUTES} minutes</small></h3>
			<div ref={box} class="plot" />
			{fault && <p class="fault">{fault}</p>}
		</section>
	);
}
