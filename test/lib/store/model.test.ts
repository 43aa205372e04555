import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { IndexedMessage, UIDRange } from '#lib/store/messageindex';
import { RUNS, freshPlace, loadAll } from './fixture.js';

const place = freshPlace();

const uid = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 0xffff_ffff }));
const octets = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes));
const nothing = Buffer.alloc(0);
const message: fc.Arbitrary<IndexedMessage> = fc
  .oneof(
    uid.map((number) => ({ uid: number, kind: 'plain' as const, fingerprint: nothing, record: nothing })),
    fc.record({
      uid,
      kind: fc.constantFrom('encrypted' as const, 'unopened' as const),
      fingerprint: fc.integer({ min: 0, max: 30 }).map((number) => Buffer.alloc(16, number)),
      record: fc.oneof(
        octets(100),
        fc.integer({ min: 0, max: 255 }).map((octet) => Buffer.alloc(30_000, octet)),
      ),
    }),
  )
  .map((known) => ({ ...known }));
const range: fc.Arbitrary<UIDRange> = fc.record({ first: uid, last: uid });
const box = fc.record({ name: fc.constantFrom('INBOX', 'a'), uidValidity: fc.constantFrom(1, 2) });

const step = fc.oneof(
  fc.record({ put: fc.array(message, { maxLength: 20 }), box }),
  fc.record({ put: fc.array(message, { maxLength: 20 }), box }),
  fc.record({ load: fc.array(range, { maxLength: 4 }), box }),
  fc.record({ find: fc.integer({ min: 0, max: 30 }).map((number) => Buffer.alloc(16, number)) }),
  fc.record({ forget: box }),
  fc.constant('reopen' as const),
);

it('the index does what maps in memory would do', { timeout: 600_000 }, async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const user = `user${run++}`;
      let index = await place.open({ user });
      const boxes = new Map<string, Map<number, IndexedMessage>>();
      const places = new Map<string, { key: string; uid: number }>();
      const keyOf = ({ name, uidValidity }: { name: string; uidValidity: number }): string => `${name} ${uidValidity}`;
      const contentOf = (key: string): Map<number, IndexedMessage> => {
        const content = boxes.get(key) ?? new Map<number, IndexedMessage>();
        boxes.set(key, content);
        return content;
      };
      for (const action of steps) {
        if (action === 'reopen') {
          await index.close();
          index = await place.open({ user });
        } else if ('put' in action) {
          const key = keyOf(action.box);
          index.mailbox(action.box.name, action.box.uidValidity).put(action.put);
          await index.flush();
          const batch = new Map(action.put.map((known) => [known.uid, known]));
          for (const known of [...batch.values()].sort((a, b) => a.uid - b.uid)) {
            contentOf(key).set(known.uid, known);
            if (known.kind !== 'plain') places.set(known.fingerprint.toString('hex'), { key, uid: known.uid });
          }
        } else if ('load' in action) {
          const found = await loadAll(index.mailbox(action.box.name, action.box.uidValidity), action.load);
          const expected = [...contentOf(keyOf(action.box))].filter(([number]) =>
            action.load.some(({ first, last }) => first <= number && number <= last),
          );
          const inOrder = (list: Iterable<readonly [number, IndexedMessage]>): (readonly [number, IndexedMessage])[] =>
            [...list].sort(([a], [b]) => a - b);
          assert.deepEqual(inOrder(found), inOrder(expected));
        } else if ('find' in action) {
          const found = await index.byFingerprint(action.find);
          const known = places.get(action.find.toString('hex'));
          const expected = known && contentOf(known.key).get(known.uid);
          const fits = expected?.kind !== 'plain' && expected?.fingerprint.equals(action.find) === true;
          assert.deepEqual(found, fits ? expected : undefined);
        } else {
          const { name, uidValidity } = action.forget;
          await index.mailbox(name, uidValidity).forgetOthers();
          for (const other of [1, 2]) if (other !== uidValidity) boxes.delete(keyOf({ name, uidValidity: other }));
        }
      }
      await index.close();
    }),
    { numRuns: RUNS },
  );
  assert.deepEqual(place.warnings, []);
});
