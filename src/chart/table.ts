/**
 * Runs a statechart from a table. XState works out for every event anew what a transition leaves, enters and does, for
 * charts of every kind. Ours are trees with one active leaf, so that is the same every time and is worked out once per leaf
 * and transition; an event then costs a look-up, its guards and its actions. The chart, its actors, snapshots, timers
 * and inspection stay XState's, and `test/chart/table.test.ts` holds the two against each other (docs/decisions/005).
 */
import type { AnyStateMachine } from 'xstate';
import { effectOf, spawn, stop, type Test, testOf } from './effects.js';
import {
  type Effect,
  type Event,
  type Machine,
  type Named,
  type Run,
  type Scope,
  type Snapshot,
  type StateNode,
  type Transition,
  unsupported,
} from './shape.js';

/** A transition from one leaf: what it does, in order, and where it leads. */
interface Step {
  readonly transition: Transition | null;
  readonly guard: Test | null;
  readonly effects: readonly Effect[];
  readonly to: Leaf;
}

/** One configuration of the chart: its active leaf, and what may happen there. */
interface Leaf {
  readonly node: StateNode;
  /** A snapshot of the machine here; only its context and children differ from one actor to another. */
  readonly snapshot: Snapshot;
  /** The machine is done. */
  readonly over: boolean;
  /** By event; made when that is first heard here. */
  readonly steps: Map<string, readonly Step[]>;
  /** Made when it is first asked for. */
  always: readonly Step[] | null;
}

/**
 * The same machine, run from a table that grows as it is used: to make all of it would be a tenth of the time from the start of a
 * process to its first lock. Where a chart has what the table does not do (see {@link checkTable}), an actor that gets there throws.
 */
export function runFromTable<T extends AnyStateMachine>(machine: T, actors: Slots<T> = {}): T {
  const filled = fill(machine, actors);
  const table = new ChartTable(filled as unknown as Machine);
  const tabled: unknown = Object.assign(Object.create(filled) as object, {
    getInitialSnapshot: (scope: unknown, input: unknown) => table.first(scope as Scope, input),
    transition: (snapshot: unknown, event: Event, scope: unknown) =>
      table.next(snapshot as Snapshot, event, scope as Scope),
  });
  return tabled as T;
}

/** What fills a machine's slots. */
type Slots<T extends AnyStateMachine> = NonNullable<Parameters<T['provide']>[0]['actors']>;

/** As the machine's `provide()`, but with the same states: that makes all of them anew. */
function fill<T extends AnyStateMachine>(machine: T, actors: Slots<T>): T {
  const { implementations } = machine;
  const filled: unknown = Object.assign(Object.create(machine) as object, {
    implementations: { ...implementations, actors: { ...implementations.actors, ...actors } },
  });
  return filled as T;
}

/**
 * Makes all of a chart's table. Throws for one that has what the table does not do: parallel or history states, wildcards, guards
 * made of guards, outputs, or actions of XState other than `assign`, `raise`, `cancel`, `spawnChild`, `stopChild` and
 * `enqueueActions` of these.
 */
export function checkTable(machine: AnyStateMachine): void {
  new ChartTable(machine as unknown as Machine).complete();
}

class ChartTable {
  readonly #machine: Machine;
  readonly #leaves = new Map<StateNode, Leaf>();
  readonly #leafOfNodes = new WeakMap<readonly StateNode[], Leaf>();
  readonly #beginning: Step;

  constructor(machine: Machine) {
    this.#machine = machine;
    const { root } = machine;
    if (root.output !== undefined) throw unsupported(root, 'an output');
    const entered = [root, ...descent(root)];
    const effects = entered.flatMap((node) => this.#entryOf(node, true));
    this.#beginning = { transition: null, guard: null, effects, to: this.#leaf(entered.at(-1) ?? root) };
  }

  /** Every leaf that can be reached, with all its steps; a map's iteration goes on over what is added meanwhile. */
  complete(): void {
    for (const [node, leaf] of this.#leaves) {
      this.#alwaysAt(leaf);
      for (const { transitions } of ancestry(node))
        for (const type of transitions.keys()) this.#stepsAt(leaf, type);
    }
  }

  first(scope: Scope, input: unknown): Snapshot {
    const event: Event & { input: unknown } = { type: 'xstate.init', input };
    const context = this.#machine.config.context({ input, self: scope.self });
    const run: Run = { scope, event, context, children: {}, snapshot: null, raised: [] };
    return this.#settle(run, this.#apply(run, this.#beginning));
  }

  next(snapshot: Snapshot, event: Event, scope: Scope): Snapshot {
    if (event.type === 'xstate.stop') return this.#machine.transition(snapshot, event, scope);
    const { context, children } = snapshot;
    const run: Run = { scope, event, context, children, snapshot, raised: [] };
    const step = chosen(this.#stepsAt(this.#leafOf(snapshot), event.type), run);
    if (step !== null) return this.#settle(run, this.#apply(run, step));
    // An error that nobody minds ends the actor: XState says how.
    return event.type.startsWith('xstate.error.actor')
      ? this.#machine.transition(snapshot, event, scope)
      : snapshot;
  }

  /** Goes on while something follows by itself. */
  #settle(run: Run, from: Leaf): Snapshot {
    let leaf = from;
    while (!leaf.over) {
      let step = chosen(this.#alwaysAt(leaf), run);
      if (step === null) {
        const raised = run.raised.shift();
        if (raised === undefined) break;
        run.event = raised;
        step = chosen(this.#stepsAt(leaf, raised.type), run);
      }
      if (step !== null) leaf = this.#apply(run, step);
    }
    // Whoever is left; the last snapshot names them.
    if (leaf.over) for (const id of Object.keys(run.children)) stop(run, id);
    return run.snapshot as Snapshot;
  }

  #apply(run: Run, { effects, to, transition }: Step): Leaf {
    for (const effect of effects) effect(run);
    const { context, children, scope, event, snapshot: before } = run;
    const same =
      before?.context === context && before.children === children && before._nodes === to.snapshot._nodes;
    const snapshot = same ? before : { ...to.snapshot, context, children };
    run.snapshot = snapshot;
    if (transition !== null) {
      const type = '@xstate.microstep';
      const _transitions = [transition];
      scope.system._sendInspectionEvent({ type, actorRef: scope.self, event, snapshot, _transitions });
    }
    return to;
  }

  #leafOf(snapshot: Snapshot): Leaf {
    const known = this.#leafOfNodes.get(snapshot._nodes);
    if (known !== undefined) return known;
    const node = snapshot._nodes.find(({ type }) => type === 'atomic' || type === 'final');
    return this.#leaf(node ?? this.#machine.root);
  }

  #leaf(node: StateNode): Leaf {
    const known = this.#leaves.get(node);
    if (known !== undefined) return known;
    for (const at of ancestry(node))
      for (const type of at.transitions.keys())
        if (type.includes('*')) throw unsupported(at, `the event ${type}`);
    const snapshot = this.#machine.resolveState({ value: valueOf(node.path), context: {} });
    const over = node.type === 'final' && node.parent?.parent === undefined;
    const leaf: Leaf = { node, snapshot, over, steps: new Map(), always: null };
    this.#leaves.set(node, leaf);
    this.#leafOfNodes.set(snapshot._nodes, leaf);
    return leaf;
  }

  /** From the inside out: what an inner state minds, an outer one does not hear. */
  #stepsAt(leaf: Leaf, type: string): readonly Step[] {
    const known = leaf.steps.get(type);
    if (known !== undefined) return known;
    const made = ancestry(leaf.node).flatMap(({ transitions }) =>
      (transitions.get(type) ?? []).map((transition) => this.#step(leaf.node, transition)),
    );
    leaf.steps.set(type, made);
    return made;
  }

  #alwaysAt(leaf: Leaf): readonly Step[] {
    leaf.always ??= ancestry(leaf.node).flatMap(({ always = [] }) =>
      always.map((transition) => this.#step(leaf.node, transition)),
    );
    return leaf.always;
  }

  /** What `transition` does when it is taken from `leaf`: exits from the inside out, its own actions, entries from the outside in. */
  #step(leaf: StateNode, transition: Transition): Step {
    const { source, actions, target: [target, other] = [] } = transition;
    const guard = transition.guard === undefined ? null : testOf(this.#machine, source, transition.guard);
    const own = this.#effectsOf(source, actions);
    if (other !== undefined) throw unsupported(source, 'a transition with two targets');
    if (target === undefined) return { transition, guard, effects: own, to: this.#leaf(leaf) };
    const domain = domainOf(transition, target);
    const descended = descent(target);
    const to = descended.at(-1) ?? target;
    const effects = [
      ...inside(leaf, domain).flatMap((node) => this.#exitOf(node)),
      ...own,
      ...inside(target, domain)
        .reverse()
        .flatMap((node) => this.#entryOf(node, node === target)),
      ...descended.flatMap((node) => this.#entryOf(node, true)),
      ...(to.type === 'final' ? this.#completionOf(to) : []),
    ];
    return { transition, guard, effects, to: this.#leaf(to) };
  }

  #entryOf(node: StateNode, byDefault: boolean): Effect[] {
    if (node.type === 'parallel' || node.type === 'history') throw unsupported(node, `the type ${node.type}`);
    return [
      ...this.#effectsOf(node, node.entry),
      ...node.invoke.map(({ src, id, input }) => spawn(this.#machine, src, id, input)),
      ...(byDefault ? this.#effectsOf(node, node.initial?.actions ?? []) : []),
    ];
  }

  #exitOf(node: StateNode): Effect[] {
    const stops = node.invoke.map(({ id }) => (run: Run) => {
      stop(run, id);
    });
    return [...this.#effectsOf(node, node.exit), ...stops];
  }

  /** A final state inside another one completes that; one at the top completes the machine, which leaves everything. */
  #completionOf(final: StateNode): Effect[] {
    const { parent } = final;
    if (parent?.parent === undefined)
      return ancestry(final).flatMap((node) => this.#effectsOf(node, node.exit));
    const done = { type: `xstate.done.state.${parent.id}`, output: undefined };
    return [
      (run) => {
        run.raised.push(done);
      },
    ];
  }

  #effectsOf(node: StateNode, actions: readonly Named[]): Effect[] {
    return actions.map((action) => effectOf(this.#machine, node, action));
  }
}

function chosen(steps: readonly Step[] | undefined, { context, event }: Run): Step | null {
  if (steps !== undefined)
    for (const step of steps) if (step.guard === null || step.guard(context, event)) return step;
  return null;
}

/** A node and what it is in, from the inside out. */
function ancestry(node: StateNode): StateNode[] {
  const nodes: StateNode[] = [];
  for (let at: StateNode | undefined = node; at !== undefined; at = at.parent) nodes.push(at);
  return nodes;
}

/** As much of {@link ancestry} as is inside `outer`. */
function inside(node: StateNode, outer: StateNode): StateNode[] {
  const nodes = ancestry(node);
  return nodes.slice(0, Math.max(0, nodes.indexOf(outer)));
}

/** What is entered by default below `node`, from the outside in. */
function descent(node: StateNode): StateNode[] {
  const nodes: StateNode[] = [];
  for (let at = node.initial?.target[0]; at !== undefined; at = at.initial?.target[0]) nodes.push(at);
  return nodes;
}

/** The innermost state that a transition does not leave. */
function domainOf({ source, reenter }: Transition, target: StateNode): StateNode {
  if (!reenter && ancestry(target).includes(source)) return source;
  const outer = ancestry(target).slice(1);
  const common = outer.find((node) => inside(source, node).length > 0) ?? outer.at(-1);
  if (common === undefined) throw unsupported(target, 'a transition to the whole of itself');
  return common;
}

/** The state value of the leaf at `path`. */
function valueOf([first = '', ...rest]: readonly string[]): unknown {
  return rest.length === 0 ? first : { [first]: valueOf(rest) };
}
