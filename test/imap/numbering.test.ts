import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Numbering } from '#imap/numbering';
import { normalise } from '#imap/wire/sequenceset';

const runs = { numRuns: Number(process.env['FUZZ_RUNS'] ?? 1000) };

/** The UIDs of all messages, 0 where one is not known. */
function uids(numbering: Numbering): number[] {
  return Array.from({ length: numbering.count }, (_, at) => numbering.uid(at + 1) ?? 0);
}

/** A mailbox of as many messages as there are UIDs; 0 is one that is not told. */
function numbered(...known: readonly number[]): Numbering {
  const numbering = new Numbering();
  numbering.exists(known.length);
  for (const [at, uid] of known.entries()) if (uid !== 0) assert.ok(numbering.learn(at + 1, uid));
  return numbering;
}

function vanish(numbering: Numbering, ...vanished: readonly (readonly [number, number])[]): number {
  return numbering.vanish(
    normalise(
      vanished.map(([first, last]) => ({ first, last })),
      0,
    ),
  );
}

describe('message numbers', () => {
  it('have the UIDs that were told, and others have none', () => {
    const numbering = numbered(4, 0, 9);
    assert.deepEqual(uids(numbering), [4, 0, 9]);
    assert.deepEqual([numbering.uid(0), numbering.uid(4)], [undefined, undefined]);
    assert.deepEqual(
      [4, 5, 9, 0, 2 ** 32].map((uid) => numbering.number(uid)),
      [1, undefined, 3, undefined, undefined],
    );
  });

  it('are fewer by one for what comes after an EXPUNGE', () => {
    const numbering = numbered(4, 0, 9, 10);
    assert.deepEqual([numbering.expunge(0), numbering.expunge(5)], [false, false]);
    assert.ok(numbering.expunge(3));
    assert.deepEqual(uids(numbering), [4, 0, 10]);
    numbering.exists(4);
    assert.deepEqual(uids(numbering), [4, 0, 10, 0]);
  });

  it('go with VANISHED where their UIDs are known, or as many of those between as UIDs have vanished', () => {
    const numbering = numbered(4, 0, 0, 9, 0, 12);
    assert.equal(vanish(numbering, [4, 4], [6, 6]), 2);
    assert.deepEqual(uids(numbering), [0, 9, 0, 12]);
    // It is not known which of 10 and 11 there is; both have gone, and one message can.
    assert.equal(vanish(numbering, [10, 11]), 1);
    assert.deepEqual(uids(numbering), [0, 9, 12]);
    assert.equal(vanish(numbering, [1, 4294967295]), 3);
    assert.equal(numbering.count, 0);
  });

  it('of which no UID is known go with VANISHED too', () => {
    const numbering = new Numbering();
    numbering.exists(5);
    assert.equal(vanish(numbering, [3, 4], [8, 8]), 3);
    assert.deepEqual(uids(numbering), [0, 0]);
  });

  for (const [what, before, number, uid] of [
    ['another UID than it has', [4, 9], 1, 5],
    ['a UID below that of a message before it', [4, 0, 0, 9], 3, 3],
    ['a UID above that of a message behind it', [4, 0, 0, 9], 2, 10],
    ['a UID that another message has', [4, 0, 9], 2, 9],
    ['a UID that leaves none for a message before it', [4, 0, 0, 9], 3, 5],
    ['a UID that leaves none for a message behind it', [4, 0, 0, 9], 2, 8],
    ['a UID below its number', [0, 0, 9], 2, 1],
    ['a UID that leaves none for those that follow', [4, 0, 0], 2, 4294967295],
  ] as const) {
    it(`forget all UIDs when a message is told to have ${what}`, () => {
      const numbering = numbered(...before);
      assert.equal(numbering.learn(number, uid), false);
      assert.deepEqual(
        uids(numbering),
        before.map(() => 0),
      );
    });
  }

  it('forget nothing when there is no such message or UID', () => {
    const numbering = numbered(4, 9);
    for (const [number, uid] of [
      [0, 3],
      [3, 10],
      [1, 0],
      [2, 2 ** 32],
    ] as const)
      assert.equal(numbering.learn(number, uid), false);
    assert.deepEqual(uids(numbering), [4, 9]);
  });

  it('forget all UIDs when there are fewer without an EXPUNGE', () => {
    const numbering = numbered(4, 9);
    assert.equal(numbering.exists(1), false);
    assert.deepEqual(uids(numbering), [0]);
  });

  it('learn a large mailbox in any order quickly', () => {
    const count = 100_000;
    const ascending = Array.from({ length: count }, (_, at) => at + 1);
    const inside = [count, ...ascending.slice(0, -1)];
    const start = performance.now();
    for (const order of [ascending, ascending.toReversed(), inside]) {
      const numbering = new Numbering();
      numbering.exists(count);
      for (const number of order) assert.ok(numbering.learn(number, number * 2));
    }
    // One that looks through all others for each takes minutes.
    assert.ok(performance.now() - start < 10_000);
  });
});

/** UIDs are small, so that they meet. */
const LARGEST = 120;
const anyRange = fc
  .tuple(fc.integer({ min: 1, max: LARGEST }), fc.nat(15))
  .map(([first, more]) => ({ first, last: first + more }));
const anyRanges = fc.array(anyRange, { minLength: 1, maxLength: 4 });

interface Message {
  readonly uid: number;
  known: boolean;
}

describe('message numbers after any events', () => {
  const anyEvent = fc.oneof(
    fc.record({
      kind: fc.constant('arrive' as const),
      gaps: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 5 }),
    }),
    fc.record({ kind: fc.constant('expunge' as const), at: fc.nat(40) }),
    fc.record({ kind: fc.constant('vanish' as const), ranges: anyRanges }),
    fc.record({ kind: fc.constant('learn' as const), at: fc.nat(40) }),
    fc.record({ kind: fc.constant('learn' as const), at: fc.nat(40) }),
  );

  it('are those of the mailbox itself, and learn nothing but what is true', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
        const numbering = new Numbering();
        let mailbox: Message[] = [];
        let last = 0;
        for (const event of events) {
          switch (event.kind) {
            case 'arrive':
              for (const gap of event.gaps) mailbox.push({ uid: (last += gap), known: false });
              assert.ok(numbering.exists(mailbox.length));
              break;
            case 'expunge':
              assert.equal(numbering.expunge(event.at + 1), event.at < mailbox.length);
              mailbox.splice(event.at, 1);
              break;
            case 'vanish': {
              // RFC 7162 §3.2.10: the UIDs of messages that were there.
              const gone = mailbox.filter(({ uid }) =>
                event.ranges.some((range) => range.first <= uid && uid <= range.last),
              );
              const ranges = normalise(
                gone.map(({ uid }) => ({ first: uid })),
                0,
              );
              assert.equal(numbering.vanish(ranges), gone.length);
              mailbox = mailbox.filter((message) => !gone.includes(message));
              break;
            }
            case 'learn': {
              const message = mailbox[event.at];
              if (message === undefined) break;
              assert.ok(numbering.learn(event.at + 1, message.uid));
              message.known = true;
              break;
            }
          }
          assert.deepEqual(
            uids(numbering),
            mailbox.map(({ uid, known }) => (known ? uid : 0)),
          );
        }
        for (const [at, { uid, known }] of mailbox.entries())
          assert.equal(numbering.number(uid), known ? at + 1 : undefined);
      }),
      runs,
    );
  });

  const anyClaim = fc.oneof(
    fc.record({ kind: fc.constant('exists' as const), count: fc.nat(30) }),
    fc.record({ kind: fc.constant('expunge' as const), number: fc.nat(30) }),
    fc.record({ kind: fc.constant('vanish' as const), ranges: anyRanges }),
    fc.record({ kind: fc.constant('learn' as const), number: fc.nat(30), uid: fc.nat(LARGEST) }),
    fc.record({ kind: fc.constant('learn' as const), number: fc.nat(30), uid: fc.nat(LARGEST) }),
    fc.record({ kind: fc.constant('learn' as const), number: fc.nat(30), uid: fc.nat(LARGEST) }),
  );

  it('are what a slow reference makes of them, true or not', () => {
    fc.assert(
      fc.property(fc.array(anyClaim, { maxLength: 60 }), (claims) => {
        const numbering = new Numbering();
        let reference: number[] = [];
        for (const claim of claims) {
          switch (claim.kind) {
            case 'exists':
              numbering.exists(claim.count);
              reference =
                claim.count < reference.length
                  ? Array.from({ length: claim.count }, () => 0)
                  : [...reference, ...Array.from({ length: claim.count - reference.length }, () => 0)];
              break;
            case 'expunge':
              assert.equal(numbering.expunge(claim.number), claim.number >= 1 && claim.number <= reference.length);
              if (claim.number >= 1) reference.splice(claim.number - 1, 1);
              break;
            case 'vanish': {
              const before = reference.length;
              reference = vanishSlowly(reference, claim.ranges);
              assert.equal(numbering.vanish(normalise(claim.ranges, 0)), before - reference.length);
              break;
            }
            case 'learn': {
              const { number, uid } = claim;
              const learned =
                number >= 1 && number <= reference.length && uid >= 1 ? learnSlowly(reference, number, uid) : reference;
              assert.equal(numbering.learn(number, uid), learned[number - 1] === uid && uid > 0);
              reference = learned;
              break;
            }
          }
          assert.deepEqual(uids(numbering), reference);
        }
      }),
      runs,
    );
  });
});

/** Each UID for itself: a message that is known to have it goes, else one of those that might have it. */
function vanishSlowly(reference: readonly number[], ranges: readonly { first: number; last: number }[]): number[] {
  const going = new Set<number>();
  for (let uid = 1; uid <= LARGEST + 20; uid++) {
    if (!ranges.some(({ first, last }) => first <= uid && uid <= last)) continue;
    const from = reference.findLastIndex((known) => known !== 0 && known <= uid);
    const to = reference.findIndex((known) => known !== 0 && known > uid);
    if (from >= 0 && reference[from] === uid) going.add(from);
    else
      for (let at = from + 1; at < (to < 0 ? reference.length : to); at++)
        if (!going.has(at)) {
          going.add(at);
          break;
        }
  }
  return reference.filter((_, at) => !going.has(at));
}

/** With what was told before, and with this: no two messages have one UID, and they can ascend. */
function learnSlowly(reference: readonly number[], number: number, uid: number): number[] {
  const told = [0, ...reference, 2 ** 32];
  const fits = told.every(
    (known, at) =>
      (at > 0 && known === 0) ||
      (at < number ? uid - known >= number - at : at === number ? known === uid : known - uid >= at - number),
  );
  return reference.map((known, at) => (fits ? (at === number - 1 ? uid : known) : 0));
}
