/** Components that show locks, for any React app: observables in, pixels out. Bring `holdfast/dashboard.css`. No logic. */
export {
  type Board,
  boards,
  byTrouble,
  deadlocksOn,
  type HandOverSample,
  type HoldSpan,
  type LengthSample,
  type LockCard,
} from './board.js';
export { HandoverChart, QueueLengthChart, Sparkline } from './charts.js';
export {
  type ClaimActions,
  ContentionDashboard,
  type ContentionDashboardProps,
  DeadlockBanner,
} from './contention-dashboard.js';
export { HolderTimeline } from './holder-timeline.js';
export { LockStatechart } from './lock-statechart.js';
export { QueueLane } from './queue-lane.js';
export { type SeenOwnership, useNow, useOwnership, useStream } from './streams.js';
export { TraceViewer } from './trace-viewer.js';
