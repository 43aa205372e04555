import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

/** The names of the rules that dependency-cruiser finds broken below a folder. */
function violations(folder: string): string[] {
  const run = spawnSync(
    'node_modules/.bin/depcruise',
    ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', folder],
    { encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  const { summary } = JSON.parse(run.stdout) as { summary: { violations: { rule: { name: string } }[] } };
  return [...new Set(summary.violations.map(({ rule }) => rule.name))].sort();
}

test('each layer rule catches what it forbids', () => {
  assert.deepEqual(violations('test/layers/violation'), [
    'lib-knows-no-protocol',
    'lib-leaves',
    'no-circles',
    'protocols-do-not-meet',
    'smtp-imports-only-lib',
    'vault-below-message',
  ]);
});
