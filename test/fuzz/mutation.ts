/** Damage to octets, drawn by fast-check so that it shrinks: flipped, cut, inserted, doubled and moved slices. */
import fc from 'fast-check';

/** Milliseconds after which a property counts as shown, however many runs were wanted. */
const TIME_LIMIT = 120_000;

/** How often a property is tried: FUZZ_RUNS times, or `few` times. */
export function runs(few: number): { readonly numRuns: number; readonly interruptAfterTimeLimit: number } {
  const wanted = Number(process.env['FUZZ_RUNS']);
  const numRuns = Number.isSafeInteger(wanted) && wanted > 0 ? wanted : few;
  return { numRuns, interruptAfterTimeLimit: TIME_LIMIT };
}

/** One damage. Places and lengths are fractions of the size, so that they fit octets of any size. */
type Mutation =
  | { readonly kind: 'flip'; readonly at: number; readonly mask: number }
  | { readonly kind: 'set'; readonly at: number; readonly octet: number }
  | { readonly kind: 'cut' | 'double' | 'truncate'; readonly at: number; readonly length: number }
  | { readonly kind: 'insert'; readonly at: number; readonly octets: Uint8Array }
  | { readonly kind: 'move'; readonly at: number; readonly length: number; readonly to: number };

const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
/** Mostly few octets, at times many. */
const length = fc.oneof({ weight: 3, arbitrary: fc.nat(40) }, { weight: 1, arbitrary: fc.nat(4000) });

/** Octets with a meaning in armor or in packet headers. */
const octet = fc.constantFrom(...Buffer.from('-_=+/ \n\r\0', 'latin1'), 0xe0, 0xe9, 0xff, 0xd2, 0xcb);

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('set' as const), at: place, octet }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('flip' as const), at: place, mask: fc.integer({ min: 1, max: 255 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('cut' as const, 'double' as const, 'truncate' as const),
      at: place,
      length,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('insert' as const),
      at: place,
      octets: fc.uint8Array({ minLength: 1, maxLength: 50 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('move' as const), at: place, length, to: place }) },
);

/** One to four damages, most often at the first 100 octets, where the framing is. */
export const mutations: fc.Arbitrary<readonly Mutation[]> = fc
  .tuple(fc.array(mutation, { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([list, atHead]) => (atHead ? list.map((each) => ({ ...each, at: each.at * 0.03 })) : list));

export function mutate(octets: Buffer, list: readonly Mutation[]): Buffer {
  return list.reduce<Buffer>(applyMutation, octets);
}

function applyMutation(octets: Buffer, mutation: Mutation): Buffer {
  const at = Math.floor(mutation.at * octets.length);
  if (mutation.kind === 'flip' || mutation.kind === 'set') {
    if (octets.length === 0) return octets;
    const copy = Buffer.from(octets);
    copy.writeUInt8(mutation.kind === 'set' ? mutation.octet : copy.readUInt8(at) ^ mutation.mask, at);
    return copy;
  }
  const before = octets.subarray(0, at);
  if (mutation.kind === 'insert') return Buffer.concat([before, mutation.octets, octets.subarray(at)]);
  const slice = octets.subarray(at, at + mutation.length);
  const after = octets.subarray(at + mutation.length);
  switch (mutation.kind) {
    case 'cut':
      return Buffer.concat([before, after]);
    case 'truncate':
      return before;
    case 'double':
      return Buffer.concat([before, slice, slice, after]);
    case 'move': {
      const rest = Buffer.concat([before, after]);
      const to = Math.floor(mutation.to * rest.length);
      return Buffer.concat([rest.subarray(0, to), slice, rest.subarray(to)]);
    }
  }
}

/** Sizes of the pieces in which a reader is given its octets; used again and again until all is given. */
export const cuts: fc.Arbitrary<readonly number[]> = fc.array(fc.oneof(fc.nat(5), fc.nat(200), fc.nat(70_000)), {
  minLength: 1,
  maxLength: 8,
});

/** Pieces, each in memory of its own; some may be empty. Those of much are made larger, so that there are not too many. */
export function* pieces(octets: Buffer, sizes: readonly number[]): Generator<Buffer, void> {
  const least = Math.floor(octets.length / 1000);
  const progress = sizes.some((size) => size > 0);
  for (let at = 0, i = 0; at < octets.length; i++) {
    const size = progress ? (sizes[i % sizes.length] ?? 1) : 1;
    yield Buffer.from(octets.subarray(at, at + size + least));
    at += size + least;
  }
}
