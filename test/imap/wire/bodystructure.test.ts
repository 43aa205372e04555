import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type BodyStructure,
  type MultipartBody,
  readBodyStructure,
  type SinglePartBody,
  writeBodyStructure,
} from '#imap/wire/bodystructure';
import { type Envelope, readEnvelope, writeEnvelope } from '#imap/wire/envelope';
import { Reader } from '#imap/wire/reader';
import { Writer } from '#imap/wire/writer';
import { nstring, record, string, word } from './arbitrary.js';
import { octets, outcome, response, spelled } from './octets.js';

function read(text: string): BodyStructure {
  const reader = new Reader(response(`${text}\r\n`));
  const body = readBodyStructure(reader);
  reader.end();
  return body;
}

function write(body: BodyStructure): string {
  const writer = new Writer();
  writeBodyStructure(writer, body);
  return spelled(writer.parts);
}

/** Reads a body that is written as it was spelled. */
function same(text: string): BodyStructure {
  const body = read(text);
  assert.equal(write(body), text);
  return body;
}

const addresses = fc.option(
  fc.array(record({ name: nstring, route: nstring, mailbox: nstring, host: nstring }), { minLength: 1, maxLength: 3 }),
  { nil: undefined },
);
const envelope: fc.Arbitrary<Envelope> = record({
  date: nstring,
  subject: nstring,
  from: addresses,
  sender: addresses,
  replyTo: addresses,
  to: addresses,
  cc: addresses,
  bcc: addresses,
  inReplyTo: nstring,
  messageId: nstring,
});
const parameters = fc.option(fc.array(record({ name: string, value: string }), { minLength: 1, maxLength: 3 }), {
  nil: undefined,
});
const extension = {
  disposition: fc.option(record({ type: string, parameters }), { nil: undefined }),
  language: fc.option(fc.array(string, { minLength: 1, maxLength: 2 }), { nil: undefined }),
  location: nstring,
  others: fc.constant([]),
};
const common = {
  subtype: string.map((octets) => Buffer.concat([Buffer.from('x'), octets])),
  parameters,
  id: nstring,
  description: nstring,
  encoding: nstring,
  octets: fc.nat(),
  extension: fc.option(record({ md5: nstring, ...extension }), { nil: undefined }),
};
const { anyBody } = fc.letrec<{ anyBody: BodyStructure }>((tie) => ({
  anyBody: fc.oneof(
    { maxDepth: 4 },
    record<SinglePartBody>({
      ...common,
      kind: word('basic'),
      type: string.map((octets) => Buffer.concat([Buffer.from('x'), octets])),
      lines: fc.constant(undefined),
      message: fc.constant(undefined),
    }),
    record<SinglePartBody>({
      ...common,
      kind: word('text'),
      type: fc.constant(octets('text')),
      lines: fc.nat(),
      message: fc.constant(undefined),
    }),
    record<SinglePartBody>({
      ...common,
      kind: word('message'),
      type: fc.constant(octets('MESSAGE')),
      subtype: fc.constantFrom(octets('rfc822'), octets('Global')),
      lines: fc.nat(),
      message: record({ envelope, body: tie('anyBody') }),
    }),
    record<MultipartBody>({
      kind: word('multipart'),
      parts: fc.array(tie('anyBody'), { maxLength: 3 }),
      subtype: string,
      extension: fc.option(record({ parameters, ...extension }), { nil: undefined }),
    }),
  ),
}));

describe('ENVELOPE', () => {
  // RFC 9051 §8.
  const text =
    '("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg summary and minutes" (("Terry Gray" NIL "gray" "cac.washington.edu")) ' +
    '(("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) ' +
    '((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL "<B27397-0100000@cac.washington.ed>")';

  it('is read and written', () => {
    const reader = new Reader(response(`${text}\r\n`));
    const value = readEnvelope(reader);
    reader.end();
    assert.equal(value.cc?.[1]?.name?.toString(), 'John Klensin');
    assert.equal(value.bcc, undefined);
    const writer = new Writer();
    writeEnvelope(writer, value);
    assert.equal(spelled(writer.parts), text);
  });

  it('has literals for what cannot be quoted', () => {
    const none = { date: undefined, from: undefined, sender: undefined, replyTo: [], to: undefined, cc: undefined };
    const rest = { bcc: undefined, inReplyTo: undefined, messageId: undefined };
    const writer = new Writer();
    writeEnvelope(writer, { ...none, ...rest, subject: octets('\xe9') });
    assert.equal(spelled(writer.end()), '(NIL {1}\r\n\xe9 NIL NIL NIL NIL NIL NIL NIL NIL)\r\n');
    const quoted = new Writer({ utf8: true });
    writeEnvelope(quoted, { ...none, ...rest, subject: octets('"\xc3\xa9\\') });
    assert.equal(spelled(quoted.end()), '(NIL "\\"\xc3\xa9\\\\" NIL NIL NIL NIL NIL NIL NIL NIL)\r\n');
  });

  it('comes back as it was', () => {
    fc.assert(
      fc.property(envelope, fc.boolean(), (value, utf8) => {
        const writer = new Writer({ utf8 });
        writeEnvelope(writer, value);
        const reader = new Reader(response(spelled(writer.end())));
        assert.deepEqual(readEnvelope(reader), value);
        reader.end();
      }),
    );
  });

  it('is refused where it is malformed', () => {
    for (const bad of [
      '',
      'NIL',
      '()',
      '(NIL)',
      text.slice(0, -1),
      text.replace('NIL NIL "<', 'NIL "<'),
      text.replace('NIL "gray"', '"gray"'),
    ]) {
      assert.equal(
        outcome(() => readEnvelope(new Reader(response(`${bad}\r\n`)))),
        'syntax',
        bad,
      );
    }
  });
});

describe('BODY and BODYSTRUCTURE', () => {
  it('of RFC 9051', () => {
    const body = same('("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3028 92)');
    assert.ok(body.kind === 'text');
    assert.equal(body.lines, 92);
    same(
      '(("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 1152 23)("TEXT" "PLAIN" ("CHARSET" "US-ASCII" "NAME" "cc.diff") ' +
        '"<960723163407.20117h@cac.washington.edu>" "Compiler diff" "BASE64" 4554 73) "MIXED")',
    );
    same(
      '(("text" "html" NIL NIL NIL "7bit" 10 1 NIL NIL NIL NIL)("image" "gif" NIL NIL NIL "base64" 5 NIL ("attachment" ("filename" "x")) ("de" "en") "l") "related" ("boundary" "b") NIL ("de") NIL)',
    );
    assert.deepEqual(read('("a" "b" NIL NIL NIL "7bit" 1 NIL NIL "de")').extension?.language, [octets('de')]);
    const message = same(
      '("message" "rfc822" NIL NIL NIL "7bit" 300 (NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL) ("application" "pdf" NIL NIL NIL "base64" 4) 9 NIL NIL NIL NIL)',
    );
    assert.ok(message.kind === 'message' && message.message?.body.kind === 'basic');
  });

  it('may lack some extension data, or have more than we know', () => {
    assert.equal(
      write(read('("a" "b" NIL NIL NIL "7bit" 1 "md5")')),
      '("a" "b" NIL NIL NIL "7bit" 1 "md5" NIL NIL NIL)',
    );
    assert.equal(
      write(read('(("a" "b" NIL NIL NIL NIL 1) "x" NIL ("inline" NIL))')),
      '(("a" "b" NIL NIL NIL NIL 1) "x" NIL ("inline" NIL) NIL NIL)',
    );
    same('("a" "b" NIL NIL NIL "7bit" 1 NIL NIL NIL NIL (1 (2 "x)")) 7)');
  });

  it('of servers that send others', () => {
    const gmail = read('(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)("ALTERNATIVE") "REPORT")');
    assert.deepEqual(gmail.kind === 'multipart' && gmail.parts[1], {
      kind: 'multipart',
      parts: [],
      subtype: octets('ALTERNATIVE'),
      extension: undefined,
    });
    const spaced = read('(("a" "b" NIL NIL NIL NIL 1) ("c" "d" NIL NIL NIL NIL 1) "mixed")');
    assert.ok(spaced.kind === 'multipart' && spaced.parts.length === 2);
    const mailru = read('(("a" "b" NIL NIL NIL NIL 1) "alternative" ("boundary" NIL))');
    assert.deepEqual(mailru.kind === 'multipart' && mailru.extension?.parameters, [
      { name: octets('boundary'), value: undefined },
    ]);
    const exchange = read('("text" "plain" NIL NIL NIL "QUOTED-PRINTABLE" 850 31 NIL "inline" NIL NIL)');
    assert.deepEqual(exchange.extension?.disposition, { type: octets('inline'), parameters: undefined });
    assert.equal(read('("message" "rfc822" NIL NIL NIL "7bit" 300 NIL NIL NIL NIL)').kind, 'basic');
    assert.equal(write(read('(NIL "mixed" NIL NIL NIL NIL)')), '(NIL "mixed" NIL NIL NIL NIL)');
  });

  it('come back as they were', () => {
    fc.assert(
      fc.property(anyBody, (body) => {
        const parts = response(`${write(body)}\r\n`);
        const reader = new Reader(parts);
        assert.deepEqual(readBodyStructure(reader), body);
        reader.end();
      }),
    );
  });

  it('are refused where they are malformed or too deep', () => {
    for (const text of [
      '',
      'NIL',
      '()',
      '("a")x',
      '("a" "b")',
      '("a" "b" NIL NIL NIL "7bit" x)',
      '("text" "plain" NIL NIL NIL "7bit" 1)',
      '(("a" "b" NIL NIL NIL NIL 1))',
      '("a" "b" () NIL NIL NIL 1',
      '("a" "b" ("x") NIL NIL NIL 1)',
    ]) {
      assert.equal(
        outcome(() => read(text)),
        'syntax',
        text,
      );
    }
    assert.equal(
      outcome(() => read('('.repeat(1_000))),
      'limit',
    );
    const leaf = '("a" "b" NIL NIL NIL NIL 1)';
    const deep = (levels: number): string => '('.repeat(levels) + leaf + ' "m")'.repeat(levels);
    assert.equal(typeof outcome(() => read(deep(100))), 'object');
    assert.equal(
      outcome(() => read(deep(300))),
      'limit',
    );
  });
});
