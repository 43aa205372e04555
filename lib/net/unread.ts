import type { Connection } from './connection.js';

/** The connection, with octets that were read ahead of their time given back: they are read first. */
export function withUnread(connection: Connection, unread: Buffer): Connection {
  let rest: Buffer | undefined = unread.length > 0 ? unread : undefined;
  return {
    read: () => {
      const first = rest;
      rest = undefined;
      return first === undefined ? connection.read() : Promise.resolve(first);
    },
    write: (bytes) => connection.write(bytes),
    drained: () => connection.drained(),
    end: () => connection.end(),
    destroy: () => {
      connection.destroy();
    },
  };
}
