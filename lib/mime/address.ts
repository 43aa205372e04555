import { isUtf8 } from 'node:buffer';
import { decodeCharset } from './charset.js';
import { Scanner } from './scanner.js';

/** A piece of an address: `@`, or a word. */
interface Word {
  readonly text: string;
  readonly quoted: boolean;
}

/** A domain name or a domain literal (RFC 5322 §3.4.1), of whatever characters. */
const DOMAIN = /^(?:\[[^\s[\]\\]+\]|[^\s"(),:;<>@[\]\\]+)$/;

const AT: Word = { text: '@', quoted: false };

/**
 * The addr-specs (RFC 5322 §3.4.1) in the body of a From, To or like field, in order: those of groups too, without display
 * names, comments and routes. UTF-8 (RFC 6532) is read as such, and domains are left as they are written. A local part is
 * quoted only where it must be. What is no address, having no domain say, is left out; where a display name has the look of an
 * address, only what stands in angle brackets is one.
 *
 * @example parseAddresses(Buffer.from('"Bob, B." <bob@example.com>, Team: carol@example.com;')) // bob@…, carol@…
 */
export function parseAddresses(body: Buffer): readonly string[] {
  const scanner = new Scanner(isUtf8(body) ? body.toString('utf8') : decodeCharset(body, undefined));
  const addresses: string[] = [];
  let words: Word[] = [];
  let inAngle = false;
  const end = (): void => {
    const address = readAddress(words);
    if (address !== undefined) addresses.push(address);
    words = [];
    inAngle = false;
  };
  for (let char = scanner.peek(); char !== undefined; char = scanner.peek()) {
    if (char === '"') words.push({ text: scanner.quotedString(), quoted: true });
    else if (char === '[') words.push({ text: scanner.domainLiteral(), quoted: false });
    else if ('<>@,:;'.includes(char)) {
      scanner.skip();
      if (char === '@') words.push(AT);
      else if (char === '<') {
        // What came before is a display name, unless it stands in brackets that were not closed.
        if (inAngle) end();
        words = [];
        inAngle = true;
      } else if (char === ':')
        words = []; // The name of a group, or a route (RFC 5322 §4.4).
      else if (char === '>' && inAngle) {
        end();
        skipRemark(scanner);
      } else if (char !== ',' || !isRoute(words, inAngle)) end();
    } else {
      const text = scanner.dotAtom();
      if (text === '') scanner.skip();
      else words.push({ text, quoted: false });
    }
  }
  end();
  return addresses;
}

/** Goes past what follows an address in angle brackets, up to the next address. */
function skipRemark(scanner: Scanner): void {
  for (let char = scanner.peek(); char !== undefined && !',;<'.includes(char); char = scanner.peek()) {
    if (char === '"') scanner.quotedString();
    else if (scanner.dotAtom() === '') scanner.skip();
  }
}

/** Whether the words are the beginning of an obsolete route, `<@a,@b:`, in which a comma ends nothing. */
function isRoute(words: readonly Word[], inAngle: boolean): boolean {
  return inAngle && words[0] === AT;
}

/** The address around the last `@`: on either side, words belong together as far as dots join them. */
function readAddress(words: readonly Word[]): string | undefined {
  const at = words.lastIndexOf(AT);
  if (at < 1) return undefined;
  let first = at - 1;
  while (first > 0 && areJoined(words[first - 1], words[first])) first--;
  let last = at + 1;
  while (areJoined(words[last], words[last + 1])) last++;
  const text = (from: number, to: number): string =>
    words
      .slice(from, to)
      .map((word) => word.text)
      .join('');
  const local = text(first, at);
  const domain = text(at + 1, last + 1);
  const quotedDomain = words.slice(at + 1, last + 1).some((word) => word.quoted);
  if (local === '@' || quotedDomain || !DOMAIN.test(domain) || hasControl(local + domain)) return undefined;
  return `${quoteLocalPart(local)}@${domain}`;
}

/** An `@` before the last one is a character of the local part: the address is nobody's but the last domain's. */
function areJoined(left: Word | undefined, right: Word | undefined): boolean {
  if (left === undefined || right === undefined) return false;
  return (
    left === AT ||
    right === AT ||
    (!left.quoted && left.text.endsWith('.')) ||
    (!right.quoted && right.text.startsWith('.'))
  );
}

function quoteLocalPart(local: string): string {
  if (/^[^\s"(),:;<>@[\\\].]+(?:\.[^\s"(),:;<>@[\\\].]+)*$/.test(local)) return local;
  return `"${local.replace(/["\\]/g, '\\$&')}"`;
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 32 || (code >= 127 && code < 160)) return true;
  }
  return false;
}
