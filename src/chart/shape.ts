/** What a statechart of XState is made of, as far as the table reads it, and what an event is while it goes through. */
import type { AnyActorLogic, AnyActorRef } from 'xstate';

/** What an actor hears. */
export interface Event {
  readonly type: string;
}
/** What an actor remembers. */
export type Context = Readonly<Record<string, unknown>>;
/** An actor's actors, by id. */
export type Children = Readonly<Record<string, AnyActorRef>>;
/** Anything that is computed from context and event. */
export type Expression = (args: object, params: unknown) => unknown;

/** An action, or a guard, as a chart names it: a name, a name with parameters, or a function. */
export type Named = string | { readonly type: string; readonly params?: unknown } | Expression;

/** What the functions are that XState's own actions are made of. */
export interface BuiltinAction {
  readonly type: string;
  /** Of `assign`. */
  readonly assignment: Expression | Readonly<Record<string, unknown>>;
  /** Of `enqueueActions`. */
  readonly collect: Expression;
  /** Of `spawnChild`. */
  readonly src: string;
  readonly id: string;
  readonly input: unknown;
  /** Of `stopChild`. */
  readonly actorRef: unknown;
  resolve(
    scope: Scope,
    snapshot: Snapshot,
    args: object,
    params: unknown,
    action: unknown,
    extra: { readonly internalQueue: Event[]; readonly deferredActorIds: undefined },
  ): [Snapshot, unknown, undefined];
  execute(scope: Scope, params: unknown): void;
}

export interface Transition {
  readonly actions: readonly Named[];
  readonly guard?: Named;
  readonly target?: readonly StateNode[];
  readonly source: StateNode;
  readonly reenter: boolean;
}

export interface StateNode {
  readonly id: string;
  readonly type: 'atomic' | 'compound' | 'final' | 'parallel' | 'history';
  readonly parent?: StateNode;
  readonly path: readonly string[];
  readonly entry: readonly Named[];
  readonly exit: readonly Named[];
  readonly invoke: readonly { readonly src: string; readonly id: string; readonly input?: unknown }[];
  readonly initial?: { readonly target: readonly StateNode[]; readonly actions: readonly Named[] };
  readonly transitions: ReadonlyMap<string, readonly Transition[]>;
  readonly always?: readonly Transition[];
  readonly output?: unknown;
}

export interface Snapshot {
  readonly context: Context;
  readonly children: Children;
  readonly _nodes: readonly StateNode[];
}

export interface Machine {
  readonly root: StateNode;
  readonly config: { readonly context: (args: object) => Context };
  readonly implementations: {
    readonly actors: Readonly<Record<string, AnyActorLogic>>;
    readonly actions: Readonly<Record<string, Expression>>;
    readonly guards: Readonly<Record<string, Expression>>;
  };
  transition(snapshot: Snapshot, event: Event, scope: Scope): Snapshot;
  resolveState(config: { readonly value: unknown; readonly context: Context }): Snapshot;
}

/** What XState hands an actor's logic to act with. */
export interface Scope {
  readonly self: AnyActorRef;
  readonly system: { _sendInspectionEvent(event: object): void };
  actionExecutor(action: {
    readonly type: string;
    readonly info: unknown;
    readonly params: unknown;
    readonly exec: (info: never, params: unknown) => void;
  }): void;
}

/** An event on its way through the chart: what it has made of the actor so far. */
export interface Run {
  readonly scope: Scope;
  event: Event;
  context: Context;
  children: Children;
  /** As of the last step; null before the first. */
  snapshot: Snapshot | null;
  /** What actions raised, to be heard before anything else. */
  readonly raised: Event[];
}

/** Does one thing. */
export type Effect = (run: Run) => void;

/** A chart that a table cannot run, and where it cannot. */
export function unsupported(node: StateNode, what: string): Error {
  return new Error(`a chart that is run from a table cannot have ${what} (at ${node.id})`);
}
