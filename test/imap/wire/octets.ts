import { WireError } from '#imap/wire/error';
import { Framer, type Fragment } from '#imap/wire/framer';
import { gather, isLiteral, type Part } from '#imap/wire/part';

/** Text as octets, one character an octet. */
export function octets(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** All fragments of what one side sends. */
export function fragmentsOf(side: 'client' | 'provider', ...chunks: readonly Buffer[]): Fragment[] {
  const framer = new Framer(side);
  const fragments: Fragment[] = [];
  for (const chunk of chunks) {
    framer.push(chunk);
    for (let fragment = framer.next(); fragment !== undefined; fragment = framer.next()) fragments.push(fragment);
  }
  return fragments;
}

/** The parts of one command. */
export function command(text: string): readonly Part[] {
  return gather(fragmentsOf('client', octets(text)));
}

/** The parts of one response. */
export function response(text: string): readonly Part[] {
  return gather(fragmentsOf('provider', octets(text)));
}

/** The octets of parts as text. A literal that is not at hand is `<size>`. */
export function spelled(parts: readonly Part[]): string {
  return parts
    .map((part) => (isLiteral(part) ? (part.bytes?.toString('latin1') ?? `<${part.size}>`) : part.toString('latin1')))
    .join('');
}

/** What a function gives, or the code of the WireError that it throws. Any other exception goes through. */
export function outcome<T>(run: () => T): T | string {
  try {
    return run();
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
}
