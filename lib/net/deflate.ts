import type { Connection } from './connection.js';
export function deflated(connection: Connection): Connection {
  return connection;
}
