/** What is left when Postern, its provider or its client fails in the middle of a message. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { login } from '../client.js';
import { type Twins, append, select, startTwins } from './mailbox.js';

const CANARY = `canary-${randomBytes(12).toString('hex')}`;
const LINE = `${CANARY} ${'x'.repeat(40)}\r\n`;
const HEADER = `From: Bob <bob@example.com>\r\nSubject: ${CANARY}\r\n\r\n`;
const LARGE = Buffer.from(HEADER + LINE.repeat(150_000));

/** The octets of the temporary files that a process has open, which have no names any more. */
function openSpools(pid: number): readonly Buffer[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((name) => {
    try {
      if (!/postern-[^/]*\/spool/.test(readlinkSync(join(folder, name)))) return [];
      const file = openSync(join(folder, name), 'r');
      try {
        const octets = Buffer.alloc(4 * 1024 * 1024);
        return [octets.subarray(0, readSync(file, octets, 0, octets.length, 0))];
      } finally {
        closeSync(file);
      }
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}

/** Waits until the process has written to a spool, and gives what is in it. */
async function spoolsOf(pid: number): Promise<readonly Buffer[]> {
  for (let tries = 0; tries < 1_000; tries++) {
    const spools = openSpools(pid).filter(({ length }) => length > 500_000);
    if (spools.length > 0) return spools;
    await sleep(5);
  }
  throw new Error('Nothing was spooled.');
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function assertSecret(folder: string): void {
  for (const file of filesBelow(folder)) assert.ok(!readFileSync(file).includes(CANARY), file);
}

describe('killed in the middle', { timeout: 120_000 }, () => {
  for (const what of ['FETCH', 'APPEND'] as const) {
    describe(what, () => {
      let twins: Twins;
      before(async () => {
        twins = await startTwins();
      });
      after(async () => {
        await twins.stop();
      });

      it('Postern leaves no plaintext, loses nothing and stores nothing twice', async () => {
        // Of a form that cannot be read in ranges.
        await append(twins.stored, [await twins.seal(LARGE, { compatible: true })]);
        const client = what === 'FETCH' ? await select(twins.shown) : await login(twins.shown);
        const command =
          what === 'FETCH' ? 'a FETCH 1 (BODY.PEEK[])\r\n' : `a APPEND INBOX {${LARGE.length + 100}+}\r\n`;
        await client.write(Buffer.from(command));
        // All but the end.
        if (what === 'APPEND') void client.write(LARGE);
        let spools: readonly Buffer[] = [];
        if (what === 'FETCH') spools = await spoolsOf(twins.pid);
        else await sleep(1_000);
        spools = [...spools, ...openSpools(twins.pid)];
        for (const spool of spools) assert.ok(!spool.includes(CANARY));
        process.kill(twins.pid, 'SIGKILL');
        client.close();
        await sleep(500);
        assertSecret(join(twins.folder, 'mail', 'stored'));
        const direct = await login(twins.stored);
        const status = (await direct.run('s', 'STATUS INBOX (MESSAGES)')).join('');
        direct.close();
        assert.match(status, /MESSAGES 1\)/);
      });
    });
  }
});
