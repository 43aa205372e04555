import { domainToASCII } from 'node:url';
import { LIMITS } from './limits.js';

/** A mail address as certificates are looked up by it. */
export interface Address {
  /** `local` and `domain` with an @ between. */
  readonly text: string;
  /** The local part as written, in Unicode's composed form. */
  readonly local: string;
  /** The domain in its ASCII form (IDNA), lower-case. */
  readonly domain: string;
  /** What addresses of one mailbox have in common: the local part in lower case, and the domain. */
  readonly folded: string;
}

/** RFC 5321 §4.1.2, and RFC 6531 §3.3 for what is beyond ASCII: a dot-string or a quoted string. */
const LOCAL = /^(?:[^\p{C}\p{Z}"(),:;<>@[\\\]]+|"(?:[^\p{C}"\\]|\\[ -~])*")$/u;

/** An ASCII domain name, or an address literal. */
const DOMAIN = /^(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*|\[[0-9a-z.:-]+\])$/;

/**
 * Reads a bare address, without display name or brackets; undefined where the text is none.
 *
 * RFC 5321 §2.4 leaves it to each host whether `Alice` and `alice` are one mailbox. Practically every one folds them, and who
 * writes to `Alice@` wants the certificate of `alice@`; so `folded` is what finds certificates, and the exact spelling only
 * decides between equals.
 */
export function parseAddress(text: string): Address | undefined {
  if (text.length > LIMITS.addressLength) return undefined;
  const at = text.lastIndexOf('@');
  const local = text.slice(0, Math.max(at, 0)).normalize('NFC');
  if (!LOCAL.test(local)) return undefined;
  const domain = foldDomain(text.slice(at + 1));
  if (domain === undefined) return undefined;
  return { text: `${local}@${domain}`, local, domain, folded: `${local.toLowerCase()}@${domain}` };
}

function foldDomain(text: string): string | undefined {
  // The characters that would make domainToASCII see a URL with more than a host in it.
  if (/[\s/\\?#@:%]/.test(text) && !text.startsWith('[')) return undefined;
  const domain = text.startsWith('[') ? text.toLowerCase() : domainToASCII(text);
  return DOMAIN.test(domain) ? domain : undefined;
}

/**
 * The address that a user ID names: `Alice <alice@example.com>` or the bare address. Only what stands in the brackets at the very
 * end counts, so that a display name that looks like an address does not.
 */
export function addressOfUserID(userID: string): Address | undefined {
  const text = userID.trim();
  const open = text.lastIndexOf('<');
  return parseAddress(text.endsWith('>') && open >= 0 ? text.slice(open + 1, -1).trim() : text);
}
