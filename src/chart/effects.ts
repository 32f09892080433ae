/** A chart's actions and guards, looked up once and made ready to run. */
import { type AnyActorRef, assign, cancel, createActor, raise, spawnChild, stopChild } from 'xstate';
import type {
  BuiltinAction,
  Children,
  Context,
  Effect,
  Event,
  Expression,
  Machine,
  Named,
  Run,
  StateNode,
} from './shape.js';
import { unsupported } from './shape.js';

/** Whether a transition may be taken. */
export type Test = (context: Context, event: Event) => boolean;

type Params = (args: object) => unknown;

const starting = asBuiltin(spawnChild(''));
const stopping = asBuiltin(stopChild(''));

/** The guard `named` of a transition from `node`. */
export function testOf({ implementations }: Machine, node: StateNode, named: Named): Test {
  const guard = implementationOf(implementations.guards, named);
  if (guard === undefined || 'check' in guard) throw unsupported(node, `the guard ${nameOf(named)}`);
  const params = paramsOf(named);
  return (context, event) => {
    const args = { context, event };
    return guard(args, params(args)) === true;
  };
}

/** The action `named` of `node`, or of a transition from it. */
export function effectOf(machine: Machine, node: StateNode, named: Named): Effect {
  const action = implementationOf(machine.implementations.actions, named);
  if (action === undefined) throw unsupported(node, `the action ${nameOf(named)}, which is not implemented`);
  const params = paramsOf(named);
  if (!('resolve' in action)) return custom(nameOf(named), action, params);
  const builtin = asBuiltin(action);
  switch (builtin.type) {
    case 'xstate.assign':
      return assignment(builtin.assignment, params);
    case 'xstate.enqueueActions':
      return enqueued(machine, node, builtin.collect, params);
    case 'xstate.spawnChild':
      return spawn(machine, builtin.src, builtin.id, builtin.input);
    case 'xstate.stopChild': {
      const { actorRef } = builtin;
      if (typeof actorRef !== 'string') throw unsupported(node, 'a child that is stopped by reference');
      return (run) => {
        stop(run, actorRef);
      };
    }
    case 'xstate.raise':
    case 'xstate.cancel':
      return resolved(builtin, params);
    default:
      throw unsupported(node, builtin.type);
  }
}

/** Starts the actor that fills the slot `src`. */
export function spawn({ implementations }: Machine, src: string, id: string, input: unknown): Effect {
  return (run) => {
    const { scope } = run;
    const logic = implementations.actors[src];
    if (logic === undefined) throw new Error(`the slot ${src} is not filled`);
    const info = argsOf(run);
    const given = typeof input === 'function' ? (input as Expression)(info, undefined) : input;
    const options: object = { id, src, parent: scope.self, input: given };
    const actorRef = asGiven(createActor(logic, options), options);
    run.children = withChild(run.children, id, actorRef);
    const params = { id, systemId: undefined, actorRef, src, input: given };
    const exec = () => {
      starting.execute(scope, params);
    };
    scope.actionExecutor({ type: starting.type, info, params, exec });
  };
}

/**
 * Keeps the options of an actor as they were given. XState keeps a copy with its defaults in it, which has a shape of its own for each actor:
 * 300 bytes, and none of the defaults is asked for once the actor is made.
 */
export function asGiven<T extends AnyActorRef>(actorRef: T, options: object): T {
  return Object.assign(actorRef, { options });
}

/** Stops the actor `id`, if there is one. */
export function stop(run: Run, id: string): void {
  const child = run.children[id];
  if (child === undefined) return;
  run.children = withChild(run.children, id, undefined);
  const { scope } = run;
  const exec = () => {
    stopping.execute(scope, child);
  };
  scope.actionExecutor({ type: stopping.type, info: argsOf(run), params: child, exec });
}

/** Another list with `child` in place of whatever was there. Key by key: to spread into new keys is slow. */
function withChild(children: Children, id: string, child: AnyActorRef | undefined): Children {
  const next: Record<string, AnyActorRef> = {};
  for (const key in children) {
    const other = children[key];
    if (other !== undefined && key !== id) next[key] = other;
  }
  if (child !== undefined) next[id] = child;
  return next;
}

function assignment(assigned: BuiltinAction['assignment'], params: Params): Effect {
  if (typeof assigned === 'function') {
    return (run) => {
      const args = argsOf(run);
      run.context = { ...run.context, ...(assigned(args, params(args)) as Context) };
    };
  }
  const entries = Object.entries(assigned);
  if (entries.every(([, value]) => typeof value !== 'function')) {
    return (run) => {
      run.context = { ...run.context, ...assigned };
    };
  }
  return (run) => {
    const args = argsOf(run);
    const update: Record<string, unknown> = {};
    for (const [name, value] of entries)
      update[name] = typeof value === 'function' ? (value as Expression)(args, params(args)) : value;
    run.context = { ...run.context, ...update };
  };
}

/** Collects actions from the chart and runs them. */
function enqueued(machine: Machine, node: StateNode, collect: Expression, params: Params): Effect {
  let actions: Named[] = [];
  const add = (action: unknown) => {
    actions.push(action as Named);
  };
  // The collector is done with it when it returns, so one is enough.
  const enqueue = Object.assign(add, {
    assign: (assigned: Readonly<Record<string, unknown>>) => {
      add(assign(assigned));
    },
    cancel: (...args: Parameters<typeof cancel>) => {
      add(cancel(...args));
    },
    raise: (event: Event, options?: { readonly id?: string; readonly delay?: number }) => {
      add(raise(event, options as never));
    },
    spawnChild: (...args: Parameters<typeof spawnChild>) => {
      add(spawnChild(...args));
    },
    stopChild: (...args: Parameters<typeof stopChild>) => {
      add(stopChild(...args));
    },
  });
  return (run) => {
    const { context, event, scope } = run;
    const args = { context, event, enqueue, self: scope.self, system: scope.system };
    collect(args, params(args));
    if (actions.length === 0) return;
    const collected = actions;
    actions = [];
    for (const action of collected) effectOf(machine, node, action)(run);
  };
}

/** What XState resolves by itself: delays and their end. */
function resolved(builtin: BuiltinAction, params: Params): Effect {
  return (run) => {
    const { scope, context, children, raised, snapshot } = run;
    const info = argsOf(run);
    const extra = { internalQueue: raised, deferredActorIds: undefined };
    const before = { ...(snapshot as Exclude<typeof snapshot, null>), context, children };
    const [, found] = builtin.resolve(scope, before, info, params(info), builtin, extra);
    const exec = () => {
      builtin.execute(scope, found);
    };
    scope.actionExecutor({ type: builtin.type, info, params: found, exec });
  };
}

function custom(type: string, action: Expression, params: Params): Effect {
  return (run) => {
    const info = argsOf(run);
    run.scope.actionExecutor({ type, info, params: params(info), exec: action });
  };
}

const argsOf = ({ context, event, scope: { self, system } }: Run) => ({ context, event, self, system });

function asBuiltin(action: unknown): BuiltinAction {
  return action as BuiltinAction;
}

function implementationOf(
  implementations: Readonly<Record<string, Expression>>,
  named: Named,
): Expression | undefined {
  if (typeof named === 'function') return named;
  return implementations[typeof named === 'string' ? named : named.type];
}

function nameOf(named: Named): string {
  if (typeof named === 'string') return named;
  return typeof named === 'function' ? named.name || '(anonymous)' : named.type;
}

function paramsOf(named: Named): Params {
  const params = typeof named === 'object' ? named.params : undefined;
  return typeof params === 'function' ? (params as Params) : () => params;
}
