/**
 * Whether the time of a refused login tells who has a vault: wrong passwords for a vault of few slots, for one of many and for a
 * damaged one, against a user who has none. Each round takes all of them in an order of its own.
 */
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '#lib/keys/secret';
import { addKeyFile } from '#lib/vault/access';
import { LIMITS } from '#lib/vault/limits';
import { createVault, openVault } from '#lib/vault/vault';
import { type Result, atMost, median, timed, told } from './measure.js';

const ROUNDS = 150;

/** What is compared with the first. */
const USERS = ['nobody', 'few', 'many', 'damaged'] as const;
const WORDS = { few: 'few slots', many: 'many slots', damaged: 'a damaged file' } as const;

/** Welch's t above which two sets of times are told apart (the threshold that dudect takes). */
const THRESHOLD = 4.5;

export async function login(): Promise<Result[]> {
  const home = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  const password = new Secret('wrong');
  try {
    await makeVaults(home);
    const attempt = (name: string): Promise<unknown> =>
      openVault(home, `${name}@example.com`, { kind: 'password', password }).then(
        () => {
          throw new Error('A wrong password has opened a vault.');
        },
        () => undefined,
      );
    const times = new Map<string, number[]>(USERS.map((name) => [name, []]));
    for (let round = -10; round < ROUNDS; round += 1) {
      for (const name of shuffled(USERS)) {
        const time = await timed(() => attempt(name));
        if (round >= 0) times.get(name)?.push(time);
      }
    }
    const nobody = times.get('nobody') ?? [];
    return [
      told('refused login of an unknown user', median(nobody), ' ms'),
      ...(['few', 'many', 'damaged'] as const).flatMap((name) => {
        const these = times.get(name) ?? [];
        return [
          told(`refused login, ${WORDS[name]}, above that`, 1000 * (median(these) - median(nobody)), ' µs'),
          atMost(
            `refused login, ${WORDS[name]}, told apart by Welch's t`,
            Math.abs(welch(these, nobody)),
            THRESHOLD,
            '',
          ),
        ];
      }),
    ];
  } finally {
    rmSync(home, { recursive: true });
  }
}

async function makeVaults(home: string): Promise<void> {
  for (const name of ['few', 'many']) {
    let { vault } = await createVault(home, { user: `${name}@example.com`, password: new Secret('right'), keys: [] });
    while (name === 'many' && vault.slots.length < LIMITS.slots) {
      ({ vault } = await addKeyFile(vault, `key ${vault.slots.length}`));
    }
  }
  writeFileSync(join(home, 'vaults', 'damaged@example.com.vault'), 'nonsense');
}

/** Welch's t: the difference of two means in units of its standard error. The slowest tenth of each is the machine's. */
function welch(one: readonly number[], other: readonly number[]): number {
  const [a, b] = [one, other].map((times) => {
    const kept = times.toSorted((x, y) => x - y).slice(0, Math.floor(times.length * 0.9));
    const mean = kept.reduce((sum, time) => sum + time, 0) / kept.length;
    const variance = kept.reduce((sum, time) => sum + (time - mean) ** 2, 0) / (kept.length - 1);
    return { mean, error: variance / kept.length };
  });
  return a === undefined || b === undefined ? NaN : (a.mean - b.mean) / Math.sqrt(a.error + b.error);
}

function shuffled<Item>(items: readonly Item[]): readonly Item[] {
  const left = [...items];
  return items.flatMap(() => left.splice(randomInt(left.length), 1));
}
