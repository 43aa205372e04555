import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

/** What dependency-cruiser finds broken below a folder: the rules, and the files that break one, by rule. */
function violations(folder: string): ReadonlyMap<string, readonly string[]> {
  const run = spawnSync(
    'node_modules/.bin/depcruise',
    ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', folder],
    { encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  const { summary } = JSON.parse(run.stdout) as { summary: { violations: { rule: { name: string }; from: string }[] } };
  const found = new Map<string, readonly string[]>();
  for (const { rule, from } of summary.violations) found.set(rule.name, [...(found.get(rule.name) ?? []), from].sort());
  return found;
}

test('each layer rule catches what it forbids', () => {
  const found = violations('test/layers/violation');
  assert.deepEqual([...found.keys()].sort(), [
    'lib-knows-no-protocol',
    'lib-leaves',
    'no-circles',
    'protocols-do-not-meet',
    'smtp-imports-only-lib',
    'vault-below-message',
    'view-knows-no-session',
  ]);
  assert.deepEqual(found.get('lib-leaves'), [
    'test/layers/violation/lib/mime/a.ts',
    'test/layers/violation/lib/store/w.ts',
  ]);
});
