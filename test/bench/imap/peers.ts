/** Everything that is measured, by name. */
import { startPostern } from '#test/e2e/imap/postern';
import { type StartMeasured, clear, nginx, relayWithTLS } from './relays.js';

const LIMITS = '[limits]\nconnections = 5000\nconnections_per_address = 5000\n';

const postern: StartMeasured = async (provider) => {
  const { interpose, pid, stop } = await startPostern({ configuration: LIMITS, tls: 'none' });
  return { name: 'Postern', endpoint: (await interpose(provider)).endpoint, pid, close: stop };
};

const posternWithTLS: StartMeasured = async (provider) => {
  const { interpose, pid, stop } = await startPostern({ configuration: LIMITS, tls: 'implicit' });
  return { name: 'Postern, TLS', endpoint: (await interpose(provider)).endpoint, pid, close: stop };
};

/** `tls`: it speaks TLS on both sides. */
export const PEERS: readonly { readonly start: StartMeasured; readonly tls: boolean }[] = [
  { start: clear, tls: false },
  { start: nginx, tls: false },
  { start: postern, tls: false },
  { start: relayWithTLS, tls: true },
  { start: posternWithTLS, tls: true },
];

/** What of ours is compared with what of others. */
export const PAIRS: readonly (readonly [ours: string, theirs: string])[] = [
  ['Postern', 'Node relay'],
  ['Postern, TLS', 'Node relay, TLS on both sides'],
];
