import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseAddresses } from '#lib/mime/address';
import { parseContentDisposition, parseContentTransferEncoding, parseContentType } from '#lib/mime/contenttype';
import { decodeWords } from '#lib/mime/encodedword';
import { Header } from '#lib/mime/header';
import type { MimeLimits } from '#lib/mime/limits';
import { type Part, StructureParser, parseStructure } from '#lib/mime/structure';
import { cut, lowLimits, nastyMessage, nastyMultipart } from '#test/lib/mime/arbitrary';
import { referenceStructure } from '#test/lib/mime/reference';

const runs = { numRuns: Number(process.env['FUZZ_RUNS'] ?? 500) };
const anyMessage = fc.oneof({ weight: 5, arbitrary: nastyMultipart }, nastyMessage);
const anyLimits = fc.oneof(fc.constant<Partial<MimeLimits>>({}), lowLimits);

describe('the structure of any bytes', () => {
  it('is what the slow reference implementation finds', () => {
    fc.assert(
      fc.property(anyMessage, anyLimits, (message, limits) => {
        assert.deepEqual(plain(parseStructure(message, limits)), plain(referenceStructure(message, limits)));
      }),
      runs,
    );
  });

  it('does not depend on how they are cut', () => {
    fc.assert(
      fc.property(anyMessage, anyLimits, fc.array(fc.nat(2000)), (message, limits, cuts) => {
        const whole = plain(parseStructure(message, limits));
        assert.deepEqual(plain(parsePieces(cut(message, cuts), limits)), whole);
        const octets = Array.from(message, (_, i) => message.subarray(i, i + 1));
        assert.deepEqual(plain(parsePieces(octets, limits)), whole);
      }),
      runs,
    );
  });

  it('covers every octet once, within the limits', () => {
    fc.assert(
      fc.property(anyMessage, anyLimits, (message, limits) => {
        const root = parseStructure(message, limits);
        assert.equal(root.start, 0);
        assert.equal(root.end, message.length);
        const parts = check(root, message);
        assert.ok(parts.length <= (limits.parts ?? Infinity));
        assert.ok(parts.every(({ header }) => header.raw.length <= (limits.headerOctets ?? Infinity)));
        const headers = parts.reduce((sum, { header }) => sum + header.raw.length, 0);
        assert.ok(headers <= (limits.totalHeaderOctets ?? Infinity));
        assert.ok(depth(root) <= (limits.depth ?? Infinity));
      }),
      runs,
    );
  });

  it('is found in random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const message = Buffer.from(bytes);
        assert.deepEqual(plain(parseStructure(message)), plain(referenceStructure(message)));
      }),
      runs,
    );
  });
});

describe('the fields of any bytes', () => {
  it('are read without an exception, and keep their bytes', () => {
    const readers = [parseContentType, parseContentDisposition, parseContentTransferEncoding, decodeWords];
    fc.assert(
      fc.property(fc.oneof(nastyMessage, fc.uint8Array({ maxLength: 300 })), (bytes) => {
        const header = Header.parse(Buffer.from(bytes));
        for (const { name, body } of header.fields) {
          for (const read of readers) read(body.toString('latin1'));
          parseAddresses(body);
          header.unfolded(name);
        }
        const added = Buffer.from('Added: 1\r\n');
        assert.deepEqual(header.prepend(added).raw.subarray(added.length), header.raw);
      }),
      runs,
    );
  });
});

function parsePieces(pieces: readonly Buffer[], limits: Partial<MimeLimits>): Part {
  const parser = new StructureParser(limits);
  for (const piece of pieces) parser.push(piece);
  return parser.end();
}

/** Something that compares by value. */
function plain(part: Part): unknown {
  return {
    ...part,
    header: part.header.raw.toString('latin1'),
    contentType: [part.contentType.type, ...part.contentType.parameters],
    parts: part.parts.map(plain),
    message: part.message && plain(part.message),
  };
}

/** Asserts that pieces and offsets agree with the message; gives all parts. */
function check(part: Part, message: Buffer): Part[] {
  assert.deepEqual(message.subarray(part.start, part.bodyStart), part.header.raw);
  assert.ok(part.bodyStart <= part.end);
  const inner = part.message === undefined ? part.parts : [part.message];
  if (part.message !== undefined) {
    assert.equal(part.message.start, part.bodyStart);
    assert.equal(part.message.end, part.end);
  }
  if (part.preamble !== undefined) {
    const { parts, preamble, epilogue } = part;
    const pieces = [preamble, ...parts, ...(epilogue === undefined ? [] : [epilogue])];
    assert.equal(preamble.start, part.bodyStart);
    pieces.forEach((piece, i) => {
      assert.ok(piece.start <= piece.end);
      const before = pieces[i - 1];
      if (before === undefined || (piece === epilogue && epilogue.start === epilogue.end)) return;
      // Between two pieces there is one line and the line end before it, and nothing else.
      const between = message.toString('latin1', before.end, piece.start);
      assert.match(between, /^(\r?\n)?--[^\n]+\n?$/);
    });
    assert.ok((pieces.at(-1)?.end ?? 0) <= part.end);
  } else assert.deepEqual(part.parts, []);
  return [part, ...inner.flatMap((child) => check(child, message))];
}

function depth(part: Part): number {
  return 1 + Math.max(0, ...(part.message ? [part.message] : part.parts).map(depth));
}
