/** A statechart as boxes and arrows between its top-level states, laid out from top to bottom by dagre. Pure. */
import * as dagre from '@dagrejs/dagre';
import type { DefinedState, DefinedTransition, MachineDefinition } from '../inspect/definition.js';

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Route {
  readonly points: readonly { readonly x: number; readonly y: number }[];
  readonly x: number;
  readonly y: number;
}

/** What is used of dagre, whose own declarations name a module that it does not ship. */
interface Dagre {
  readonly graphlib: {
    readonly Graph: new (options: { readonly multigraph: boolean }) => DagreGraph;
  };
  readonly layout: (graph: DagreGraph) => void;
}
interface DagreGraph {
  setGraph(settings: Readonly<Record<string, string | number>>): void;
  setNode(key: string, size: { readonly width: number; readonly height: number }): void;
  setEdge(from: string, to: string, label: Readonly<Record<string, string | number>>): void;
  graph(): { readonly width?: number; readonly height?: number };
  node(key: string): Box;
  edge(from: string, to: string): Route;
}
const { graphlib, layout } = dagre as unknown as Dagre;

/** A top-level state. */
export interface ChartNode {
  readonly key: string;
  /** Dotted paths of the states in it, outermost first. */
  readonly inner: readonly string[];
  readonly final: boolean;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Every way from one top-level state to another. */
export interface ChartEdge {
  readonly from: string;
  readonly to: string;
  readonly label: readonly string[];
  readonly points: readonly { readonly x: number; readonly y: number }[];
  readonly labelAt: { readonly x: number; readonly y: number };
}

export interface Chart {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly ChartNode[];
  readonly edges: readonly ChartEdge[];
}

const LABEL_LINES = 3;
const LETTER = 6.4;
const LINE = 14;

interface Way {
  readonly event: string;
  readonly target: string;
}

/** The top-level state that `target`, written in a state at `depth`, leads to; null: it stays inside. */
function topLevel(target: string, root: string, depth: number): string | null {
  if (target.startsWith(`#${root}.`)) return target.slice(root.length + 2).split('.')[0] ?? null;
  if (target.startsWith('.') || depth > 1) return null;
  return target.split('.')[0] ?? null;
}

function ways(state: DefinedState, root: string, depth: number): Way[] {
  const found: Way[] = [];
  const add = (event: string, transitions: readonly DefinedTransition[] | undefined) => {
    for (const { target } of transitions ?? []) {
      const to = target === undefined ? null : topLevel(target, root, depth);
      if (to !== null) found.push({ event, target: to });
    }
  };
  for (const [event, transitions] of Object.entries(state.on ?? {})) add(event, transitions);
  for (const [delay, transitions] of Object.entries(state.after ?? {})) add(`after ${delay}`, transitions);
  add('at once', state.always);
  for (const { slot, onDone, onError } of state.invoke ?? []) {
    add(`${slot} ✓`, onDone);
    add(`${slot} ✗`, onError);
  }
  for (const child of state.states ?? []) found.push(...ways(child, root, depth + 1));
  return found;
}

function innerOf(state: DefinedState, prefix = ''): string[] {
  return (state.states ?? []).flatMap((child) => [
    `${prefix}${child.key}`,
    ...innerOf(child, `${prefix}${child.key}.`),
  ]);
}

/** Lays `definition` out. */
export function chartOf(definition: MachineDefinition): Chart {
  const graph = new graphlib.Graph({ multigraph: false });
  graph.setGraph({ rankdir: 'TB', nodesep: 36, ranksep: 40, edgesep: 16, marginx: 12, marginy: 12 });
  const states = definition.states ?? [];
  const inner = new Map(states.map((state) => [state.key, innerOf(state)]));
  for (const { key } of states) {
    const lines = inner.get(key) ?? [];
    const widest = Math.max(key.length * 9.2, ...lines.map((line) => line.length * LETTER));
    graph.setNode(key, { width: widest + 28, height: 32 + lines.length * LINE + (lines.length > 0 ? 6 : 0) });
  }
  const labels = new Map<
    string,
    { readonly from: string; readonly to: string; readonly events: Set<string> }
  >();
  for (const state of states) {
    for (const { event, target } of ways(state, definition.id, 1)) {
      if (target === state.key || !inner.has(target)) continue;
      const id = `${state.key} ${target}`;
      const known = labels.get(id);
      if (known === undefined) labels.set(id, { from: state.key, to: target, events: new Set([event]) });
      else known.events.add(event);
    }
  }
  const shortened = (events: ReadonlySet<string>) => {
    const all = [...events];
    return all.length <= LABEL_LINES
      ? all
      : [...all.slice(0, LABEL_LINES - 1), `… ${all.length - LABEL_LINES + 1} more`];
  };
  for (const { from, to, events } of labels.values()) {
    const label = shortened(events);
    const width = Math.max(...label.map((line) => line.length)) * LETTER + 8;
    graph.setEdge(from, to, { width, height: label.length * LINE, labelpos: 'c', minlen: 1 });
  }
  layout(graph);
  const size = graph.graph();
  return {
    width: size.width ?? 0,
    height: size.height ?? 0,
    nodes: states.map(({ key, type }) => {
      const { x, y, width, height } = graph.node(key);
      return { key, inner: inner.get(key) ?? [], final: type === 'final', x, y, width, height };
    }),
    edges: [...labels.values()].map(({ from, to, events }) => {
      const edge = graph.edge(from, to);
      return { from, to, label: shortened(events), points: edge.points, labelAt: { x: edge.x, y: edge.y } };
    }),
  };
}
