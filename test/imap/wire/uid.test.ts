import assert from 'node:assert/strict';
import { it } from 'node:test';
import { uidOf } from '#imap/wire/uid';
import { octets } from './octets.js';

it('the UID of a FETCH response is found wherever it stands, and nothing else is taken for it', () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['* 1 FETCH (UID 7)', 7],
    ['* 1 fetch (uId 7 FLAGS ())', 7],
    ['* 4294967295 FETCH (UID 4294967295 X 1)', 4294967295],
    ['* 1 FETCH (FLAGS (\\Seen UID 3 ]) UID 7)', 7],
    ['* 1 FETCH (ENVELOPE ("d" "(UID 3 " NIL) UID 7)', 7],
    ['* 1 FETCH (ENVELOPE ("d" "\\"(UID 3 " NIL) UID 7)', 7],
    ['* 1 FETCH (BODY[HEADER.FIELDS (UID "] UID 3 ")]<0> "UID 4 " UID 7 BODY[TEXT] {5}', 7],
    ['* 1 FETCH (X-UID 3 UID 7)', 7],
    ['* 1 FETCH (X UID UID 7)', 7],
    ['* 1 FETCH (BODY[] "(UID 3)" UID 7)', 7],
    ['* 1 FETCH (BODY[TEXT] {5}', undefined],
    ['* 1 FETCH (ENVELOPE ("(UID 3 " NIL))', undefined],
    ['* 1 FETCH (ENVELOPE ((UID 3 ) NIL))', undefined],
    ['* 1 FETCH (X UID 3)', undefined],
    ['* 1 FETCH (UID 4294967296)', undefined],
    ['* 1 FETCH (UID 0)', undefined],
    ['* 1 FETCH (UID 07)', undefined],
    ['* 1 FETCH (UID  7)', undefined],
    ['* 1 FETCH (UID "7")', undefined],
    ['* 1 FETCH (UID 7x)', undefined],
    ['* 1 FETCH (UID 71', undefined],
    ['* 1 FETCH (ENVELOPE ("UID 3 ', undefined],
    ['* 1 EXISTS (UID 7)', undefined],
    ['* 0 FETCH (UID 7)', undefined],
    ['* OK FETCH (UID 7)', undefined],
    ['UID ', undefined],
  ];
  for (const [text, uid] of cases) {
    assert.equal(uidOf(octets(`${text}\r\n`)), uid, text);
    if (uid === undefined) assert.equal(uidOf(octets(text)), uid, text);
  }
});
