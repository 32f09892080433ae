/** Seeing what locks do: the tap, the trace, and the adapters. No logic. */
export type { DefinedState, DefinedTransition, MachineDefinition } from './definition.js';
export { definitionOf } from './definition.js';
export { type InspectionHub, type InspectionHubOptions, inspectLocks } from './hub.js';
export { type LegacyInspection, type LegacyMessage, legacyXStateInspect } from './legacy.js';
export { TraceMemory } from './memory.js';
export { type StatelyAdapter, toStately } from './stately.js';
export {
  EMPTY_TRACE,
  parseTrace,
  type RecordedContext,
  type RecordedEvent,
  type RedactionOptions,
  type StateValue,
  type Trace,
  type TracedActor,
  type TraceRecord,
  type TraceStep,
  withoutOldest,
  withRecord,
} from './trace.js';
