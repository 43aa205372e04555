import assert from 'node:assert/strict';
import { createDecipheriv, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  AeadDecryptor,
  AeadEncryptor,
  aeadPlaintextSize,
  aeadSize,
  chunkSize,
  newAeadParameters,
  readAeadHeader,
  writeAeadHeader,
} from '#lib/openpgp/aead';
import { aead, symmetric } from '#lib/openpgp/algorithm';
import { CfbDecryptor, CfbEncryptor, type Decryptor, cfbOverhead } from '#lib/openpgp/cfb';
import { openEax, sealEax } from '#lib/openpgp/eax';

function run(machine: Decryptor, bytes: Buffer, cuts: readonly number[]): Buffer {
  const out: Buffer[] = [];
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = cuts[i % cuts.length] ?? 1;
    out.push(machine.push(bytes.subarray(at, at + size)));
    at += size;
  }
  out.push(machine.end());
  return Buffer.concat(out);
}

const cuts = fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 5 });
const payload = fc.uint8Array({ maxLength: 20_000 }).map((bytes) => Buffer.from(bytes));

function sealCfb(bytes: Buffer, key: Buffer, algorithm = 9, sizes: readonly number[] = [bytes.length || 1]): Buffer {
  const encryptor = new CfbEncryptor(symmetric(algorithm), key);
  return Buffer.concat([encryptor.start(), run(encryptor, bytes, sizes)]);
}

describe('SEIPDv1', () => {
  for (const id of [2, 7, 8, 9, 11, 12, 13]) {
    const algorithm = symmetric(id);
    it(`gives back what ${algorithm.name} took, however it is cut`, () => {
      const key = randomBytes(algorithm.keySize);
      fc.assert(
        fc.property(payload, cuts, (bytes, sizes) => {
          const sealed = sealCfb(bytes, key, id);
          assert.equal(sealed.length, bytes.length + cfbOverhead(algorithm));
          assert.deepEqual(run(new CfbDecryptor(algorithm, key), sealed, sizes), bytes);
          assert.deepEqual(run(new CfbDecryptor(algorithm, key, false), sealed, sizes), bytes);
        }),
        { numRuns: 40 },
      );
    });
  }

  for (const id of [7, 9]) {
    const algorithm = symmetric(id);
    it(`makes what OpenSSL's CFB of ${algorithm.name} makes, however it is cut`, () => {
      const key = randomBytes(algorithm.keySize);
      fc.assert(
        fc.property(payload, cuts, (bytes, sizes) => {
          const sealed = sealCfb(bytes, key, id, sizes);
          const cfb = createDecipheriv(`${algorithm.openssl ?? ''}-cfb`, key, Buffer.alloc(16));
          const plaintext = cfb.update(sealed);
          assert.deepEqual(plaintext.subarray(18, -22), bytes);
          assert.deepEqual(plaintext.subarray(16, 18), plaintext.subarray(14, 16));
        }),
        { numRuns: 40 },
      );
    });
  }

  it('finds every changed octet, a missing code and a cut', () => {
    const key = randomBytes(32);
    const sealed = sealCfb(Buffer.from('some plaintext'), key);
    for (let i = 0; i < sealed.length; i++) {
      const changed = Buffer.from(sealed);
      changed[i] = (changed[i] ?? 0) ^ 1;
      assert.throws(
        () => run(new CfbDecryptor(symmetric(9), key), changed, [7]),
        { code: /^mdc-(mismatch|missing)$/ },
        `${i}`,
      );
      if (i < 18 + 22) continue;
      assert.throws(() => run(new CfbDecryptor(symmetric(9), key), sealed.subarray(0, i), [7]), {
        code: 'mdc-missing',
      });
    }
    assert.throws(() => run(new CfbDecryptor(symmetric(9), key), sealed.subarray(0, 30), [7]), { code: 'truncated' });
  });
});

describe('SEIPDv2', () => {
  for (const mode of [1, 2, 3]) {
    for (const chunkOctet of [0, 4, 10]) {
      it(`gives back what it took, however it is cut: ${aead(mode).mode}, chunk octet ${chunkOctet}`, () => {
        const key = randomBytes(32);
        fc.assert(
          fc.property(payload, cuts, (bytes, sizes) => {
            const parameters = { ...newAeadParameters(symmetric(9), aead(mode)), chunkOctet };
            assert.deepEqual(readAeadHeader(writeAeadHeader(parameters)), parameters);
            const sealed = run(new AeadEncryptor(parameters, key), bytes, sizes);
            assert.equal(sealed.length, aeadSize(bytes.length, chunkSize(parameters)));
            assert.equal(aeadPlaintextSize(sealed.length, chunkSize(parameters)), bytes.length);
            assert.deepEqual(run(new AeadDecryptor(parameters, key), sealed, sizes), bytes);
          }),
          { numRuns: 15 },
        );
      });
    }
  }

  it('lets out no octet of a chunk that was changed, and finds a missing one', () => {
    const parameters = { ...newAeadParameters(symmetric(9), aead(2)), chunkOctet: 0 };
    const key = randomBytes(32);
    const bytes = randomBytes(64 * 4 + 10);
    const sealed = run(new AeadEncryptor(parameters, key), bytes, [1000]);
    for (let i = 0; i < sealed.length; i++) {
      const changed = Buffer.from(sealed);
      changed[i] = (changed[i] ?? 0) ^ 1;
      const decryptor = new AeadDecryptor(parameters, key);
      const out: Buffer[] = [];
      assert.throws(
        () => {
          for (const octet of changed) out.push(decryptor.push(Buffer.of(octet)));
          out.push(decryptor.end());
        },
        { code: 'tag-mismatch' },
      );
      const whole = Math.min(4, Math.floor(i / 80));
      assert.deepEqual(Buffer.concat(out), bytes.subarray(0, whole * 64), `octet ${i}`);
    }
    const chunks = [0, 1, 2, 3].map((i) => sealed.subarray(i * 80, i * 80 + 80));
    const [a, b, c, d] = chunks as [Buffer, Buffer, Buffer, Buffer];
    const rest = sealed.subarray(320);
    for (const wrong of [
      [b, a, c, d, rest],
      [a, c, d, rest],
      [a, b, c, rest],
      [a, b, c, d],
      [a, b, c, d, rest.subarray(0, 26)],
      [a, b, c, d, rest.subarray(26)],
      [a, b, c, d, d, rest],
    ]) {
      assert.throws(() => run(new AeadDecryptor(parameters, key), Buffer.concat(wrong), [50]), {
        code: /^(tag-mismatch|truncated)$/,
      });
    }
  });

  it('refuses chunk sizes, ciphers and modes that RFC 9580 does not have', () => {
    const header = writeAeadHeader(newAeadParameters(symmetric(9), aead(2)));
    for (const [at, value, code] of [
      [1, 2, 'unsupported'],
      [1, 99, 'unsupported'],
      [2, 0, 'unsupported'],
      [2, 4, 'unsupported'],
      [3, 17, 'malformed'],
    ] as const) {
      const changed = Buffer.from(header);
      changed[at] = value;
      assert.throws(() => readAeadHeader(changed), { code });
    }
  });
});

describe('EAX', () => {
  // From the test vectors of the paper that defines the mode (Bellare, Rogaway, Wagner), appendix E.
  const vectors: readonly (readonly [msg: string, key: string, nonce: string, header: string, cipher: string])[] = [
    [
      '',
      '233952DEE4D5ED5F9B9C6D6FF80FF478',
      '62EC67F9C3A4A407FCB2A8C49031A8B3',
      '6BFB914FD07EAE6B',
      'E037830E8389F27B025A2D6527E79D01',
    ],
    [
      'F7FB',
      '91945D3F4DCBEE0BF45EF52255F095A4',
      'BECAF043B0A23D843194BA972C66DEBD',
      'FA3BFD4806EB53FA',
      '19DD5C4C9331049D0BDAB0277408F67967E5',
    ],
    [
      'CA40D7446E545FFAED3BD12A740A659FFBBB3CEAB7',
      '8395FCF1E95BEBD697BD010BC766AAC3',
      '22E7ADD93CFC6393C57EC0B3C17D6B44',
      '126735FCC320D25A',
      'CB8920F87A6C75CFF39627B56E3ED197C552D295A7CFC46AFC253B4652B1AF3795B124AB6E',
    ],
  ];
  for (const [msg, key, nonce, header, cipher] of vectors) {
    it(`matches the published vector of ${msg.length / 2} octets`, () => {
      const [m, k, n, h, c] = [msg, key, nonce, header, cipher].map((hex) => Buffer.from(hex, 'hex')) as [
        Buffer,
        Buffer,
        Buffer,
        Buffer,
        Buffer,
      ];
      assert.deepEqual(sealEax(symmetric(7), k, n, h, m), c);
      assert.deepEqual(openEax(symmetric(7), k, n, h, c), m);
      c[0] = (c[0] ?? 0) ^ 1;
      assert.throws(() => openEax(symmetric(7), k, n, h, c), { code: 'tag-mismatch' });
    });
  }
});
