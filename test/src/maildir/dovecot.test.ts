import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { gather, slices } from '#lib/bytes/source';
import type { Conversion } from '#src/maildir/replace';
import { runConversion } from '#src/maildir/run';
import { put } from './toy.js';

/** Dovecot serves no mail as root. */
const OTHER = 65534;

/** A session of Dovecot's imap process on a pipe: logged in already, and on no port. */
class Imap {
  readonly #child: ChildProcessWithoutNullStreams;
  #received = '';
  #wake: () => void = () => undefined;
  #tag = 0;

  constructor(context: TestContext, folder: string) {
    // On Node's own pipes, which are sockets, it would take itself to be started by inetd and refuse.
    this.#child = spawn('/bin/sh', ['-c', 'cat | /usr/lib/dovecot/imap -c dovecot.conf | cat'], {
      cwd: folder,
      env: { HOME: folder, USER: 'alice', PATH: process.env['PATH'] },
    });
    this.#child.stdout.setEncoding('latin1').on('data', (text: string) => {
      this.#received += text;
      this.#wake();
    });
    this.#child.stderr.resume();
    this.#child.once('exit', () => {
      this.#wake();
    });
    context.after(() => this.#child.stdin.destroy());
  }

  /** Sends a command and gives back everything up to its tagged answer, which must be OK. */
  async command(text: string): Promise<string> {
    const tag = `t${this.#tag++}`;
    this.#child.stdin.write(`${tag} ${text}\r\n`);
    const end = new RegExp(`(?:^|\r\n)${tag} (OK|NO|BAD|BYE)[^\r\n]*\r\n`);
    for (;;) {
      const match = end.exec(this.#received);
      if (match !== null) {
        const answer = this.#received.slice(0, match.index + match[0].length);
        this.#received = this.#received.slice(answer.length);
        assert.equal(match[1], 'OK', `${text}: ${answer.slice(0, 500)}`);
        return answer;
      }
      assert.equal(this.#child.exitCode, null, `Dovecot has ended: ${this.#received.slice(0, 500)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async end(): Promise<void> {
    await this.command('LOGOUT');
    this.#child.stdin.end();
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
  }
}

/** A private Dovecot: nothing of the system's is read, and everything is below the folder. */
function dovecot(context: TestContext, layout: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-dovecot-test-'));
  context.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  mkdirSync(join(folder, 'Maildir'));
  writeFileSync(
    join(folder, 'dovecot.conf'),
    `base_dir = ${folder}/run
log_path = ${folder}/log
stats_writer_socket_path =
ssl = no
first_valid_uid = 1
mail_uid = ${process.geteuid?.() === 0 ? OTHER : String(process.geteuid?.())}
mail_gid = ${process.geteuid?.() === 0 ? OTHER : String(process.getegid?.())}
mail_location = maildir:${folder}/Maildir${layout}
namespace inbox {
  inbox = yes
}
`,
  );
  writeFileSync(join(folder, 'log'), '');
  return folder;
}

/** Gives everything to the user whom Dovecot serves. */
function giveAll(folder: string): void {
  if (process.geteuid?.() !== 0) return;
  chmodSync(folder, 0o755);
  for (const path of ['', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })]) {
    chownSync(join(folder, path), OTHER, OTHER);
  }
}

const messageOf = (i: number): string =>
  `From: bob@example.com\nTo: alice@example.com\nSubject: secret ${i}\nMessage-ID: <${i}@example.com>\n\n${'line\n'.repeat(i + 1)}`;

/** A conversion that yields mail: the message in base64 under a header that keeps its Message-ID. */
const wrapping: Conversion = {
  convert: async (message) => {
    const text = (await gather(message.stream())).toString('latin1');
    if (text.includes('X-Wrapped:')) return 'skip';
    const id = /^Message-ID: .*$/m.exec(text)?.[0] ?? '';
    return { stream: () => slices(Buffer.from(wrapped(id, text), 'latin1')) };
  },
};

/** Half of its lines end in CRLF, half in LF, so that the two sizes differ. */
function wrapped(id: string, text: string): string {
  const body = btoa(text).replaceAll(/.{76}/g, '$&\n');
  return `From: bob@example.com\r\nSubject: [...]\r\n${id}\r\nX-Wrapped: yes\r\n\r\n${body}\n`;
}

interface Seen {
  readonly flags: string;
  readonly date: string;
  readonly size: number;
  readonly body: string;
}

/** All messages of a mailbox by their number. */
async function fetchAll(imap: Imap, mailbox: string): Promise<Map<number, Seen>> {
  await imap.command(`SELECT "${mailbox}"`);
  const answer = await imap.command('FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[])');
  const seen = new Map<number, Seen>();
  const item =
    /\* \d+ FETCH \(FLAGS \(([^)]*)\) INTERNALDATE "([^"]*)" RFC822\.SIZE (\d+) ENVELOPE \(NIL "([^"]*)".*?"<(\d+)@example\.com>"\) BODYSTRUCTURE .* BODY\[\] \{(\d+)\}\r\n/g;
  for (let match = item.exec(answer); match !== null; match = item.exec(answer)) {
    const [, flags = '', date = '', size, subject, number, length] = match;
    const body = answer.slice(item.lastIndex, item.lastIndex + Number(length));
    item.lastIndex += Number(length);
    assert.match(body, new RegExp(`^Subject: ${String(subject).replaceAll(/[[\].]/g, '\\$&')}\r$`, 'm'));
    assert.ok(!seen.has(Number(number)), `message ${String(number)} is there twice`);
    seen.set(Number(number), { flags, date, size: Number(size), body });
  }
  return seen;
}

const crlf = (text: string): string => text.replaceAll(/\r?\n/g, '\r\n');

/**
 * Whether a file of a message has the flag in its name. What Dovecot has answered says less: it answers from its index, and where
 * the original goes before Dovecot has renamed it, the flag goes too (`src/maildir/replace.ts`).
 */
const isFlagged = (root: string, i: number): boolean =>
  readdirSync(join(root, 'cur')).some((name) => name.startsWith(`${1640995200 + i}.M${i}P1.`) && /:2,.*F/.test(name));

/** Every line of Dovecot's log that is more than information. */
const complaints = (folder: string): string[] =>
  readFileSync(join(folder, 'log'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !/: Info: |: Debug: /.test(line));

for (const [layout, sent, work] of [
  ['', '.Sent', '.Work.Old'],
  [':LAYOUT=fs', 'Sent', 'Work/Old'],
] as const) {
  describe(`Dovecot after a conversion (${layout === '' ? 'Maildir++' : 'LAYOUT=fs'})`, () => {
    it('answers everything of the new form, with flags and dates as before', async (context) => {
      const folder = dovecot(context, layout);
      for (let i = 0; i < 12; i++) {
        const text = i % 2 === 0 ? messageOf(i) : crlf(messageOf(i));
        const sizes = i % 3 === 0 ? '' : `,S=${text.length},W=${crlf(text).length}`;
        const where = [sent, work, ''][i % 3] ?? '';
        put(
          join(folder, 'Maildir'),
          join(where, 'cur', `${1640995200 + i}.M${i}P1.host${sizes}:2,${i % 4 === 0 ? 'FS' : 'S'}`),
          text,
        );
      }
      giveAll(folder);
      const names = {
        INBOX: [2, 5, 8, 11],
        Sent: [0, 3, 6, 9],
        [layout === '' ? 'Work.Old' : 'Work/Old']: [1, 4, 7, 10],
      };
      const imap = new Imap(context, folder);
      for (const [name, numbers] of Object.entries(names)) {
        assert.deepEqual(
          [...(await fetchAll(imap, name)).keys()].sort((a, b) => a - b),
          numbers,
        );
      }
      const root = join(folder, 'Maildir');
      assert.equal((await runConversion({ root, conversion: wrapping })).converted.messages, 12);
      for (const session of [imap, new Imap(context, folder)]) {
        for (const [name, numbers] of Object.entries(names)) {
          const after = await fetchAll(session, name);
          assert.deepEqual([...after.keys()], numbers);
          for (const [i, { flags, date, size, body }] of after) {
            const text = i % 2 === 0 ? messageOf(i) : crlf(messageOf(i));
            const id = `Message-ID: <${i}@example.com>`;
            assert.equal(body, crlf(wrapped(i % 2 === 0 ? id : `${id}\r`, text)).replace('\r\r\n', '\r\n'));
            assert.equal(size, body.length);
            assert.equal(date, '01-Jan-2022 00:00:00 +0000');
            assert.deepEqual(flags.includes('\\Flagged'), i % 4 === 0);
            assert.ok(flags.includes('\\Seen'));
          }
        }
        const list = await session.command('LIST "" "*"');
        assert.ok(!list.includes('postern'), list);
        await session.end();
      }
      assert.deepEqual(complaints(folder), []);
    });
  });
}

describe('Dovecot during a conversion', () => {
  it('delivers and changes flags, and nothing is lost, doubled or mistaken', async (context) => {
    const folder = dovecot(context, '');
    const root = join(folder, 'Maildir');
    const count = 120;
    for (let i = 0; i < count; i++) put(root, `cur/${1640995200 + i}.M${i}P1.host:2,`, messageOf(i));
    mkdirSync(join(root, '.Trash'));
    giveAll(folder);
    const reader = new Imap(context, folder);
    await fetchAll(reader, 'INBOX');

    let running = true;
    const flagged = new Set<number>();
    const flagging = async (): Promise<void> => {
      for (let i = count - 1; running && i >= 0; i -= 2) {
        const found = await reader.command(`UID SEARCH HEADER Message-ID <${i}@example.com>`);
        for (const uid of /\* SEARCH((?: \d+)*)/.exec(found)?.[1]?.trim().split(' ') ?? []) {
          if (uid === '') continue;
          await reader.command(`UID STORE ${uid} +FLAGS (\\Flagged)`);
          if (isFlagged(root, i)) flagged.add(i);
        }
      }
    };
    let delivered = 0;
    const mover = new Imap(context, folder);
    await mover.command('SELECT INBOX');
    const delivering = async (): Promise<void> => {
      for (; running && delivered < 40; delivered++) {
        const i = count + delivered;
        writeFileSync(join(root, 'tmp', `${i}`), messageOf(i));
        if (process.geteuid?.() === 0) chownSync(join(root, 'tmp', `${i}`), OTHER, OTHER);
        renameSync(join(root, 'tmp', `${i}`), join(root, 'new', `${1640995200 + i}.M${i}P1.host`));
        await mover.command('NOOP');
      }
    };
    const [result] = await Promise.all([
      runConversion({ root, conversion: wrapping }).finally(() => (running = false)),
      flagging(),
      delivering(),
    ]);
    assert.deepEqual(result.failures, []);
    assert.ok(flagged.size > 0 && delivered > 0, `${flagged.size} flagged, ${delivered} delivered meanwhile`);
    await reader.command('NOOP');
    await reader.end();
    await mover.end();

    await runConversion({ root, conversion: wrapping });
    const session = new Imap(context, folder);
    const after = await fetchAll(session, 'INBOX');
    assert.equal(after.size, count + delivered);
    for (const [i, { flags, size, body }] of after) {
      assert.equal(body, crlf(wrapped(`Message-ID: <${i}@example.com>`, messageOf(i))));
      assert.equal(size, body.length);
      if (flagged.has(i)) assert.ok(flags.includes('\\Flagged'), `message ${i} has lost its flag`);
    }
    await session.end();
    assert.deepEqual(complaints(folder), []);
  });
});
