import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AppendReader } from '#imap/wire/append';
import { readCommand, writeCommand } from '#imap/wire/command';
import { WireError } from '#imap/wire/error';
import { readFetchData, writeFetchResponse } from '#imap/wire/fetchdata';
import { FetchReader, type RawItem } from '#imap/wire/fetchreader';
import { Framer, FramingError, type Fragment } from '#imap/wire/framer';
import { decodeMailbox, encodeMailbox, mailboxKey } from '#imap/wire/mailbox';
import { gather, type Part } from '#imap/wire/part';
import { readResponse, writeResponse } from '#imap/wire/response';
import { uidOf } from '#imap/wire/uid';
import { anyOctets, cutAt, frames } from '#test/imap/wire/frames';
import { octets, spelled } from '#test/imap/wire/octets';
import { mutate, mutations, runs } from './mutation.js';

const COMMANDS = [
  'a LOGIN {3+}\r\nbob "p\\"w"',
  'a AUTHENTICATE PLAIN AHRlc3QAdGVzdA==',
  'a ID ("name" "sodr" "version" NIL)',
  'a SELECT INBOX (CONDSTORE QRESYNC (67890007 90060115194045000 41:211 (5,10 41,80)))',
  'a UID FETCH 1:*,$ (FLAGS BODY.PEEK[1.2.HEADER.FIELDS (Subject "x y")]<0.10> BINARY[1] PREVIEW (LAZY) X[a]) (CHANGEDSINCE 1 VANISHED)',
  'a STORE 1,2 (UNCHANGEDSINCE 12) +FLAGS.SILENT (\\Seen $x)',
  'a UID COPY 2:4 "a b"',
  'a APPEND {5+}\r\nINBOX (\\Seen) " 7-Feb-1994 21:52:25 -0800" UTF8 (~{3+}\r\nabc) {2+}\r\n\r\n',
  'a UID SEARCH RETURN (MIN PARTIAL 1:2) CHARSET UTF-8 OR (NOT SEEN 1:3) HEADER x {2+}\r\n() SINCE 1-Feb-1994 X-NEW (1 2)',
  'a SORT (REVERSE DATE) UTF-8 MODSEQ "/flags/\\\\draft" all 620162338 LARGER 5',
  'a LIST (SUBSCRIBED) "" ("*" INBOX) RETURN (STATUS (MESSAGES) CHILDREN)',
  'a STATUS &AOk- (MESSAGES UIDNEXT)',
];
const RESPONSES = [
  '* OK [COPYUID 38505 304,319:320 3956:3958] Done',
  'a NO [BADCHARSET (UTF-8 {3}\r\na]b)] no',
  '* LIST (\\Noselect) "/" {3}\r\na b ("CHILDINFO" ("SUBSCRIBED"))',
  '* NAMESPACE (("" "/")("#mh/" "/" "X" ("A" "B"))) NIL NIL',
  '* STATUS x (MESSAGES 231 MAILBOXID (F2))',
  '* SEARCH 2 5 (MODSEQ 917162500)',
  '* ESEARCH (TAG "a567") UID COUNT 5 ALL 4:19,21,28 PARTIAL (1:2 3)',
  '* THREAD (2)(3 6 (4 23)(44 7 96))',
  '* VANISHED (EARLIER) 41,43:116',
  '* QUOTA "" (STORAGE 10 512)',
];
const FETCHES = [
  '* 12 FETCH (FLAGS (\\Seen) UID 7 MODSEQ (12) RFC822.SIZE 5 INTERNALDATE "17-Jul-1996 02:44:25 -0700" X ("UID 5 "))',
  '* 1 FETCH (ENVELOPE ("d" "(UID 7 " (("n" NIL "m" "h")) NIL NIL ((NIL NIL {1}\r\nx "h")) NIL NIL NIL "<i>") UID 8)',
  '* 1 FETCH (BODY[HEADER.FIELDS ("a ]")]<0> {3}\r\n)(" BINARY[1] ~{2}\r\n\0\0 BINARY.SIZE[1] 2 BODY[] NIL)',
  '* 1 FETCH (BODYSTRUCTURE (("text" "html" ("charset" "x") NIL NIL "7bit" 10 1 NIL ("inline" NIL) ("de" "en") "l" 5)' +
    '("message" "rfc822" NIL NIL NIL "7bit" 300 (NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL) ("a" "b" NIL NIL NIL "7bit" 4) 9) "mixed" ("b" "c") NIL NIL NIL))',
];

/** Examples that have been damaged, and octets that look like such. */
function like(examples: readonly string[]): fc.Arbitrary<Buffer> {
  return fc.oneof(
    fc.tuple(fc.constantFrom(...examples), mutations).map(([text, damage]) => mutate(octets(`${text}\r\n`), damage)),
    fc.tuple(fc.constantFrom(...examples), fc.nat(300), anyOctets).map(([text, at, more]) => {
      const place = at % text.length;
      return octets(`${text.slice(0, place)}${more}${text.slice(place)}\r\n`);
    }),
    anyOctets.map((text) => octets(`${text}\r\n`)),
  );
}

/** What a function gives. Undefined where it throws one of the errors that are for such input; any other goes through. */
function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof WireError || error instanceof FramingError) return undefined;
    throw error;
  }
}

/** Every command or response that has ended. */
function* messagesIn(side: 'client' | 'provider', input: Buffer): Generator<Fragment[]> {
  const framer = new Framer(side);
  framer.push(input);
  let fragments: Fragment[] = [];
  for (let next = attempt(() => framer.next()); next !== undefined; next = attempt(() => framer.next())) {
    fragments.push(next);
    if (next.kind !== 'line' || !next.last) continue;
    yield fragments;
    fragments = [];
  }
}

/** Lines that end in LF alone are written with CRLF. */
function endInCrlf(fragments: readonly Fragment[]): boolean {
  return fragments.every((fragment) => fragment.kind !== 'line' || fragment.lineEnd === 2);
}

/** A value is written as it was spelled, and a copy of it in a form that is read as the same. */
function check<T extends object>(
  fragments: readonly Fragment[],
  read: (parts: readonly Part[]) => T,
  write: (value: T) => readonly Part[],
): void {
  const parts = gather(fragments);
  const value = attempt(() => read(parts));
  if (value === undefined) return;
  const same = attempt(() => spelled(write(value)));
  if (same !== undefined && endInCrlf(fragments)) assert.equal(same, spelled(parts));
  const anew = attempt(() => write({ ...value }));
  if (anew === undefined) return;
  for (const part of anew) if (Buffer.isBuffer(part)) assert.match(part.toString('latin1'), /^[^\r\n\0]*(?:\r\n)?$/);
  assert.equal(spelled(write({ ...read(anew) })), spelled(anew));
}

describe('any input', () => {
  it('gives the same fragments wherever it is cut', () => {
    const side = fc.constantFrom('client' as const, 'provider' as const);
    fc.assert(
      fc.property(side, like([...COMMANDS, ...RESPONSES, ...FETCHES]), fc.array(fc.nat(60)), (from, input, sizes) => {
        assert.deepEqual(frames(from, cutAt(input, sizes)), frames(from, [input]));
      }),
      runs(300),
    );
  });

  it('of a client is a command that is written as it was, or an error', () => {
    fc.assert(
      fc.property(like(COMMANDS), (input) => {
        for (const fragments of messagesIn('client', input)) {
          check(fragments, readCommand, writeCommand);
          const reader = new AppendReader();
          for (const fragment of fragments) {
            if (fragment.kind !== 'overlong' && attempt(() => reader.push(fragment) ?? true) === undefined) break;
          }
        }
      }),
      runs(500),
    );
  });

  it('of a provider is a response that is written as it was, or an error', () => {
    fc.assert(
      fc.property(like(RESPONSES), (input) => {
        for (const fragments of messagesIn('provider', input)) check(fragments, readResponse, writeResponse);
      }),
      runs(500),
    );
  });

  it('of a provider is a FETCH response whose items are written as they were, or an error', () => {
    fc.assert(
      fc.property(like(FETCHES), (input) => {
        for (const fragments of messagesIn('provider', input)) checkFetch(fragments);
      }),
      runs(500),
    );
  });

  it('is the name of one mailbox', () => {
    fc.assert(
      fc.property(fc.constantFrom('utf-7' as const, 'utf-8' as const), anyOctets, (encoding, text) => {
        const name = decodeMailbox(octets(text), encoding);
        if (name !== undefined) assert.deepEqual(encodeMailbox(name, encoding), octets(text));
        assert.equal(typeof mailboxKey(octets(text), encoding), 'string');
      }),
      runs(300),
    );
  });
});

function readFetch(fragments: readonly Fragment[]): { number: number; items: RawItem[] } {
  const reader = new FetchReader();
  const items: RawItem[] = [];
  let number = 0;
  for (const fragment of fragments) {
    assert.ok(fragment.kind !== 'overlong');
    const step = reader.push(fragment);
    items.push(...(step?.items ?? []));
    number = step?.number ?? number;
  }
  return { number, items };
}

function checkFetch(fragments: readonly Fragment[]): void {
  const [first] = fragments;
  const found = first === undefined ? undefined : uidOf(first.bytes);
  const response = attempt(() => readFetch(fragments));
  if (response === undefined) return;
  const { number, items } = response;
  const uid = items.find(({ name }) => name === 'UID');
  if (found !== undefined) assert.equal(spelled(uid?.value ?? []), found.toString());
  const same = attempt(() => writeFetchResponse(number, items));
  if (same !== undefined && endInCrlf(fragments)) {
    assert.deepEqual(
      readFetch(fragmentsOf(same)).items.map(({ item }) => spelled(item)),
      items.map(({ item }) => spelled(item)),
    );
  }
  for (const item of items) {
    const value = attempt(() => readFetchData(item));
    const anew = value === undefined ? undefined : attempt(() => writeFetchResponse(1, [{ ...value }]));
    if (anew === undefined) continue;
    const [again] = readFetch(fragmentsOf(anew)).items;
    assert.ok(again !== undefined);
    assert.equal(spelled(writeFetchResponse(1, [{ ...readFetchData(again) }])), spelled(anew));
  }
}

function fragmentsOf(parts: readonly Part[]): readonly Fragment[] {
  const [fragments, ...more] = messagesIn('provider', octets(spelled(parts)));
  assert.ok(fragments !== undefined && more.length === 0);
  return fragments;
}
