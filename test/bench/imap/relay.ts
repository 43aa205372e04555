/** `relay.js ORDERS`: one of the relays of relays.ts as a process. */
import type { Endpoint } from '#test/e2e/imap/endpoint';
import { runRelay } from './relays.js';

const { provider, port, folder } = JSON.parse(process.argv[2] ?? '') as {
  readonly provider: Endpoint;
  readonly port: number;
  readonly folder: string;
};
await runRelay(provider, port, folder);
