import { X509Certificate, createPrivateKey } from 'node:crypto';
import { isIP } from 'node:net';
import { printable } from '#lib/keys/certificatename';
import type { Secret } from '#lib/keys/secret';
import { VaultError } from './error.js';
import { LIMITS } from './limits.js';
import {
  type ClientCertificate,
  HEADER_CHOICES,
  type Policies,
  type Profile,
  type ProviderAuth,
  type ProviderEndpoint,
  TLS_MODES,
} from './profile.js';
import { isName } from './username.js';

const HOST = /^(?!-)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/i;
const BASE64_SHA256 = /^[A-Za-z0-9+/]{43}=$/;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Refuses a profile that could not work, or would send a password in clear over a network. Throws VaultError `invalid` or `limit`;
 * the message says which setting it is.
 */
export function checkProfile({ name, imap, smtp, auth, policies }: Profile): void {
  if (!isName(name)) {
    throw invalid(
      `"${printable(name)}" cannot be the name of a profile: it has letters and digits, with . _ + - and spaces between them, ${LIMITS.name} at most.`,
    );
  }
  checkEndpoint(imap, 'IMAP');
  if (smtp !== undefined) checkEndpoint(smtp, 'SMTP');
  checkAuth(auth);
  checkPolicies(policies);
}

/** Whether a host can be nobody but this machine: then nobody listens in between. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith('127.');
  // RFC 6761 §6.3: the name localhost never leaves the machine.
  return host === '::1' || host.toLowerCase() === 'localhost';
}

function checkEndpoint({ host, port, tls, ca, pin, clientCertificate }: ProviderEndpoint, protocol: string): void {
  if (isIP(host) === 0 && (!HOST.test(host) || host.length > LIMITS.host)) {
    throw invalid(`"${printable(host)}" is no host for ${protocol}: give a name in ASCII or an IP address.`);
  }
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw invalid(`${port} is no port for ${protocol}: give a number from 1 to 65535.`);
  }
  if (!TLS_MODES.includes(tls)) {
    throw invalid(`"${printable(tls)}" is no way to use TLS for ${protocol}: give one of ${TLS_MODES.join(', ')}.`);
  }
  if (tls === 'none' && !isLoopback(host)) {
    throw invalid(
      `Without TLS everybody on the way to ${host} would read the password: use "implicit" or "starttls" for ${protocol}. "none" is for localhost, 127.0.0.1 and ::1.`,
    );
  }
  if (ca !== undefined && pin !== undefined) {
    throw invalid(`Both a CA and a pinned key are given for ${protocol}; give the one that is to count.`);
  }
  if (pin !== undefined && !BASE64_SHA256.test(pin)) {
    throw invalid(`The pinned key for ${protocol} is no SHA-256 of a public key in base64 (44 characters).`);
  }
  if (ca !== undefined) readCertificates(ca, `The CA file for ${protocol}`);
  if (clientCertificate !== undefined) checkClientCertificate(clientCertificate, protocol);
}

function checkClientCertificate({ certificate, key }: ClientCertificate, protocol: string): void {
  checkSecret(key, LIMITS.pem, `The client key for ${protocol}`);
  const [own] = readCertificates(certificate, `The client certificate for ${protocol}`);
  let fits: boolean | undefined;
  try {
    fits = own?.checkPrivateKey(createPrivateKey(key.reveal()));
  } catch {
    // The reason could quote the key.
    throw invalid(`The client key for ${protocol} is no private key in PEM without a passphrase.`);
  }
  if (fits !== true) {
    throw invalid(
      `The client key for ${protocol} is not that of the client certificate, which must be the first in its file.`,
    );
  }
}

function readCertificates(pem: string, what: string): readonly X509Certificate[] {
  if (pem.length > LIMITS.pem) {
    throw new VaultError('limit', `${what} has ${pem.length} octets; the limit is ${LIMITS.pem}.`);
  }
  try {
    const certificates = (pem.match(CERTIFICATE) ?? []).map((each) => new X509Certificate(each));
    if (certificates.length > 0) return certificates;
  } catch (error) {
    throw invalid(`${what} holds a certificate that cannot be read.`, { cause: error });
  }
  throw invalid(`${what} holds no certificate in PEM.`);
}

function checkPolicies({ headers, exempt = [] }: Policies): void {
  if (headers !== undefined && !HEADER_CHOICES.includes(headers)) {
    throw invalid(`"${printable(headers)}" is no policy for headers: give one of ${HEADER_CHOICES.join(', ')}.`);
  }
  if (exempt.length > LIMITS.exempt) {
    throw new VaultError('limit', `More than ${LIMITS.exempt} mailboxes are exempt from encryption.`);
  }
  for (const mailbox of exempt) {
    if (mailbox === '' || /\p{Cc}/u.test(mailbox)) {
      throw invalid(`"${printable(mailbox)}" cannot be the name of a mailbox.`);
    }
    if (Buffer.byteLength(mailbox) > LIMITS.mailbox) {
      throw new VaultError('limit', `The name of a mailbox has more than ${LIMITS.mailbox} octets.`);
    }
  }
}

function checkAuth(auth: ProviderAuth): void {
  const { user } = auth;
  if (user === '' || /\p{Cc}/u.test(user)) {
    throw invalid(`"${printable(user)}" cannot be the user name at the provider.`);
  }
  if (Buffer.byteLength(user) > LIMITS.providerUser) {
    throw new VaultError('limit', `The user name at the provider has more than ${LIMITS.providerUser} octets.`);
  }
  if (auth.kind === 'password') {
    checkProviderSecret(auth.password, "The provider's password");
    return;
  }
  checkProviderSecret(auth.accessToken, 'The access token');
  if (auth.refresh === undefined) return;
  const { tokenEndpoint, clientID, clientSecret, refreshToken } = auth.refresh;
  if (!URL.canParse(tokenEndpoint) || new URL(tokenEndpoint).protocol !== 'https:') {
    throw invalid(`"${printable(tokenEndpoint)}" is no https address for new access tokens.`);
  }
  if (clientID === '' || clientID.length > LIMITS.providerUser) throw invalid('The client ID for OAuth is none.');
  checkProviderSecret(refreshToken, 'The refresh token');
  if (clientSecret !== undefined) checkProviderSecret(clientSecret, 'The client secret');
}

/** What goes into a line of a protocol has no line end and no NUL in it (RFC 9051 §9, RFC 4616 §2). */
function checkProviderSecret(secret: Secret, what: string): void {
  checkSecret(secret, LIMITS.secret, what);
  const octets = secret.revealBytes();
  const isLine = !octets.some((octet) => octet === 0 || octet === 0x0a || octet === 0x0d);
  octets.fill(0);
  if (!isLine) throw invalid(`${what} has a line end or a NUL in it.`);
}

/** A secret that is to lock or be kept. Throws VaultError `invalid` for an empty one and `limit` for one that is too long. */
export function checkSecret(secret: Secret, limit: number, what: string): void {
  if (secret.empty) throw invalid(`${what} is empty.`);
  if (secret.length > limit) throw new VaultError('limit', `${what} has more than ${limit} octets.`);
}

function invalid(message: string, options?: ErrorOptions): VaultError {
  return new VaultError('invalid', message, options);
}
