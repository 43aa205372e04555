import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Framer, FramingError } from '#imap/wire/framer';
import { isLiteral } from '#imap/wire/part';
import { anyOctets, cutAt, frames } from './frames.js';
import { command, fragmentsOf, octets, outcome, response, spelled } from './octets.js';

/** Octets that would do harm if they were read as a line. */
const content = fc
  .array(fc.constantFrom('a NOOP\r\n', '* OK x\r\n', '{9}\r\n', '\r\n', '\n', '\r', '"', '\0', '(', 'x'), {
    maxLength: 6,
  })
  .map((pieces) => pieces.join(''));
/** A command's lines, and the literals between them. */
const structure = fc.record({
  first: fc.constantFrom('a APPEND x ', 'a X "\\"{3}" ', '* 1 FETCH (X '),
  literals: fc.array(fc.record({ content, rest: fc.constantFrom('', ' x', ' "{3}" (') }), {
    minLength: 1,
    maxLength: 4,
  }),
  mark: fc.constantFrom('{n}', '~{n}'),
});

describe('the framer', () => {
  it('gives the same wherever the input is cut', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('client' as const, 'provider' as const),
        anyOctets,
        fc.array(fc.nat(40)),
        (side, text, sizes) => {
          assert.deepEqual(frames(side, cutAt(octets(text), sizes)), frames(side, [octets(text)]));
        },
      ),
    );
  });

  it('never reads a literal as a line', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('client' as const, 'provider' as const),
        structure,
        (side, { first, literals, mark }) => {
          const marked = literals.map(
            (each) => `${mark.replace('n', `${each.content.length}`)}\r\n${each.content}${each.rest} `,
          );
          const text = `${first}${marked.join('')}\r\n`;
          const parts = side === 'client' ? command(text) : response(text);
          assert.equal(spelled(parts), text);
          assert.deepEqual(
            parts.filter(isLiteral).map((literal) => literal.bytes?.toString('latin1')),
            literals.map((each) => each.content),
          );
        },
      ),
    );
  });

  it('skips a command of a client with a line that is too long, and goes on behind it', () => {
    const long = 'x'.repeat(50);
    for (const [text, expected] of [
      [`a ${long}\r\nb NOOP\r\n`, ['overlong first', 'line b NOOP']],
      [`a ${long} {8+}\r\nc NOOP\r\n\r\nb NOOP\r\n`, ['overlong first', 'line b NOOP']],
      // It is not asked for the literal, which therefore does not come.
      [`a ${long} {7}\r\nb NOOP\r\n`, ['overlong first', 'line b NOOP']],
      [`a X {1+}\r\ny${long}\r\nb NOOP\r\n`, ['line a X {1+}', 'literal y', 'overlong', 'line b NOOP']],
    ] as const) {
      for (const size of [1, 7, 1000]) {
        assert.deepEqual(frames('client', cutAt(octets(text), Array<number>(200).fill(size)), 40), expected, text);
      }
    }
  });

  it('gives long lines of a provider in pieces', () => {
    const text = `* SEARCH${' 1234567'.repeat(20)}\r\n* 1 FETCH (X "${'y'.repeat(70)}" {3}\r\n* x)\r\n* OK z\r\n`;
    for (let size = 1; size < 100; size++) {
      const chunks = cutAt(octets(text), Array<number>(400).fill(size));
      assert.deepEqual(frames('provider', chunks, 40), frames('provider', [octets(text)]));
    }
  });

  it('takes no mark in quotes or free text for one', () => {
    assert.equal(fragmentsOf('client', octets('a X "{3}\r\nb NOOP\r\n')).length, 2);
    assert.equal(
      fragmentsOf('provider', octets('* OK see {3}\r\n+ {3}\r\n* BAD [X] {3}\r\n* LIST {3+}\r\n')).length,
      4,
    );
    assert.equal(spelled(response('* NO [BADCHARSET ({3}\r\n])x)] no\r\n')), '* NO [BADCHARSET ({3}\r\n])x)] no\r\n');
  });

  it('skips the rest of a command on demand', () => {
    const framer = new Framer('client');
    framer.push(octets('a X {3}\r\nb Y {3+}\r\nxyz\r\nc Z\r\n'));
    const first = framer.next();
    assert.ok(first?.kind === 'line');
    framer.skip(first.literal);
    const second = framer.next();
    assert.ok(second?.kind === 'line' && second.literal?.nonSynchronizing === true);
    framer.skip(second.literal);
    assert.equal(framer.next()?.bytes.toString(), 'c Z\r\n');
    assert.equal(framer.next(), undefined);
    assert.equal(framer.atBoundary, true);
  });

  it('refuses a literal that has no end', () => {
    assert.throws(() => fragmentsOf('client', octets('a X {9007199254740992+}\r\n')), FramingError);
    assert.equal(
      outcome(() => fragmentsOf('client', octets('a X {9007199254740991+}\r\n')).length),
      1,
    );
  });
});
