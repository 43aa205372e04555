/** A relay that counts what goes between Postern and the provider, and notes the commands. */
import type { Endpoint } from '../endpoint.js';
import { relay } from '../relay.js';

export interface Meter {
  readonly endpoint: Endpoint;
  /** Octets that the provider has sent since the last time, and the commands that it got, without their tags. */
  readonly read: () => { readonly octets: number; readonly commands: readonly string[] };
  readonly close: () => Promise<void>;
}

/** Octets of commands: messages that are saved are not commands. */
const NOTED = 10_000_000;

/** Stands before a provider, without TLS. */
export async function meter(provider: Endpoint): Promise<Meter> {
  let octets = 0;
  let sent = '';
  const interpose = relay(undefined, (client, upstream) => {
    client.on('data', (chunk: Buffer) => {
      if (sent.length < NOTED) sent += chunk.toString('latin1');
    });
    upstream.on('data', (chunk: Buffer) => (octets += chunk.length));
  });
  const { endpoint, close } = await interpose(provider);
  return {
    endpoint,
    read: () => {
      const lines = sent.split('\r\n').slice(0, -1);
      const found = { octets, commands: lines.map((line) => line.slice(line.indexOf(' ') + 1)) };
      octets = 0;
      sent = '';
      return found;
    },
    close,
  };
}
