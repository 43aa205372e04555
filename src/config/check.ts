/** What the schema cannot say: options that need or exclude each other. */
import { SocketAddress, isIP } from 'node:net';
import type { KeyPath, Locate } from './locate.js';
import type { Finding } from './problem.js';
import type { Values } from './schema.js';

/** The values, and which of them are as the file has them: what was refused, alone or with its table, stands here with its default. */
export interface Checked {
  readonly values: Values;
  readonly sound: (path: KeyPath) => boolean;
  readonly locate: Locate;
}

/** All that is wrong between the options. What follows from a value that was refused is not told. */
export function checkValues(checked: Checked): readonly Finding[] {
  return [...listeners(checked), ...certificate(checked), ...provider(checked), ...enrolment(checked)];
}

/** True where no other machine can be at the address. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith('127.');
  // RFC 6761 §6.3: the name localhost never leaves the machine.
  return isIP(host) === 6 ? canonical(host) === '::1' : host.toLowerCase() === 'localhost';
}

/** The one way to write an IP address, of several that IPv6 has. */
function canonical(address: string): string {
  return new SocketAddress({ address, family: isIP(address) === 6 ? 'ipv6' : 'ipv4' }).address;
}

/** The port that IANA has assigned to IMAP with this kind of TLS. */
export function imapPort(tls: 'implicit' | 'starttls' | 'none'): number {
  return tls === 'implicit' ? 993 : 143;
}

function listeners({ values, sound, locate }: Checked): readonly Finding[] {
  if (!sound(['listen'])) return [];
  if (values.listen.length === 0) {
    return [
      {
        path: [],
        message: 'Nothing listens. Add a table [[listen]]; "postern config sample" shows what can be in it.',
      },
    ];
  }
  const findings: Finding[] = [];
  const seen = new Map<string, number>();
  for (const [index, { address, port, tls }] of values.listen.entries()) {
    const path = ['listen', index] as const;
    if (!sound([...path, 'address']) || !sound([...path, 'tls'])) continue;
    if (tls === 'none' && !isLoopback(address)) {
      const message = `listen.tls is "none", and ${address} is no loopback address: everybody on the way could read passwords and mail. Write "implicit" or "starttls", or listen at 127.0.0.1 or ::1.`;
      findings.push({ path: [...path, 'tls'], message });
    }
    if (!sound([...path, 'port'])) continue;
    const place = `${canonical(address)} port ${port ?? imapPort(tls)}`;
    const before = seen.get(place);
    if (before === undefined) seen.set(place, locate(path));
    else findings.push({ path, message: `The listener in line ${before} has ${place} already. Take one of them out.` });
  }
  return findings;
}

function certificate({ values: { listen, tls }, sound }: Checked): readonly Finding[] {
  const names = ['certificate', 'key'] as const;
  if (names.some((name) => !sound(['tls', name]))) return [];
  const missing = names.filter((name) => tls[name] === undefined);
  if (missing.length === 1) {
    const [name = ''] = missing;
    return [{ path: ['tls'], message: `[tls] names no ${name}. Write ${name} = "FILE" there.` }];
  }
  const secure = listen.findIndex((listener, index) => sound(['listen', index, 'tls']) && listener.tls !== 'none');
  if (missing.length === 0 || secure === -1) return [];
  const message = `This listener has tls = "${listen[secure]?.tls ?? ''}", and [tls] names no certificate. Write certificate = "FILE" and key = "FILE" in [tls], or tls = "none" here where it is for this machine only.`;
  return [{ path: ['listen', secure], message }];
}

function provider({ values, sound }: Checked): readonly Finding[] {
  const path = ['provider', 'imap'] as const;
  const { imap } = values.provider;
  if (imap === undefined || !sound(path)) return [];
  const findings: Finding[] = [];
  const { host, tls, ca, pin } = imap;
  if (host === undefined && sound([...path, 'host'])) {
    findings.push({
      path,
      message: '[provider.imap] names no host. Write host = "NAME" there, or leave the table out.',
    });
  }
  if (host !== undefined && tls === 'none' && !isLoopback(host)) {
    const message = `provider.imap.tls is "none", and ${host} is another machine: everybody on the way could read passwords and mail. Write "implicit" or "starttls".`;
    findings.push({ path: [...path, 'tls'], message });
  }
  if (ca !== undefined && pin !== undefined) {
    findings.push({
      path: [...path, 'pin'],
      message: 'provider.imap has both ca and pin. Keep the one that is to count.',
    });
  }
  return findings;
}

function enrolment({ values, sound }: Checked): readonly Finding[] {
  if (!values.enrolment.enabled || values.provider.imap !== undefined || !sound(['provider', 'imap'])) return [];
  const message =
    'enrolment.enabled is true, and there is no provider to try logins at. Write a table [provider.imap] with host = "NAME".';
  return [{ path: ['enrolment', 'enabled'], message }];
}
