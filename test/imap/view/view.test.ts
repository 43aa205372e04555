/** What must hold of the answers about any message: they describe one and the same view. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodeRecord } from '#imap/view/codec';
import type { PartRecord } from '#imap/view/record';
import { type BodyStructure, readBodyStructure } from '#imap/wire/bodystructure';
import { readEnvelope } from '#imap/wire/envelope';
import { Reader } from '#imap/wire/reader';
import { partsOf } from '#imap/view/text';
import { cut, nastyMessage, nastyMultipart } from '#test/lib/mime/arbitrary';
import { runs } from '#test/fuzz/mutation';
import { fetch, type View, view } from './fetch.js';
import { broken, decodable } from './messages.js';

const anyMessage = fc.oneof(nastyMessage, nastyMultipart, broken, decodable);

/** The octets of an item whose value is a literal. */
async function literal(shown: View, name: string): Promise<Buffer> {
  const answer = await fetch(shown, name);
  const [mark = '', size] = /^[^{]*\{(\d+)\}\r\n/.exec(answer.toString('latin1', 0, 200)) ?? [];
  assert.equal(answer.length, mark.length + Number(size), name);
  return answer.subarray(mark.length);
}

/** NUL as a client is sent it. */
function sent(octets: Buffer): Buffer {
  return Buffer.from(octets.map((octet) => octet || 0x80));
}

function structureOf({ record }: View): BodyStructure {
  const reader = new Reader(partsOf(record.bodyStructure) ?? []);
  const body = readBodyStructure(reader);
  reader.end();
  return body;
}

/** Each part with its number, the first ones of the message. */
function numbered(part: PartRecord, number: string): (readonly [string, PartRecord])[] {
  const inside = part.kind === 'message' ? (part.parts[0] ?? part) : part;
  const children = inside.kind === 'multipart' ? inside.parts : part.kind === 'message' ? [inside] : [];
  return [[number, part], ...children.slice(0, 4).flatMap((child, index) => numbered(child, `${number}.${index + 1}`))];
}

function allNumbered(root: PartRecord): (readonly [string, PartRecord])[] {
  if (root.kind !== 'multipart') return numbered(root, '1');
  return root.parts.slice(0, 4).flatMap((child, index) => numbered(child, `${index + 1}`));
}

describe('the view of any message', () => {
  it('has the size that BODY[] has, which is its octets with CRLF', async () => {
    await fc.assert(
      fc.asyncProperty(anyMessage, async (message) => {
        const shown = view(message);
        const whole = await literal(shown, 'BODY[]');
        assert.deepEqual(whole, sent(shown.octets));
        assert.equal(whole.length, shown.record.size);
        assert.equal(shown.octets.toString('latin1'), message.toString('latin1').replace(/(?<!\r)\n/g, '\r\n'));
        assert.deepEqual(await literal(shown, 'RFC822'), whole);
      }),
      runs(200),
    );
  });

  it('is header and text', async () => {
    await fc.assert(
      fc.asyncProperty(anyMessage, async (message) => {
        const shown = view(message);
        const header = await literal(shown, 'BODY[HEADER]');
        const text = await literal(shown, 'BODY[TEXT]');
        assert.deepEqual(Buffer.concat([header, text]), await literal(shown, 'BODY[]'));
        assert.deepEqual(await literal(shown, 'RFC822.HEADER'), header);
        assert.deepEqual(await literal(shown, 'RFC822.TEXT'), text);
        const fields = await literal(shown, 'BODY[HEADER.FIELDS (SUBJECT FROM)]');
        const others = await literal(shown, 'BODY[HEADER.FIELDS.NOT (SUBJECT FROM)]');
        const blankLine = /(?:^|\n)\r\n$/.test(header.toString('latin1')) ? 2 : 0;
        assert.equal(fields.length + others.length, header.length + blankLine);
      }),
      runs(200),
    );
  });

  it('is the same however its octets are cut', () => {
    fc.assert(
      fc.property(anyMessage, fc.array(fc.nat(), { maxLength: 6 }), (message, places) => {
        const whole = view(message);
        const pieces = view(...cut(message, places));
        assert.deepEqual(pieces.record, whole.record);
        assert.deepEqual(pieces.octets, whole.octets);
        const octets = view(...Array.from(message, (octet) => Buffer.of(octet)));
        assert.deepEqual(encodeRecord(octets.record), encodeRecord(whole.record));
      }),
      runs(200),
    );
  });

  it('has parts whose octets and lines BODYSTRUCTURE tells', async () => {
    await fc.assert(
      fc.asyncProperty(anyMessage, async (message) => {
        const shown = view(message);
        const check = async (body: BodyStructure, number: string): Promise<void> => {
          if (body.kind === 'multipart') {
            for (const [index, part] of body.parts.entries())
              await check(part, `${number === '' ? '' : `${number}.`}${index + 1}`);
            return;
          }
          const octets = await literal(shown, `BODY[${number === '' ? '1' : number}]`);
          assert.equal(octets.length, body.octets, number);
          if (body.lines !== undefined) assert.equal(octets.toString('latin1').split('\n').length - 1, body.lines);
          if (body.message !== undefined)
            await check(
              body.message.body,
              body.message.body.kind === 'multipart' ? number || '1' : `${number || '1'}.1`,
            );
        };
        await check(structureOf(shown), '');
      }),
      runs(200),
    );
  });

  it('has parts inside each other', async () => {
    await fc.assert(
      fc.asyncProperty(anyMessage, async (message) => {
        const shown = view(message);
        for (const [number, part] of allNumbered(shown.record.root).slice(0, 20)) {
          const mime = await literal(shown, `BODY[${number}.MIME]`);
          const body = await literal(shown, `BODY[${number}]`);
          assert.deepEqual(Buffer.concat([mime, body]), sent(shown.octets.subarray(part.start, part.end)));
          if (part.kind !== 'message') continue;
          const inside = [await literal(shown, `BODY[${number}.HEADER]`), await literal(shown, `BODY[${number}.TEXT]`)];
          assert.deepEqual(Buffer.concat(inside), body);
        }
      }),
      runs(150),
    );
  });

  it('is whole when its pieces are joined', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyMessage,
        fc.constantFrom(
          'BODY[]',
          'BODY[HEADER]',
          'BODY[1]',
          'BODY[2.1]',
          'BODY[HEADER.FIELDS (TO)]',
          'BINARY[]',
          'BINARY[1]',
        ),
        fc.integer({ min: 1, max: 400 }),
        async (message, name, size) => {
          const shown = view(message);
          const read = (section: string): Promise<Buffer> => literal(shown, section).catch(() => Buffer.alloc(0));
          const whole = await read(name);
          const pieces: Buffer[] = [];
          for (let at = 0; at <= whole.length; at += size) pieces.push(await read(`${name}<${at}.${size}>`));
          assert.deepEqual(Buffer.concat(pieces), whole);
        },
      ),
      runs(100),
    );
  });

  it('has BINARY of the size that BINARY.SIZE tells', async () => {
    await fc.assert(
      fc.asyncProperty(decodable, fc.constantFrom('', '1', '2', '1.1', '2.1'), async (message, number) => {
        const shown = view(message);
        const octets = await literal(shown, `BINARY[${number}]`).catch(() => undefined);
        const size = await fetch(shown, `BINARY.SIZE[${number}]`).catch(() => undefined);
        assert.equal(size?.toString(), octets && `BINARY.SIZE[${number}] ${octets.length}`);
      }),
      runs(150),
    );
  });

  it('has texts that a client can read', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const shown = view(message);
        structureOf(shown);
        const reader = new Reader(partsOf(shown.record.envelope) ?? []);
        readEnvelope(reader);
        reader.end();
        assert.ok(shown.record.preview.toString().length <= 400);
      }),
      runs(300),
    );
  });
});
