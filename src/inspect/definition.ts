/** A statechart as JSON, in document order, for viewers that have no XState at hand. */

/** One arrow. */
export interface DefinedTransition {
  readonly target?: string;
  readonly guard?: string;
  readonly actions?: readonly string[];
  readonly reenter?: boolean;
}

/** One state, with what is in it. */
export interface DefinedState {
  readonly id?: string;
  readonly key: string;
  readonly type?: 'final' | 'parallel' | 'history';
  readonly initial?: string;
  readonly tags?: readonly string[];
  readonly entry?: readonly string[];
  readonly exit?: readonly string[];
  readonly on?: Readonly<Record<string, readonly DefinedTransition[]>>;
  readonly after?: Readonly<Record<string, readonly DefinedTransition[]>>;
  readonly always?: readonly DefinedTransition[];
  readonly invoke?: readonly {
    readonly id?: string;
    /** The slot that it runs; XState's `src`. */
    readonly slot: string;
    readonly onDone?: readonly DefinedTransition[];
    readonly onError?: readonly DefinedTransition[];
  }[];
  readonly states?: readonly DefinedState[];
}

/** A machine. */
export type MachineDefinition = DefinedState & { readonly id: string };

const list = (value: unknown): readonly unknown[] =>
  value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];

/** Guards and actions by the name they have in `setup`; the field `name` of a function is the best there is otherwise. */
function nameOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'function') return value.name === '' ? 'inline' : value.name;
  const type = (value as { type?: unknown } | null)?.type;
  return typeof type === 'string' ? type : 'inline';
}

const names = (value: unknown): string[] | undefined => {
  const found = list(value).map(nameOf);
  return found.length === 0 ? undefined : found;
};

function present<T extends Record<string, unknown>>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

function transition(value: unknown): DefinedTransition {
  if (typeof value === 'string') return { target: value };
  const { target, guard, actions, reenter } = value as Record<string, unknown>;
  return present({
    target: typeof target === 'string' ? target : undefined,
    guard: guard === undefined ? undefined : nameOf(guard),
    actions: names(actions),
    reenter: reenter === true ? true : undefined,
  });
}

const transitions = (value: unknown): readonly DefinedTransition[] | undefined =>
  value === undefined ? undefined : list(value).map(transition);

function byEvent(value: unknown): Readonly<Record<string, readonly DefinedTransition[]>> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.fromEntries(
    Object.entries(value).map(([event, each]) => [event, list(each).map(transition)]),
  );
}

function state(key: string, config: Record<string, unknown>): DefinedState {
  const states = config['states'] as Record<string, Record<string, unknown>> | undefined;
  const invoke = list(config['invoke']).map((each) => {
    const { id, onDone, onError, ...others } = each as Record<string, unknown>;
    return present({
      id: typeof id === 'string' ? id : undefined,
      slot: nameOf(others['src']),
      onDone: transitions(onDone),
      onError: transitions(onError),
    });
  });
  return present({
    id: typeof config['id'] === 'string' ? config['id'] : undefined,
    key,
    type: config['type'],
    initial: config['initial'],
    tags: config['tags'] === undefined ? undefined : list(config['tags']).map(String),
    entry: names(config['entry']),
    exit: names(config['exit']),
    on: byEvent(config['on']),
    after: byEvent(config['after']),
    always: transitions(config['always']),
    invoke: invoke.length === 0 ? undefined : invoke,
    states:
      states === undefined ? undefined : Object.entries(states).map(([child, each]) => state(child, each)),
  }) as unknown as DefinedState;
}

/** Reads what `createMachine` was given. XState's own `toJSON` sorts keys in some versions; ours keeps the document's order. */
export function definitionOf(machine: { readonly id: string; readonly config: object }): MachineDefinition {
  const config = machine.config as Record<string, unknown>;
  return { ...state(machine.id, config), id: machine.id };
}
