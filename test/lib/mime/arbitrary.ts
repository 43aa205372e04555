import fc from 'fast-check';

/** The bytes cut at the given places (taken modulo the length), which may come in any order. */
export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = places.map((place) => (bytes.length === 0 ? 0 : place % bytes.length)).sort((a, b) => a - b);
  return [...sorted, bytes.length].map((place, i) => bytes.subarray(sorted[i - 1] ?? 0, place));
}

/** Bytes that are nearly a header. */
export const nastyHeader: fc.Arbitrary<Buffer> = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('\r\n', '\n', '\r', ' ', '\t', ':', ': ', '\r\n\r\n', '\r\n ') },
      { weight: 3, arbitrary: fc.constantFrom('a', 'B', 'Subject', 'a: b\r\n', 'B: c\n', '\0', '\xe9') },
      { weight: 1, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 8 }) },
    ),
    { maxLength: 30 },
  )
  .map((pieces) => Buffer.from(pieces.join(''), 'latin1'));
