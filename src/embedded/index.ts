/** `holdfast/embedded`: a ZooKeeper inside this process, for development, tests and pages. */

export type { EmbeddedZooKeeper, EmbeddedZooKeeperOptions, NodeInfo } from './embedded-zookeeper.js';
export { createEmbeddedZooKeeper } from './embedded-zookeeper.js';
export type { FaultControls, FaultPlan, RequestMatch } from './faults.js';
export type { IncomingRequest } from './server-connection.js';
export type { SessionInfo } from './sessions.js';
