import fc from 'fast-check';
import { Framer, FramingError, type Fragment } from '#imap/wire/framer';

/** Text that has much to do with lines and literals. */
export const anyOctets: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom('\r\n', '\r\n', '\n', '\r', '"', '\\', ' ', '(', ')', '[', ']', '\0', '\xff'),
      fc.constantFrom('{0}\r\n', '{3}\r\n', '{3+}\r\n', '~{5}\r\n', '{12', '+}', '}\n', '{99999999999999999999}\r\n'),
      fc.constantFrom('a ', '* ', '+ ', 'OK ', 'NOOP', '* BAD [', '* 1 FETCH (', 'UID 7 ', 'ENVELOPE ', 'NIL', '1:*'),
      fc.string({ maxLength: 6 }),
    ),
    { maxLength: 25 },
  )
  .map((pieces) => pieces.join(''));

/** Octets in pieces of these sizes, and a last one. */
export function cutAt(octets: Buffer, sizes: readonly number[]): readonly Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    pieces.push(octets.subarray(at, at + size));
    at += size;
  }
  return [...pieces, octets.subarray(at)];
}

/**
 * What a framer gives, in a form that does not depend on how the input was cut: `line …` without its line end, `literal …`, `overlong`,
 * and at last what has not ended.
 */
export function frames(side: 'client' | 'provider', chunks: readonly Buffer[], limit?: number): readonly string[] {
  const framer = new Framer(side, limit);
  const found: string[] = [];
  let open = '';
  const take = (fragment: Fragment): void => {
    if (fragment.kind === 'overlong') {
      found.push(fragment.first ? 'overlong first' : 'overlong');
      return;
    }
    open += fragment.bytes.toString('latin1');
    if (fragment.kind === 'line' ? fragment.lineEnd === 0 : !fragment.last) return;
    found.push(`${fragment.kind} ${fragment.kind === 'line' ? open.slice(0, -fragment.lineEnd) : open}`);
    open = '';
  };
  try {
    for (const chunk of chunks) {
      framer.push(chunk);
      for (let fragment = framer.next(); fragment !== undefined; fragment = framer.next()) take(fragment);
    }
  } catch (error) {
    if (!(error instanceof FramingError)) throw error;
    return [...found, error.name];
  }
  open += framer.takeRest().toString('latin1');
  return open === '' ? found : [...found, `open ${open}`];
}
