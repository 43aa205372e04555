import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { type Source, gather, memorySource } from '#lib/bytes/source';
import { ORIGIN_FIELD } from '#lib/message/origin';
import { sealAtRest, type SealAtRestOptions } from '#lib/message/seal';
import { type SeekableAtRest, openSeekableAtRest } from '#lib/message/seekable';
import { person, lines } from './fixture.js';

const alice = await person('alice@example.com');
const originKey = Buffer.alloc(32, 1);
const body = `${randomBytes(600_000).toString('base64')}\r\n`;
const original = Buffer.concat([lines('From: Bob <bob@example.com>', 'Subject: Large', ''), Buffer.from(body)]);

async function seal(message = original, changes: Partial<SealAtRestOptions> = {}): Promise<Buffer> {
  const options = { recipients: [alice.recipient], originKey, compatible: false, ...changes };
  return gather((await sealAtRest(memorySource(message), options)).stream());
}

const stored = await seal();

function open(message: Buffer | Source): Promise<SeekableAtRest | undefined> {
  const source = Buffer.isBuffer(message) ? memorySource(message) : message;
  return openSeekableAtRest(source, { keys: () => Promise.resolve([alice.key]), originKey });
}

/** The stored form with a change in its text. */
function changed(what: string | RegExp, by: string): Buffer {
  const text = stored.toString('latin1');
  const other = text.replace(what, by);
  assert.notEqual(other, text);
  return Buffer.from(other, 'latin1');
}

describe('a message of our own, read in ranges', () => {
  it('gives the right octets of any range, with its session key alone, too', async () => {
    const opened = await open(stored);
    assert.ok(opened);
    assert.equal(opened.size, original.length);
    const { sessionKey } = opened;
    const again = await openSeekableAtRest(memorySource(stored), {
      keys: () => Promise.reject(new Error('No key is needed.')),
      originKey,
      sessionKey,
    });
    assert.ok(again);
    const both: readonly SeekableAtRest[] = [opened, again];
    for (let run = 0; run < 30; run++) {
      const [start = 0, end = 0] = [0, 0]
        .map(() => Math.floor(Math.random() * (original.length + 10)))
        .sort((a, b) => a - b);
      for (const one of both) {
        assert.deepEqual(await gather(one.read(start, end)), original.subarray(start, end), `${start} to ${end}`);
      }
    }
  });

  it('is told by its beginning and its end', async () => {
    const source = memorySource(stored);
    const ranges: (readonly [number, number])[] = [];
    let read = 0;
    const counted: Source = {
      ...source,
      async *stream(start = 0, end = source.size) {
        ranges.push([start, end]);
        for await (const chunk of source.stream(start, end)) {
          // As from a provider, which is asked for blocks.
          for (let at = 0; at < chunk.length; at += 16_384) {
            const piece = chunk.subarray(at, at + 16_384);
            read += piece.length;
            yield piece;
          }
        }
      },
    };
    assert.ok(await open(counted));
    assert.ok(read < stored.length / 2, `${read} of ${stored.length} octets`);
  });

  it('lets nothing out of a chunk that was changed', async () => {
    const octets = Buffer.from(stored);
    let at = 500_000;
    while (/[\r\n]/.test(octets.toString('latin1', at, at + 1))) at += 1;
    octets.write(octets.toString('latin1', at, at + 1) === 'A' ? 'B' : 'A', at);
    const opened = await open(octets);
    assert.ok(opened);
    assert.deepEqual(await gather(opened.read(0, 100)), original.subarray(0, 100));
    await assert.rejects(gather(opened.read(0, opened.size)), { code: 'tag-mismatch' });
  });

  const others: Readonly<Record<string, () => Buffer | Promise<Buffer>>> = {
    'without a mark': () => changed(/^Postern-Origin:.*\r\n(?:[ \t].*\r\n)*/m, ''),
    'with a mark of somebody else': () => seal(original, { originKey: Buffer.alloc(32, 2) }),
    'with a forged mark': () => changed(/mac=....../, 'mac=AAAAAA'),
    'with two marks': () => changed('MIME-Version', `${ORIGIN_FIELD}: v=1; mac=x\r\nMIME-Version`),
    'with text behind it': () => Buffer.concat([stored, Buffer.from('more\r\n')]),
    'with text between the parts': () => changed(/(Version: 1\r\n)/, '$1\r\n--x\r\nhello\r\n'),
    'with text before the armor': () => changed('-----BEGIN', 'hello\r\n-----BEGIN'),
    'with text behind the armor': () => changed(/(-----END PGP MESSAGE-----\r\n)/, '$1hello\r\n'),
    'with a preamble': () => changed('\r\n\r\n--', '\r\n\r\nhello\r\n--'),
    'with another part': () => changed(/(--[^\r]+)(\r\nContent-Type: application\/octet)/, '$1\r\n\r\nhello\r\n$1$2'),
    'with another boundary in its header': () => changed(/boundary="postern/, 'boundary="qostern'),
    'with another protocol': () => changed('protocol="application/pgp-encrypted"', 'protocol="application/x"'),
    'with two types': () => changed('Content-Type', 'Content-Type: text/plain\r\nContent-Type'),
    'in a transfer encoding': () =>
      changed(
        'Content-Type: application/octet',
        'Content-Transfer-Encoding: base64\r\nContent-Type: application/octet',
      ),
    'whose end is cut off': () => stored.subarray(0, -100),
    'of SEIPDv1': () => seal(original, { compatible: true }),
    'whose original claims to be ours': () => seal(Buffer.concat([lines('Postern-Status: good'), original])),
    'behind a line of an mbox': () => Buffer.concat([lines('From bob Thu Jan  1 00:00:00 2026'), stored]),
  };
  for (const [which, make] of Object.entries(others)) {
    it(`is not one ${which}`, async () => {
      const message = await make();
      const opened = await open(message);
      // A part with text in it is none of ours; what is read is authenticated in any case.
      assert.equal(opened, undefined);
    });
  }
});
