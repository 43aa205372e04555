/**
 * Whose address a From field shows, for decisions: exactly one mailbox, read strictly by RFC 5322 §3.4, or none. What a
 * lenient reader could understand in another way has no address. (lib/mime/address.ts is such a reader, for showing.)
 */
import { isUtf8 } from 'node:buffer';
import { parseAddress } from '#lib/keys/address';

/** Atom characters (RFC 5322 §3.2.3) and what RFC 6532 adds, in text of one character an octet. */
const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\x80-\\xff-]+";
const DOT_ATOM = `${ATOM}(?:\\.${ATOM})*`;
const QUOTED = '"(?:[^"\\\\\\x00-\\x1f\\x7f]|\\\\[\\x20-\\x7e])*"';
/** A domain of one label at least, or a domain literal. */
const DOMAIN = `(?:${DOT_ATOM}|\\[[!-Z^-~]*\\])`;
const ADDR_SPEC = `(?<local>${DOT_ATOM}|${QUOTED})@(?<domain>${DOMAIN})`;
/** A comment without nesting, quoting or anything that looks like an address: more nobody needs here. */
const COMMENT = '\\([^()\\\\<>@",;:\\x00-\\x1f]*\\)';
/**
 * Words of a display name. One character at a time, so that there is one way to match and time stays proportional to length.
 * The "." is obsolete syntax (RFC 5322 §4.1) and common: `John Q. Public <…>`.
 */
const PHRASE = `(?:[A-Za-z0-9!#$%&'*+/=?^_\`{|}~\\x80-\\xff. \\t-]|${QUOTED}|${COMMENT})*`;
const MAILBOX = new RegExp(
  `^(?:${PHRASE}<[ \\t]*${ADDR_SPEC}[ \\t]*>|[ \\t]*${ADDR_SPEC.replaceAll('?<local>', '?<local2>').replaceAll('?<domain>', '?<domain2>')})[ \\t]*(?:${COMMENT}[ \\t]*)*$`,
);

/** Octets of a field body that is looked at: a longer one has no address. */
const BODY_LIMIT = 2048;

/**
 * The address of a field body with exactly one mailbox, unfolded, latin1 text of octets; folded, as addresses are compared
 * (lib/keys/address.ts). Undefined for several, groups, routes, nothing, or anything that is not plain RFC 5322 syntax.
 *
 * @example singleAddress('Alice <Alice@Example.com>') // 'alice@example.com'
 */
export function singleAddress(unfolded: string): string | undefined {
  if (unfolded.length > BODY_LIMIT) return undefined;
  const groups = MAILBOX.exec(unfolded)?.groups;
  const local = groups?.['local'] ?? groups?.['local2'];
  const domain = groups?.['domain'] ?? groups?.['domain2'];
  if (local === undefined || domain === undefined) return undefined;
  const octets = Buffer.from(`${unquote(local)}@${domain}`, 'latin1');
  return isUtf8(octets) ? parseAddress(octets.toString('utf8'))?.folded : undefined;
}

/** A quoted local part that needs no quotes is the same address without them (RFC 5321 §4.1.2). */
function unquote(local: string): string {
  if (!local.startsWith('"')) return local;
  const content = local.slice(1, -1).replace(/\\(.)/g, '$1');
  return new RegExp(`^${DOT_ATOM}$`).test(content) ? content : local;
}
