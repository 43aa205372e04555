/** imap/provider: the way to a session at the provider, up to where the pipe begins: connection, TLS, greeting, login. */
import { type Connection, ConnectionError } from '#lib/net/connection';
import { deflated } from '#lib/net/deflate';
import { type Dialled, type Endpoint, dial, startTLS } from '#lib/net/dial';
import { LIMITS as WIRE } from '../wire/limits.js';
import type { Framer } from '../wire/framer.js';
import type { IdField } from '../wire/sessioncommand.js';
import { Dialogue, type Outcome, capabilitiesOf } from './dialogue.js';
import { ProviderError } from './error.js';
import { LIMITS } from './limits.js';
import { type ProviderCredentials, type ProviderMechanism, chooseMechanism, logIn } from './login.js';

/** The capability by which Postern announces itself before login, so that it does not become its own provider. */
export const OWN_CAPABILITY = 'X-POSTERN';
/** The name by which Postern calls itself in ID (RFC 2971). */
export const OWN_NAME = 'Postern';

export interface ProviderOptions {
  /** Milliseconds for everything together. Default: LIMITS. */
  readonly milliseconds?: number;
  readonly signal?: AbortSignal;
  /** COMPRESS=DEFLATE (RFC 4978) where it is offered. Default: no. */
  readonly compress?: boolean;
  /** Ways to log in that may be used. Default: all, the strongest that is offered. */
  readonly mechanisms?: readonly ProviderMechanism[];
}

/** A session that is logged in and has no mailbox selected. */
export interface ProviderSession {
  readonly connection: Connection;
  /** Holds what was read beyond the end of the login. Go on with it. */
  readonly framer: Framer;
  /** After login, in upper case. */
  readonly capabilities: readonly string[];
  /** RFC 7888: whether literals may be sent without waiting; with `minus`, up to 4,096 octets. */
  readonly nonSynchronizingLiterals: 'plus' | 'minus' | 'none';
  readonly mechanism: ProviderMechanism;
  /** `host:port`, the address that it led to, and the version of TLS (undefined: none). */
  readonly provider: { readonly peer: string; readonly address: string; readonly tls: string | undefined };
  /** Alerts under way (RFC 9051 §7.1: the user is to be shown them), in one line each. */
  readonly alerts: readonly string[];
}

/** Connects to a provider and logs in. Rejects with ProviderError; the connection is closed then. */
export async function connectProvider(
  endpoint: Endpoint,
  credentials: ProviderCredentials,
  options: ProviderOptions = {},
): Promise<ProviderSession> {
  const { milliseconds = LIMITS.milliseconds, signal } = options;
  const end = new AbortController();
  let dialogue: Dialogue | undefined;
  const stop = (reason: unknown): void => {
    end.abort(reason);
    dialogue?.connection.destroy();
  };
  const clock = setTimeout(stop, milliseconds, LATE);
  const onAbort = (): void => {
    stop(signal?.reason);
  };
  signal?.addEventListener('abort', onAbort);
  try {
    if (signal?.aborted === true) onAbort();
    let dialled = await dial(endpoint, { signal: end.signal });
    dialogue = new Dialogue(dialled.connection, dialled.peer);
    end.signal.throwIfAborted();
    let capabilities = await greet(dialogue);
    if (endpoint.tls === 'starttls') {
      dialled = await secure(dialogue, dialled, capabilities, end.signal);
      end.signal.throwIfAborted();
      capabilities = undefined;
    }
    return await session(dialogue, dialled, capabilities, credentials, options);
  } catch (error) {
    dialogue?.connection.destroy();
    throw explain(error, endpoint, end.signal, milliseconds);
  } finally {
    clearTimeout(clock);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Reads the greeting (RFC 9051 §7.1) and gives the capabilities in it. */
async function greet(dialogue: Dialogue): Promise<readonly string[] | undefined> {
  const greeting = await dialogue.next();
  if (greeting.kind !== 'status' || greeting.tag !== undefined) throw dialogue.protocol('It does not greet');
  switch (greeting.status) {
    case 'OK':
      return capabilitiesOf(greeting);
    case 'BYE':
      throw dialogue.error('unavailable', `The server ${dialogue.peer} takes no connection`, greeting);
    case 'PREAUTH':
      // Whose session it is nobody has proved, and STARTTLS is not possible any more (RFC 9051 §7.1.4).
      throw dialogue.error('insecure', `The server ${dialogue.peer} says that we are logged in already`, greeting);
    case 'NO':
    case 'BAD':
      throw dialogue.error('protocol', `The server ${dialogue.peer} greets with an error`, greeting);
  }
}

/** STARTTLS (RFC 9051 §6.2.1). What was said before it is forgotten. */
async function secure(
  dialogue: Dialogue,
  dialled: Dialled,
  greeted: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<Dialled> {
  const { peer } = dialogue;
  const offered = greeted ?? (await askCapabilities(dialogue));
  if (!offered.includes('STARTTLS')) {
    throw new ProviderError(
      'insecure',
      `The server ${peer} does not offer STARTTLS. Use its port with implicit TLS, usually 993.`,
    );
  }
  const { end } = await dialogue.command((writer) => writer.syntax('STARTTLS'));
  if (end.status !== 'OK') throw dialogue.error('insecure', `The server ${peer} refuses STARTTLS`, end);
  if (dialogue.framer.pending) throw injected(peer);
  const secured = await startTLS(dialled, { signal });
  dialogue.restart(secured.connection);
  return secured;
}

function injected(peer: string): ProviderError {
  return new ProviderError(
    'insecure',
    `Octets of ${peer} came in clear after it had agreed to TLS. Somebody may be interfering: check the network in between.`,
  );
}

async function session(
  dialogue: Dialogue,
  dialled: Dialled,
  greeted: readonly string[] | undefined,
  credentials: ProviderCredentials,
  { mechanisms, compress = false }: ProviderOptions,
): Promise<ProviderSession> {
  const { peer, endpoint, tls, address } = dialled;
  if (tls === undefined && endpoint.tls !== 'none') throw new ProviderError('insecure', `There is no TLS to ${peer}.`);
  const before = greeted ?? (await askCapabilities(dialogue));
  await refuseLoop(dialogue, before);
  const mechanism = chooseMechanism(credentials.kind, before, mechanisms);
  if (mechanism === undefined) {
    const offered = before
      .filter((name) => /^AUTH=|^LOGINDISABLED$/.test(name))
      .join(' ')
      .slice(0, LIMITS.textLength);
    throw new ProviderError(
      'unavailable',
      `The server ${peer} offers no way to log in with a ${credentials.kind} (it offers: ${offered === '' ? 'none' : offered}).`,
    );
  }
  const outcome = await logInOrRefresh(dialogue, mechanism, credentials, before);
  const capabilities = capabilitiesAfter(outcome) ?? (await askCapabilities(dialogue));
  const isCompressed = compress && capabilities.includes('COMPRESS=DEFLATE') && (await beginCompression(dialogue));
  dialogue.framer.limit = WIRE.responsePieceOctets;
  return {
    connection: isCompressed ? deflated(dialogue.connection, dialogue.framer.takeRest(), peer) : dialogue.connection,
    framer: dialogue.framer,
    capabilities,
    nonSynchronizingLiterals: literalsOf(capabilities),
    mechanism,
    provider: { peer, address, tls: tls?.protocol },
    alerts: [...dialogue.alerts],
  };
}

/** Asks for compression. False where the server does not begin with it, which harms nobody. */
async function beginCompression(dialogue: Dialogue): Promise<boolean> {
  const { end } = await dialogue.command((writer) => writer.syntax('COMPRESS DEFLATE'));
  return end.status === 'OK';
}

async function logInOrRefresh(
  dialogue: Dialogue,
  mechanism: ProviderMechanism,
  credentials: ProviderCredentials,
  capabilities: readonly string[],
): Promise<Outcome> {
  try {
    return await logIn(dialogue, mechanism, credentials, capabilities);
  } catch (error) {
    const refresh = credentials.kind === 'token' ? credentials.refresh : undefined;
    if (refresh === undefined || !(error instanceof ProviderError) || error.kind !== 'refused') throw error;
    const secret = await refresh();
    return logIn(dialogue, mechanism, { user: credentials.user, secret }, capabilities);
  }
}

/** Postern before Postern would encrypt what is encrypted, and open what is opened. */
async function refuseLoop(dialogue: Dialogue, capabilities: readonly string[]): Promise<void> {
  let isOwn = capabilities.includes(OWN_CAPABILITY);
  if (!isOwn && capabilities.includes('ID')) {
    const { untagged } = await dialogue.command((writer) => writer.syntax(`ID ("name" "${OWN_NAME}")`));
    isOwn = untagged.some((response) => response.kind === 'id' && response.fields?.some(isOwnName) === true);
  }
  if (!isOwn) return;
  throw new ProviderError(
    'loop',
    `The server ${dialogue.peer} is Postern itself. Set the provider's own server in the profile.`,
  );
}

function isOwnName({ name, value }: IdField): boolean {
  const is = (octets: Buffer | undefined, text: string): boolean =>
    octets?.toString('latin1').toLowerCase() === text.toLowerCase();
  return is(name, 'name') && is(value, OWN_NAME);
}

async function askCapabilities(dialogue: Dialogue): Promise<readonly string[]> {
  const outcome = await dialogue.command((writer) => writer.syntax('CAPABILITY'));
  const capabilities = capabilitiesAfter(outcome);
  if (outcome.end.status !== 'OK' || capabilities === undefined) {
    throw dialogue.protocol('It does not answer CAPABILITY');
  }
  return capabilities;
}

/** The last list that came with a command. */
function capabilitiesAfter({ end, untagged }: Outcome): readonly string[] | undefined {
  return capabilitiesOf(end) ?? untagged.map(capabilitiesOf).findLast((list) => list !== undefined);
}

function literalsOf(capabilities: readonly string[]): 'plus' | 'minus' | 'none' {
  if (capabilities.includes('LITERAL+')) return 'plus';
  // IMAP4rev2 includes LITERAL- (RFC 9051 appendix E).
  return capabilities.includes('LITERAL-') || capabilities.includes('IMAP4REV2') ? 'minus' : 'none';
}

/** Why the time limit aborts. */
const LATE = Symbol('late');

function explain(error: unknown, { host, port }: Endpoint, end: AbortSignal, milliseconds: number): unknown {
  if (end.aborted) {
    const why = end.reason === LATE ? `took longer than ${milliseconds / 1000} seconds` : 'was cancelled';
    const text = `The login at ${host}:${port} ${why}. Try again later.`;
    return new ProviderError('unreachable', text, { cause: error });
  }
  if (!(error instanceof ConnectionError)) return error;
  const isSecurity = ['certificate', 'name-mismatch', 'pin', 'expired', 'insecure', 'injected'].includes(error.code);
  return new ProviderError(isSecurity ? 'insecure' : 'unreachable', error.message, { cause: error });
}
