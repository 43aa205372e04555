import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { ArmorDecoder, ArmorEncoder, armoredSize } from '#lib/openpgp/armor';
import { OpenPGPError } from '#lib/openpgp/error';
import { seededBytes } from '#test/vectors/payload';
import { armored } from '#test/vectors/writer';
import { cuts, mutate, mutations, pieces, runs } from './mutation.js';

/** The decoded octets, or the code of the error. Any other exception goes through. */
function decode(octets: Buffer, sizes: readonly number[]): { octets: Buffer; code?: string } {
  const decoder = new ArmorDecoder();
  const out: Buffer[] = [];
  try {
    for (const piece of pieces(octets, sizes)) out.push(decoder.push(piece));
    decoder.end();
  } catch (error) {
    if (!(error instanceof OpenPGPError)) throw error;
    return { octets: Buffer.concat(out), code: error.code };
  }
  return { octets: Buffer.concat(out) };
}

const CODES = ['armor', 'truncated', 'trailing-data'];

const form = fc.record({
  size: fc.oneof(fc.nat(200), fc.nat(20_000)),
  eol: fc.constantFrom('\n', '\r\n'),
  checksum: fc.constantFrom('right', 'wrong', 'none'),
});

/** Octets that have much to do with armor. */
const armorLike = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '-----BEGIN PGP MESSAGE-----',
        '-----END PGP MESSAGE-----',
        '\n',
        '\r\n',
        '\n\n',
        'Comment: x',
        '=',
        '==',
        'AAAA',
        '=AAAA',
        ' ',
        '\t',
        '\r',
        '-',
        '_',
        '\0',
      ),
      fc.base64String({ maxLength: 80 }),
    ),
    { maxLength: 30 },
  )
  .map((parts) => Buffer.from(parts.join(''), 'latin1'));

it('armor: what is encoded in pieces has the size announced and decodes to the same octets', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.nat(300), fc.nat(200_000)),
      cuts,
      cuts,
      fc.boolean(),
      (size, encoderCuts, decoderCuts, checksum) => {
        const octets = seededBytes('armor', size);
        const encoder = new ArmorEncoder(checksum);
        const out = [...pieces(octets, encoderCuts)].map((piece) => encoder.push(piece));
        const text = Buffer.concat([...out, encoder.end()]);
        assert.equal(text.length, armoredSize(size, checksum));
        for (const line of text.toString('latin1').split('\r\n')) assert.ok(line.length <= 76 && !line.includes('\n'));
        assert.deepEqual(decode(text, decoderCuts), { octets });
      },
    ),
    runs(60),
  );
});

it('armor: every form of right armor decodes, however it is cut', () => {
  fc.assert(
    fc.property(form, cuts, ({ size, ...options }, sizes) => {
      const octets = seededBytes('armor', size);
      assert.deepEqual(decode(armored(octets, options), sizes), { octets });
    }),
    runs(100),
  );
});

/**
 * Checks one text of armor read whole and in pieces. Both must end alike, but where "-" or "_" stands in the data: Node's
 * decoder takes them for "+" and "/" in the lines that it decodes many at once.
 */
function checkDecoding(octets: Buffer, sizes: readonly number[]): void {
  const whole = decode(octets, [octets.length]);
  const cut = decode(octets, sizes);
  assert.ok(whole.code === undefined || CODES.includes(whole.code), whole.code);
  const data = octets.toString('latin1').replaceAll(/-----(BEGIN|END) PGP MESSAGE-----/g, '');
  if (/[-_]/.test(data)) return;
  assert.equal(cut.code, whole.code);
  if (whole.code === undefined) assert.deepEqual(cut.octets, whole.octets);
}

it('armor: any octets lead to octets or to one of its errors, the same however they are cut', () => {
  const octets = fc.oneof(
    armorLike,
    fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(fc.property(octets, cuts, checkDecoding), runs(300));
});

it('armor: damaged armor leads to octets or to one of its errors, the same however it is cut', () => {
  const damaged = fc
    .tuple(form, mutations)
    .map(([{ size, ...options }, list]) => mutate(armored(seededBytes('armor', size), options), list));
  fc.assert(fc.property(damaged, cuts, checkDecoding), runs(200));
});
