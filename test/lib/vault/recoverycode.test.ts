import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Secret } from '#lib/keys/secret';
import { makePassword, makeRecoveryCode, readRecoveryCode } from '#lib/vault/recoverycode';

/** Of another day: with new ones the test would fail once in a thousand times, as the checksum has 20 bits. */
const CODE = 'N9XY8-CTRKK-3T857-7QMKQ-JYY3F-2WJF5';

const FORM = /^(?:[0-9A-HJKMNP-TV-Z]{5}-){5}[0-9A-HJKMNP-TV-Z]{5}$/;

describe('recovery codes', () => {
  it('are readable, and never the same', () => {
    const codes = Array.from({ length: 200 }, () => makeRecoveryCode().reveal());
    for (const code of codes) assert.match(code, FORM);
    assert.equal(new Set(codes).size, codes.length);
    // 26 characters of 5 random bits each: all of the alphabet comes up at each place.
    for (let at = 0; at < 31; at += 1) assert.ok(new Set(codes.map((code) => code[at])).size > (at % 6 === 5 ? 0 : 16));
  });

  it('are read as they are typed: without dashes, in any case, with letters for the digits that they look like', () => {
    const shown = makeRecoveryCode().reveal();
    const typed = readRecoveryCode(new Secret(shown));
    assert.ok(typed);
    assert.equal(typed.reveal(), shown.replaceAll('-', ''));
    for (const text of [
      shown.toLowerCase(),
      shown.replaceAll('-', ''),
      ` ${shown.replaceAll('-', ' ')}\t`,
      shown.replaceAll('0', 'O').replaceAll('1', 'l'),
      shown.replaceAll('0', 'o').replaceAll('1', 'I'),
    ]) {
      assert.equal(readRecoveryCode(new Secret(text))?.reveal(), typed.reveal(), 'as it was typed');
    }
  });

  it('tell a typing mistake: any other character, two that changed places, one too few or too many', () => {
    const shown = CODE.replaceAll('-', '');
    assert.ok(readRecoveryCode(new Secret(shown)));
    for (const [at, character] of Array.from(shown).entries()) {
      for (const other of '0123456789ABCDEFGHJKMNPQRSTVWXYZU!') {
        if (other === character) continue;
        const wrong = shown.slice(0, at) + other + shown.slice(at + 1);
        assert.equal(readRecoveryCode(new Secret(wrong)), undefined, `${other} at ${at}`);
      }
      const next = shown[at + 1] ?? character;
      if (next !== character) {
        const swapped = shown.slice(0, at) + next + character + shown.slice(at + 2);
        assert.equal(readRecoveryCode(new Secret(swapped)), undefined, `swapped at ${at}`);
      }
      assert.equal(readRecoveryCode(new Secret(shown.slice(0, at) + shown.slice(at + 1))), undefined);
    }
    for (const text of ['', `${shown}0`, 'correct horse battery staple']) {
      assert.equal(readRecoveryCode(new Secret(text)), undefined);
    }
  });

  it('come with passwords in the same alphabet, of 100 bits', () => {
    const passwords = Array.from({ length: 200 }, () => makePassword().reveal());
    for (const password of passwords) assert.match(password, /^(?:[0-9a-hjkmnp-tv-z]{5}-){3}[0-9a-hjkmnp-tv-z]{5}$/);
    assert.equal(new Set(passwords).size, passwords.length);
  });
});
