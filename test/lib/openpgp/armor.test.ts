import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type ByteStream, gather, slices } from '#lib/bytes/source';
import { ArmorDecoder, ArmorEncoder, armoredSize, dearmor } from '#lib/openpgp/armor';
import { Crc24 } from '#lib/openpgp/crc24';
import { unarmor } from '#lib/openpgp/library';
import { crc24 } from '#test/vectors/writer';

function encode(bytes: Buffer, cut: number, checksum = false): Buffer {
  const encoder = new ArmorEncoder(checksum);
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += cut) out.push(encoder.push(bytes.subarray(at, at + cut)));
  return Buffer.concat([...out, encoder.end()]);
}

function decode(armored: Buffer | string, cut = Infinity): Buffer {
  const bytes = Buffer.from(armored);
  const decoder = new ArmorDecoder();
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += Math.min(cut, bytes.length))
    out.push(decoder.push(bytes.subarray(at, at + cut)));
  decoder.end();
  return Buffer.concat(out);
}

/** Armor as others write it: any line length, line end, checksum or none. */
function armor(bytes: Buffer, chars: number, eol: string, tail = ''): string {
  const lines = bytes.toString('base64').match(new RegExp(`.{1,${chars}}`, 'g')) ?? [];
  return [
    '-----BEGIN PGP MESSAGE-----',
    'Comment: a b',
    '',
    ...lines,
    ...(tail ? [tail] : []),
    '-----END PGP MESSAGE-----',
    '',
  ].join(eol);
}

describe('armor', () => {
  it('is as long as computed, in lines of 76 characters, however the input is cut', () => {
    const bytes = randomBytes(1000);
    for (const size of [0, 1, 2, 3, 56, 57, 58, 113, 114, 115, 999, 1000]) {
      const whole = encode(bytes.subarray(0, size), 10_000);
      assert.equal(whole.length, armoredSize(size, false), `${size}`);
      assert.equal(encode(bytes.subarray(0, size), 10, true).length, armoredSize(size, true), `${size}`);
      for (const line of whole.toString().split('\r\n').slice(2, -3)) assert.equal(line.length, 76);
      for (const cut of [1, 7, 56, 57, 58, 200]) assert.deepEqual(encode(bytes.subarray(0, size), cut), whole);
      assert.deepEqual(decode(whole), bytes.subarray(0, size));
    }
  });

  it('has the checksum of RFC 9580, however the input is cut', () => {
    // The check value of CRC-24/OPENPGP for "123456789".
    for (const cut of [1, 4, 9]) {
      assert.match(encode(Buffer.from('123456789'), cut, true).toString(), /\r\n=Ic8C\r\n-----END/);
    }
  });

  it('is read by openpgp', async () => {
    const bytes = randomBytes(5000);
    const { data, type } = (await unarmor(encode(bytes, 5000, true).toString())) as { data: Uint8Array; type: number };
    assert.deepEqual(Buffer.from(data), bytes);
    assert.equal(type, 3);
  });

  it('is read in any line length, line end and cut, with a checksum or without', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 4000 }),
        fc.constantFrom(4, 60, 64, 76, 61, 1000),
        fc.constantFrom('\n', '\r\n', ' \r\n'),
        fc.constantFrom('', '=abcd', '=AAAA'),
        fc.integer({ min: 1, max: 3000 }),
        (data, chars, eol, tail, cut) => {
          const bytes = Buffer.from(data);
          assert.deepEqual(decode(armor(bytes, chars, eol, tail), cut), bytes);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('skips text before it, and white space after it', () => {
    const bytes = Buffer.from('hello');
    assert.deepEqual(decode(`Some text\n\n${armor(bytes, 64, '\n')}\n \r\n`), bytes);
  });

  const good = armor(randomBytes(30_000), 64, '\n');
  const middle = good.length / 2;
  const bad: readonly (readonly [string, string, string])[] = [
    ['nothing', '', 'armor'],
    ['no begin line', 'hello\n', 'armor'],
    ['another type', good.replaceAll('MESSAGE', 'SIGNATURE'), 'armor'],
    ['a bad header', good.replace('Comment: a b', 'Comment'), 'armor'],
    ['a character that is not base64', `${good.slice(0, middle)}!${good.slice(middle)}`, 'armor'],
    ['8-bit characters', `${good.slice(0, middle)}ä${good.slice(middle)}`, 'armor'],
    ['an overlong head', `${'x'.repeat(70_000)}\n${good}`, 'armor'],
    ['data after the padding', armor(Buffer.from('a'), 64, '\n').replace('YQ==', 'YQ==YQ=='), 'armor'],
    ['one padding character too few', armor(Buffer.from('a'), 64, '\n').replace('YQ==', 'YQ='), 'armor'],
    ['half a quantum', armor(Buffer.from('abc'), 64, '\n').replace('YWJj', 'YWJ'), 'armor'],
    ['no end line', good.slice(0, good.indexOf('-----END')), 'truncated'],
    ['a cut in the data', good.slice(0, middle), 'truncated'],
    ['text after it', `${good}text\n`, 'trailing-data'],
    ['a second one', good + good, 'trailing-data'],
  ];
  for (const [what, text, code] of bad) {
    it(`refuses ${what}`, () => {
      for (const cut of [1, 100, 50_000]) {
        assert.throws(() => decode(text, cut), { name: 'OpenPGPError', code }, `cut ${cut}`);
      }
    });
  }

  it('has the checksum of RFC 9580, wherever the octets lie and are cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(9), fc.nat(300), (octets, offset, cut) => {
        const bytes = Buffer.concat([Buffer.alloc(offset), octets]).subarray(offset);
        const checksum = new Crc24();
        checksum.update(bytes.subarray(0, cut));
        checksum.update(bytes.subarray(cut));
        assert.equal(checksum.digest().readUIntBE(0, 3), crc24(bytes));
      }),
    );
  });

  it('streams', async () => {
    const bytes = randomBytes(500_000);
    async function* uneven(): ByteStream & AsyncGenerator<Buffer> {
      const armored = encode(bytes, 500_000);
      let at = 0;
      for (let step = 1; at < armored.length; step = (step * 7 + 3) % 70_001) {
        yield await Promise.resolve(armored.subarray(at, at + step));
        at += step;
      }
    }
    assert.deepEqual(await gather(dearmor(uneven())), bytes);
    assert.deepEqual(await gather(dearmor(slices(encode(bytes, 1000)))), bytes);
  });
});
