/** What a monitoring script asks before any session: four letters in, text out, end of connection. */
import type { ZooKeeperServer } from './server.js';

/** What is answered where a version is asked for: the release whose answers these are, and that this is not it. */
export const VERSION = '3.9.4-holdfast-embedded';
const BUILT_ON = '2026-01-01 00:00 UTC';

const words: Readonly<Record<string, (server: ZooKeeperServer) => string>> = {
  ruok: () => 'imok',
  isro: () => 'rw',
  srvr: (server) => `${head()}${summary(server)}`,
  stat: (server) => `${head()}Clients:\n${clients(server)}\n${summary(server)}`,
  cons: (server) => `${clients(server)}\n`,
  mntr: monitor,
  envi: () => `Environment:\nzookeeper.version=${VERSION}, built on ${BUILT_ON}\n`,
};

/** The answer to `word`; `undefined` when it is none, so that the four bytes are the length of a frame. */
export function answerWord(word: string, server: ZooKeeperServer): string | undefined {
  return Object.hasOwn(words, word) ? words[word]?.(server) : undefined;
}

/** The figures of `mntr`, by name, without the version. */
export function figures(server: ZooKeeperServer): Readonly<Record<string, number>> {
  const { tree, watches, counters } = server;
  return {
    zk_uptime: Math.floor(server.uptimeMs),
    zk_avg_latency: 0,
    zk_min_latency: 0,
    zk_max_latency: 0,
    zk_packets_received: counters.packetsReceived,
    zk_packets_sent: counters.packetsSent,
    zk_num_alive_connections: server.connectionCount,
    zk_outstanding_requests: 0,
    zk_znode_count: aliasedCount(server),
    zk_watch_count: watches.count,
    zk_ephemerals_count: tree.ephemeralCount,
    zk_approximate_data_size: tree.approximateBytes,
    zk_global_sessions: server.sessions().length,
    zk_local_sessions: 0,
  };
}

/** The real server has the root under two names, and counts both. */
function aliasedCount({ tree }: ZooKeeperServer): number {
  return tree.nodeCount + 1;
}

function monitor(server: ZooKeeperServer): string {
  const lines = [`zk_version\t${VERSION}, built on ${BUILT_ON}`, 'zk_server_state\tstandalone'];
  for (const [name, value] of Object.entries(figures(server))) lines.push(`${name}\t${value}`);
  return `${lines.join('\n')}\n`;
}

function head(): string {
  return `Zookeeper version: ${VERSION}, built on ${BUILT_ON}\n`;
}

function clients(server: ZooKeeperServer): string {
  let text = '';
  for (const { address, received, sent } of server.connections) {
    text += ` /${address}[1](queued=0,recved=${received},sent=${sent})\n`;
  }
  return text;
}

function summary(server: ZooKeeperServer): string {
  const { counters, tree } = server;
  const lines = [
    'Latency min/avg/max: 0/0.0/0',
    `Received: ${counters.packetsReceived}`,
    `Sent: ${counters.packetsSent}`,
    `Connections: ${server.connectionCount}`,
    'Outstanding: 0',
    `Zxid: 0x${tree.lastZxid.toString(16)}`,
    'Mode: standalone',
    `Node count: ${aliasedCount(server)}`,
  ];
  return `${lines.join('\n')}\n`;
}
