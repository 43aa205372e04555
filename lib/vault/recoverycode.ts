/**
 * Recovery codes: 130 random bits and a checksum of 20 bits, as six groups of five characters that can be read over the phone.
 * The alphabet is Crockford's base 32, which leaves out I, L, O and U.
 */
import { createHash, randomBytes } from 'node:crypto';
import { Secret } from '#lib/keys/secret';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** Characters: 26 × 5 = 130 bits. */
const RANDOM = 26;
const CHECKSUM = 4;
const GROUP = 5;

/** A new code, as it is shown. */
export function makeRecoveryCode(): Secret {
  return new Secret(inGroups(withChecksum(randomCharacters(RANDOM))));
}

/**
 * Characters of the alphabet in lower case, in groups of five, 5 bits each: for an app password that nobody has to remember.
 */
export function makePassword(): Secret {
  return new Secret(inGroups(randomCharacters(20).toLowerCase()));
}

/**
 * The code that somebody has typed, in the form in which it opens: no matter the case, dashes and spaces, O for 0, and I or L
 * for 1. Undefined where its checksum does not fit: a typing mistake; one in a million goes unnoticed.
 */
export function readRecoveryCode(typed: Secret): Secret | undefined {
  const text = typed.reveal().toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
  if (text.length !== RANDOM + CHECKSUM) return undefined;
  return withChecksum(text.slice(0, RANDOM)) === text ? new Secret(text) : undefined;
}

function withChecksum(code: string): string {
  const digest = createHash('sha256').update(`postern recovery code 1\0${code}`, 'latin1').digest();
  return code + [...digest.subarray(0, CHECKSUM)].map(character).join('');
}

function randomCharacters(count: number): string {
  return [...randomBytes(count)].map(character).join('');
}

/** The low five bits of an octet. */
function character(octet: number): string {
  return ALPHABET.charAt(octet & 0x1f);
}

function inGroups(text: string): string {
  return (text.match(new RegExp(`.{1,${GROUP}}`, 'g')) ?? []).join('-');
}
