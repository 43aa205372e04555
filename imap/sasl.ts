/**
 * SASL as the server hears it (RFC 4422, RFC 9051 §6.2.2): what clients send to AUTHENTICATE becomes a user name and a secret. Framing
 * only: whether the secret is right, others decide.
 */
import { Secret } from '#lib/keys/secret';
import { LIMITS } from './limits.js';

export const MECHANISMS = ['PLAIN', 'LOGIN', 'OAUTHBEARER', 'XOAUTH2'] as const;
export type Mechanism = (typeof MECHANISMS)[number];

/** What a client has told about itself. */
export interface Credentials {
  /** UTF-8 as it came, not normalized. Never empty. */
  readonly user: string;
  /** Never empty. */
  readonly secret: Secret;
  readonly kind: 'password' | 'token';
}

export type SaslStep =
  /** Send `+ ` and this (base64, maybe empty), and give the next line to `respond`. */
  | { readonly kind: 'challenge'; readonly text: string }
  | { readonly kind: 'credentials'; readonly credentials: Credentials }
  | SaslRefusal;

/** The exchange is over. `syntax` and `cancelled` are for BAD (RFC 9051 §6.2.2), the others for NO. The text names no content. */
export interface SaslRefusal {
  readonly kind: 'refused';
  readonly reason: 'cancelled' | 'syntax' | 'identity' | 'limit';
  readonly text: string;
}

/** One AUTHENTICATE command from its beginning to its result. */
export interface SaslExchange {
  /** Takes the octets of the initial response (RFC 4959), which it overwrites, or undefined where there is none. */
  begin(initial?: Buffer): SaslStep;
  /** Takes the line (base64), without its line end, that answers the challenge before. */
  respond(line: Buffer): SaslStep;
}

/** The mechanism of that name, in any case, or undefined. */
export function mechanismNamed(name: string): Mechanism | undefined {
  const upper = name.toUpperCase();
  return MECHANISMS.find((mechanism) => mechanism === upper);
}

/** An exchange by this mechanism. */
export function saslExchange(mechanism: Mechanism): SaslExchange {
  switch (mechanism) {
    case 'PLAIN':
      return oneResponse(readPlain);
    case 'OAUTHBEARER':
      return oneResponse(readOAuthBearer);
    case 'XOAUTH2':
      return oneResponse(readXOAuth2);
    case 'LOGIN':
      return login();
  }
}

/** What LOGIN (RFC 9051 §6.2.3) says, which is no SASL and means the same: its user name and password as they came. */
export function loginCredentials(user: Buffer, secret: Buffer): SaslStep {
  const [name, word] = [utf8(user), utf8(secret)];
  return name === undefined || word === undefined ? NOT_UTF8 : password(name, word);
}

/**
 * The challenge by which a token is refused (RFC 7628 §3.2.2); XOAUTH2 has the same. The client answers it with a line that does not
 * matter, and only then comes the tagged NO.
 */
export function tokenRefusal(mechanism: 'OAUTHBEARER' | 'XOAUTH2'): string {
  const status = mechanism === 'OAUTHBEARER' ? 'invalid_token' : '401';
  return Buffer.from(JSON.stringify({ status, schemes: 'bearer', scope: '' })).toString('base64');
}

function oneResponse(read: (message: Buffer) => SaslStep): SaslExchange {
  return {
    begin: (initial) => (initial === undefined ? { kind: 'challenge', text: '' } : heard(initial, read)),
    respond: (line) => decoded(line, read),
  };
}

// The prompts that clients wait for (draft-murchison-sasl-login §2).
const USER_PROMPT = Buffer.from('Username:').toString('base64');
const PASSWORD_PROMPT = Buffer.from('Password:').toString('base64');

function login(): SaslExchange {
  let user: string | undefined;
  const read = (message: Buffer): SaslStep => {
    const text = utf8(message);
    if (text === undefined) return NOT_UTF8;
    if (user !== undefined) return password(user, text);
    const refusal = checkUser(text);
    if (refusal !== undefined) return refusal;
    user = text;
    return { kind: 'challenge', text: PASSWORD_PROMPT };
  };
  return {
    begin: (initial) => (initial === undefined ? { kind: 'challenge', text: USER_PROMPT } : heard(initial, read)),
    respond: (line) => decoded(line, read),
  };
}

/** RFC 4616: `[authzid] NUL authcid NUL passwd`. */
function readPlain(message: Buffer): SaslStep {
  const text = utf8(message);
  if (text === undefined) return NOT_UTF8;
  const [identity, user, secret, ...more] = text.split('\0');
  if (identity === undefined || user === undefined || secret === undefined || more.length > 0) {
    return refused('syntax', 'The PLAIN message is not of three fields');
  }
  if (identity !== '' && identity !== user) return OTHER_IDENTITY;
  return password(user, secret);
}

/** RFC 7628 §3.1: `gs2-header ^A *(key=value ^A) ^A`, with a GS2 header of RFC 5801 §4. */
function readOAuthBearer(message: Buffer): SaslStep {
  const text = utf8(message);
  if (text === undefined) return NOT_UTF8;
  const [header = '', ...fields] = text.split(SEPARATOR);
  const [, binding, identity] = /^(n|y|p=[A-Za-z0-9.-]+),(?:a=([^,]+))?,$/.exec(header) ?? [];
  if (binding === undefined) return refused('syntax', 'The OAUTHBEARER message has no GS2 header');
  if (binding.startsWith('p')) return refused('syntax', 'OAUTHBEARER knows no channel binding');
  const user = identity === undefined ? '' : saslName(identity);
  if (user === undefined) return refused('syntax', 'The identity in the GS2 header is malformed');
  return bearer(user, fields);
}

/** Google's XOAUTH2 protocol: `user=NAME ^A auth=Bearer TOKEN ^A ^A`. */
function readXOAuth2(message: Buffer): SaslStep {
  const text = utf8(message);
  if (text === undefined) return NOT_UTF8;
  const [head = '', ...fields] = text.split(SEPARATOR);
  if (!head.startsWith('user=')) return refused('syntax', 'The XOAUTH2 message names no user');
  return bearer(head.slice('user='.length), fields);
}

const SEPARATOR = '\x01';

/**
 * Fields, each with ^A after it, and one more ^A: so that two empty ones end the list. Those that we do not know (host, port) are passed
 * over (RFC 7628 §3.1).
 */
function bearer(user: string, fields: readonly string[]): SaslStep {
  const [last, end] = [fields.at(-1), fields.at(-2)];
  const list = fields.slice(0, -2);
  if (last !== '' || end !== '' || !list.every((field) => /^[A-Za-z]+=/.test(field))) {
    return refused('syntax', 'The message does not consist of fields');
  }
  const values = list.filter((field) => /^auth=/i.test(field));
  // RFC 6750 §2.1, b64token; the name of the scheme in any case.
  const [, token] = /^auth=bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(values[0] ?? '') ?? [];
  if (values.length !== 1 || token === undefined) return refused('syntax', 'The message has no bearer token');
  if (token.length > LIMITS.tokenOctets) return refused('limit', 'The token is too long');
  return checkUser(user) ?? { kind: 'credentials', credentials: { user, secret: new Secret(token), kind: 'token' } };
}

function password(user: string, secret: string): SaslStep {
  const refusal = checkUser(user);
  if (refusal !== undefined) return refusal;
  if (secret === '') return refused('identity', 'The password is empty');
  if (secret.includes('\0')) return refused('syntax', 'The password has a NUL in it');
  if (Buffer.byteLength(secret) > LIMITS.passwordOctets) return refused('limit', 'The password is too long');
  return { kind: 'credentials', credentials: { user, secret: new Secret(secret), kind: 'password' } };
}

function checkUser(user: string): SaslRefusal | undefined {
  if (user === '') return refused('identity', 'There is no user name');
  // Control characters are in no name, and they would be in logs (RFC 4013 §2.3 prohibits them).
  if (/[\p{Cc}\u2028\u2029]/u.test(user)) return refused('syntax', 'The user name has control characters in it');
  if (Buffer.byteLength(user) > LIMITS.userOctets) return refused('limit', 'The user name is too long');
  return undefined;
}

/** Undoes `=2C` and `=3D` (RFC 5801 §4, saslname). */
function saslName(name: string): string | undefined {
  if (/=(?!2C|3D)/.test(name)) return undefined;
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

/** Undoes base64, strictly, and hands the message on. */
function decoded(line: Buffer, read: (message: Buffer) => SaslStep): SaslStep {
  const text = line.toString('latin1');
  if (text === '*') return refused('cancelled', 'The authentication was cancelled');
  if (text.length > LIMITS.saslResponseOctets) return refused('limit', 'The response is too long');
  const message = strictBase64(text);
  return message === undefined ? refused('syntax', 'The response is not base64') : heard(message, read);
}

/** Hands a message on, and overwrites it. */
function heard(message: Buffer, read: (message: Buffer) => SaslStep): SaslStep {
  try {
    return read(message);
  } finally {
    message.fill(0);
  }
}

/** The octets of base64 as RFC 4648 §4 has it: no line breaks, no other characters, padding, unused bits zero. */
export function strictBase64(text: string): Buffer | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const octets = Buffer.from(text, 'base64');
  return octets.toString('base64') === text ? octets : undefined;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function utf8(octets: Buffer): string | undefined {
  try {
    return UTF8.decode(octets);
  } catch {
    return undefined;
  }
}

function refused(reason: SaslRefusal['reason'], text: string): SaslRefusal {
  return { kind: 'refused', reason, text };
}

const NOT_UTF8 = refused('syntax', 'The response is not UTF-8');
const OTHER_IDENTITY = refused('identity', 'Acting for another user is not supported');
