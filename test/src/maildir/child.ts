/** A run in a process of its own, to be killed: `child.js DIR seal|open`. It says "go" when it begins. */
import { runConversion } from '#src/maildir/run';
import { opening, sealing } from './toy.js';

const [root = '', direction] = process.argv.slice(2);
process.stdout.write('go\n');
const { failures } = await runConversion({ root, conversion: direction === 'seal' ? sealing : opening });
for (const failure of failures) process.stderr.write(`${failure.file}: ${failure.reason}\n`);
process.exitCode = failures.length;
