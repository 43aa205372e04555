import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Exit, Failure } from '../exit.js';

const SYSTEM_WIDE = '/etc/postern/postern.toml';

/** What is enough to try Postern on one's own machine. */
const SHORTEST = `    [[listen]]
    port = 1143
    tls = "none"

    [provider.imap]
    host = "imap.example.com"`;

/**
 * The configuration file that is meant: the one that is named, else that of POSTERN_CONFIG, else postern.toml in the state folder, else
 * the system's. Throws Failure where none is named and none is there.
 */
export function findConfiguration(named: string | undefined, home: string): string {
  const fromEnvironment = process.env['POSTERN_CONFIG'];
  if (named !== undefined) return named;
  if (fromEnvironment !== undefined && fromEnvironment !== '') return fromEnvironment;
  const usual = [join(home, 'postern.toml'), SYSTEM_WIDE];
  const found = usual.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Failure(
    Exit.config,
    `There is no configuration: neither ${usual.join(' nor ')}. Write one of them, this for instance to try Postern on this machine, or name another with --config:

${SHORTEST}

"postern config sample" prints all options.`,
  );
}
