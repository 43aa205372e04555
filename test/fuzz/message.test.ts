import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { gather, memorySource } from '#lib/bytes/source';
import { openStored } from '#lib/message/open';
import { sealAtRest, sealForOthers } from '#lib/message/seal';
import { Header } from '#lib/mime/header';
import { OpenPGPError } from '#lib/openpgp/error';
import { armor, lines, person, pgpMime } from '#test/lib/message/fixture';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 100);

const alice = await person('Alice <alice@example.com>');
const originKey = Buffer.alloc(32, 5);
const ORIGINAL = lines('From: bob@example.com', 'Subject: s', '', 'x'.repeat(300));

async function sealed(compatible: boolean): Promise<Buffer> {
  const options = { recipients: [alice.recipient], originKey, compatible };
  return gather((await sealAtRest(memorySource(ORIGINAL), options)).stream());
}

const OWN = [await sealed(true), await sealed(false)];
const ARMORED = await armor(ORIGINAL, { recipients: [alice.recipient] });
const OTHERS = [
  pgpMime(['From: bob@example.com', 'Subject: pEp', 'Postern-Status: forged'], ARMORED),
  Buffer.concat([lines('From: bob@example.com', ''), Buffer.from(ARMORED)]),
];

/** Changes to a message: at a place, so many octets out, these in. */
const edits = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    out: fc.integer({ min: 0, max: 60 }),
    in: fc.constantFrom(
      '',
      '',
      'A',
      '=',
      '\r\n',
      '\n',
      '\r',
      ' ',
      '--b',
      '--b--',
      ':',
      '"',
      ';',
      '\0',
      '\xff',
      'Postern-Status: x\r\n',
      'Content-Type: text/plain\r\n',
      '-----END PGP MESSAGE-----\r\n',
    ),
  }),
  { minLength: 1, maxLength: 4 },
);

function edited(message: Buffer, changes: readonly { at: number; out: number; in: string }[]): Buffer {
  return changes.reduce((bytes, change) => {
    const at = Math.floor(change.at * bytes.length);
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(change.in, 'latin1'), bytes.subarray(at + change.out)]);
  }, message);
}

/** The view, or undefined where its stream ends in an error about the data. Any other error passes. */
async function shown(
  message: Buffer,
): Promise<{ readonly kind: string; readonly origin?: string; readonly bytes?: Buffer }> {
  const view = await openStored(memorySource(message), { keys: () => [alice.key], originKey });
  const origin = view.kind === 'opened' ? { origin: view.origin } : {};
  try {
    return { kind: view.kind, ...origin, bytes: await gather(view.stream()) };
  } catch (error) {
    if (!(error instanceof OpenPGPError)) throw error;
    return { kind: view.kind, ...origin };
  }
}

describe('opening what somebody has changed', () => {
  it('gives our own message as it was, or not as ours', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...OWN), edits, async (message, changes) => {
        const { kind, origin, bytes } = await shown(edited(message, changes));
        if (kind === 'opened' && origin === 'own' && bytes !== undefined) assert.deepEqual(bytes, ORIGINAL);
        else if (bytes !== undefined && kind === 'opened') oneStatus(bytes);
        else if (bytes !== undefined) noClaim(bytes);
      }),
      { numRuns: RUNS },
    );
  });

  it('gives a view with our status alone, or none of what was inside', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...OTHERS), edits, async (message, changes) => {
        const { kind, bytes } = await shown(edited(message, changes));
        if (bytes === undefined) return;
        if (kind === 'opened') {
          oneStatus(bytes);
          assert.ok(bytes.includes('x'.repeat(300)));
        } else {
          noClaim(bytes);
          assert.ok(!bytes.includes('x'.repeat(300)));
        }
      }),
      { numRuns: RUNS },
    );
  });
});

describe('sealing what somebody has written', () => {
  it('fails with an error of its own, or gives the size that it said', async () => {
    const messages = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
      fc.tuple(fc.constantFrom(...OWN, ...OTHERS), edits).map(([message, changes]) => edited(message, changes)),
    );
    await fc.assert(
      fc.asyncProperty(messages, fc.boolean(), async (message, forOthers) => {
        const recipients = [alice.recipient];
        try {
          const result = await (forOthers ? sealForOthers : sealAtRest)(memorySource(message), { recipients });
          assert.equal((await gather(result.stream())).length, result.size);
        } catch (error) {
          assert.equal(error instanceof Error && error.name, 'MessageError');
          assert.ok(forOthers);
        }
      }),
      { numRuns: RUNS },
    );
  });
});

function headerOf(bytes: Buffer): readonly string[] {
  return Header.parse(bytes).fields.map(({ name }) => name.toLowerCase());
}

function oneStatus(bytes: Buffer): void {
  const claims = headerOf(bytes).filter((name) => name.startsWith('postern-'));
  assert.deepEqual(claims, ['postern-status']);
}

function noClaim(bytes: Buffer): void {
  assert.ok(headerOf(bytes).every((name) => !name.startsWith('postern-')));
}
