import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';

/** The files of the project whose names end like this, or those below one of its folders. */
function files(end: string, folders: readonly string[] = ['.', 'docs', 'etc', 'lib', 'src', 'test']): string[] {
  return folders
    .flatMap((folder) =>
      readdirSync(folder, { recursive: folder !== '.', encoding: 'utf8' }).map((name) => join(folder, name)),
    )
    .filter((path) => path.endsWith(end) && statSync(path).isFile());
}

const read = (path: string): string => readFileSync(path, 'utf8');

describe('the documents', () => {
  it('give one test command, and CI runs that', () => {
    const command = /^ {4}(.*npm run check)$/m.exec(read('README.md'))?.[1];
    assert.equal(command, 'test/install && npm ci && npm run check');
    assert.ok(read('.ci/run').split('\n').includes(command));
  });

  it('link to what exists', () => {
    for (const document of files('.md')) {
      for (const [, target = ''] of read(document).matchAll(/\]\((?!https?:)([^)#]+)/g)) {
        assert.ok(existsSync(join(dirname(document), target)), `${document} links to ${target}`);
      }
    }
  });

  it('name every dependency with its version', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
      string,
      Record<string, string>
    >;
    const table = read('docs/dependencies.md');
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      assert.match(table, new RegExp(`^\\| \`${name}\` +\\| ${version.replaceAll('.', '\\.')} +\\|`, 'm'));
    }
  });

  it('name every RFC that the code cites, and files that exist', () => {
    const table = read('docs/rfc.md');
    const known = new Set([...table.matchAll(/^\| RFC (\d+)/gm)].map(([, number]) => number));
    for (const file of files('.ts', ['src', 'lib'])) {
      for (const [, number] of read(file).matchAll(/\bRFC (\d{3,5})\b/g)) {
        assert.ok(known.has(number), `${file} cites RFC ${String(number)}, which docs/rfc.md does not have`);
      }
    }
    for (const [, path = ''] of table.matchAll(/`((?:lib|src|test)\/[^`]*)`/g)) {
      assert.ok(existsSync(path), `docs/rfc.md names ${path}`);
    }
  });

  it('have a row for each sample', () => {
    const index = read('etc/README.md');
    for (const file of files('', ['etc'])) {
      const [, top = ''] = file.split('/');
      assert.ok(top === 'README.md' || index.includes(`\`${top}`), `etc/README.md says nothing of ${top}`);
    }
  });
});
