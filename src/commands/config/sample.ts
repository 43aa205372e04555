import type { Command } from 'commander';
import { print } from '../../output.js';

export function defineSample(command: Command): void {
  command
    .addHelpText(
      'after',
      `
Example:
  $ postern config sample > postern.toml`,
    )
    .action(async () => {
      const { sample } = await import('../../config/sample.js');
      await print(sample());
    });
}
