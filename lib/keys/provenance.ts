import type { PublicKey } from '#lib/openpgp/library';

/** How far a certificate is trusted to be its address's, most first. */
export const TRUST_LEVELS = ['pinned', 'verified', 'discovered', 'learned'] as const;

/**
 * `pinned`: this one and no other for its addresses; our own. `verified`: put into the keyring by a person. `discovered`: found
 * where the address's domain or a key server that checks addresses publishes it. `learned`: came with mail.
 */
export type Trust = (typeof TRUST_LEVELS)[number];

/** Where a certificate came from, how far it is trusted, and since when we have it. */
export interface Provenance {
  readonly trust: Trust;
  /** `import`, `generate`, `file`, or a source's own words (a URL, say). */
  readonly source: string;
  readonly since: Date;
}

export function isTrust(text: string): text is Trust {
  return (TRUST_LEVELS as readonly string[]).includes(text);
}

/** True where `trust` is `least` or more. */
export function isAtLeast(trust: Trust, least: Trust): boolean {
  return TRUST_LEVELS.indexOf(trust) <= TRUST_LEVELS.indexOf(least);
}

/** The provenance is a line of the armor's header, so that it is replaced together with the certificate. */
const LINE = /^Comment: postern trust=([a-z]+) since=(\S+) source=([\x20-\x7e]*)$/;

/**
 * The file of a certificate: armored, with its provenance as a comment, which other programs pass over (RFC 9580 §6.2.2).
 */
export function armorWithProvenance(certificate: PublicKey, { trust, source, since }: Provenance): string {
  const [begin = '', ...rest] = certificate.armor().replaceAll('\r\n', '\n').split('\n');
  const comment = `Comment: postern trust=${trust} since=${since.toISOString()} source=${source.replace(/[^\x20-\x7e]/g, '?')}`;
  return [begin, comment, ...rest].join('\n');
}

/** The provenance in the header of an armored certificate; undefined where a person has put the file there. */
export function readProvenance(armored: string): Provenance | undefined {
  for (const line of armored.slice(0, 4096).split('\n').slice(1)) {
    const [, trust = '', time = '', source = ''] = LINE.exec(line.trimEnd()) ?? [];
    const since = new Date(time);
    if (isTrust(trust) && !Number.isNaN(since.getTime())) return { trust, source, since };
    if (line.trim() === '') break;
  }
  return undefined;
}
