import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { type Admission, type GateOptions, admit } from '#imap/gate';
import type { Refusal } from '#imap/refusal';
import { Secret } from '#lib/keys/secret';
import { type Log, SILENT } from '#lib/log';
import type { ProviderEndpoint } from '#lib/vault/profile';
import { createVault } from '#lib/vault/vault';
import { type Fake, fakeProvider } from './provider/fake.js';

const USER = 'alice@example.com';
const PASSWORD = 'redshank and ruff';
const CHANGED = 'curlew and godwit';
const WRONG: Refusal = {
  code: 'AUTHENTICATIONFAILED',
  text: 'The user name or the password is wrong.',
  reason: 'denied',
};

/** What a test has: a state folder, and a provider that lets in whoever knows its password. */
interface Scene {
  readonly home: string;
  readonly provider: Fake;
  /** What the provider takes, from now on. */
  password: string;
  /** What it answers to any login instead. */
  answer: string | undefined;
  readonly login: (user: string, password: string, more?: Partial<GateOptions>) => Promise<Admission | Refusal>;
}

async function scene(t: TestContext): Promise<Scene> {
  const home = mkdtempSync(join(tmpdir(), 'postern-gate-'));
  const provider = await fakeProvider(async ({ send, command }) => {
    send('* OK [CAPABILITY IMAP4rev1] ready\r\n');
    while (true) {
      await command((tag, text) => {
        if (!text.startsWith('LOGIN ')) return `${tag} OK done\r\n`;
        if (stage.answer !== undefined) return `${tag} ${stage.answer}\r\n`;
        return text.endsWith(` "${stage.password}"`)
          ? `${tag} OK [CAPABILITY IMAP4rev1] hello\r\n`
          : `${tag} NO [AUTHENTICATIONFAILED] wrong\r\n`;
      });
    }
  });
  t.after(() => {
    provider.close();
    rmSync(home, { recursive: true });
  });
  const stage: Scene = {
    home,
    provider,
    password: PASSWORD,
    answer: undefined,
    login: (user, password, more = {}) =>
      admit(
        { user, secret: new Secret(password), kind: 'password' },
        { home, ...more },
        SILENT,
        new AbortController().signal,
      ),
  };
  return stage;
}

function enrolment({ provider }: Scene): Pick<GateOptions, 'enrolment'> {
  return { enrolment: { imap: endpointOf(provider) } };
}

function endpointOf({ port }: Fake): ProviderEndpoint {
  return { host: '127.0.0.1', port, tls: 'none' };
}

/** A vault with a password of its own. */
async function ownVault({ home, provider }: Scene, imap: ProviderEndpoint = endpointOf(provider)): Promise<void> {
  const auth = { kind: 'password', user: 'alice', password: new Secret(PASSWORD) } as const;
  const profile = { name: 'default', imap, auth, compress: false, policies: {} };
  (await createVault(home, { user: USER, password: new Secret('my own'), profile, keys: [] })).vault.close();
}

function close(admission: Admission | Refusal): void {
  assert.ok('vault' in admission, 'code' in admission ? admission.text : '');
  admission.provider.connection.destroy();
  admission.vault.close();
}

function refused(admission: Admission | Refusal, code: string, text: RegExp): void {
  if ('vault' in admission) close(admission);
  assert.ok('code' in admission, 'was let in');
  assert.equal(admission.code, code);
  assert.match(admission.text, text);
}

describe('the gate', { concurrency: 2, timeout: 60_000 }, () => {
  it('makes one vault of two first logins at a time', async (t) => {
    const stage = await scene(t);
    const events: string[] = [];
    const log: Log = { ...SILENT, info: (event) => events.push(event) };
    const admissions = await Promise.all(
      [1, 2].map(() =>
        admit(
          { user: USER, secret: new Secret(PASSWORD), kind: 'password' },
          { home: stage.home, ...enrolment(stage) },
          log,
          new AbortController().signal,
        ),
      ),
    );
    for (const admission of admissions) close(admission);
    assert.deepEqual(events, ['user enrolled']);
    assert.deepEqual(readdirSync(join(stage.home, 'vaults')), [`${USER}.vault`]);
  });

  it('takes nobody in whom the provider does not know, or where it cannot be asked', async (t) => {
    const stage = await scene(t);
    assert.deepEqual(await stage.login(USER, 'wrong', enrolment(stage)), WRONG);
    stage.answer = 'NO [UNAVAILABLE] the user database is away';
    refused(await stage.login(USER, PASSWORD, enrolment(stage)), 'UNAVAILABLE', /the user database is away/);
    stage.provider.close();
    refused(await stage.login(USER, PASSWORD, enrolment(stage)), 'UNAVAILABLE', /refused/);
    assert.throws(() => readdirSync(join(stage.home, 'vaults')));
  });

  it('keeps the wrong password of a vault of its own from the provider', async (t) => {
    const stage = await scene(t);
    await ownVault(stage);
    assert.deepEqual(await stage.login(USER, PASSWORD, enrolment(stage)), WRONG);
    assert.deepEqual(await stage.login(USER, 'my  own'), WRONG);
    assert.deepEqual(stage.provider.heard, []);
    close(await stage.login('Alice@Example.com', 'my own'));
  });

  it('says the same of an unknown user, of a wrong password, and of what is no user name', async (t) => {
    const stage = await scene(t);
    await ownVault(stage);
    for (const user of [USER, 'bob@example.com', 'alice', `${USER}!../x`, '\u202e@example.com', 'x'.repeat(500)]) {
      assert.deepEqual(await stage.login(user, 'wrong'), WRONG, user);
    }
    assert.deepEqual(stage.provider.heard, []);
  });

  it('tells of a password that was changed at the provider, and postern user rekey mends it', async (t) => {
    const stage = await scene(t);
    close(await stage.login(USER, PASSWORD, enrolment(stage)));
    stage.password = CHANGED;
    const changed = /still locked with the one before\. Run "postern user rekey --provider"/;
    refused(await stage.login(USER, CHANGED, enrolment(stage)), 'AUTHENTICATIONFAILED', changed);
    assert.deepEqual(await stage.login(USER, 'neither', enrolment(stage)), WRONG);
    // The one before opens the vault, and the provider does not want what lies in it.
    refused(await stage.login(USER, PASSWORD, enrolment(stage)), 'AUTHENTICATIONFAILED', /does not accept/);
    const rekey = ['user', 'rekey', USER, '--provider', '--password-fd', '0', '--new-password-fd', '0'];
    const { status, stderr } = spawnSync(process.execPath, ['dist/src/main.js', '--home', stage.home, ...rekey], {
      input: `${PASSWORD}\n${CHANGED}\n`,
      encoding: 'utf8',
      timeout: 30_000,
    });
    assert.equal(status, 0, stderr);
    close(await stage.login(USER, CHANGED, enrolment(stage)));
    assert.deepEqual(await stage.login(USER, PASSWORD, enrolment(stage)), WRONG);
  });

  it('hands on what the provider says of the password in the vault', async (t) => {
    const stage = await scene(t);
    await ownVault(stage);
    stage.answer = `NO [ALERT] Your password ${PASSWORD} has expired`;
    const admission = await stage.login(USER, 'my own');
    refused(admission, 'ALERT', /does not accept user name and secret/);
    // Not in words in which it repeats the password.
    assert.ok('text' in admission && !admission.text.includes(PASSWORD));
    stage.answer = 'NO [EXPIRED] Choose another one';
    refused(await stage.login(USER, 'my own'), 'EXPIRED', /Choose another one/);
  });

  it('knows the profiles of the vault', async (t) => {
    const stage = await scene(t);
    await ownVault(stage);
    refused(await stage.login(`${USER}!work`, 'my own'), 'CANNOT', /no profile "work"/);
    // Nobody learns of profiles without the password.
    assert.deepEqual(await stage.login(`${USER}!work`, 'wrong'), WRONG);
    for (const mark of ['', '!', '#', '##', '!default']) close(await stage.login(`${USER}${mark}`, 'my own'));
  });

  it('says that the provider is down', async (t) => {
    const stage = await scene(t);
    await ownVault(stage);
    stage.provider.close();
    refused(await stage.login(USER, 'my own'), 'UNAVAILABLE', /was refused/);
  });

  it('says that the vault is damaged, to whoever asks', async (t) => {
    const stage = await scene(t);
    await ownVault(stage);
    const file = join(stage.home, 'vaults', `${USER}.vault`);
    const whole = readFileSync(file);
    for (const octets of [whole.subarray(0, 100), Buffer.alloc(0), flipped(whole)]) {
      writeFileSync(file, octets);
      refused(await stage.login(USER, 'my own', enrolment(stage)), 'CONTACTADMIN', /vault/);
    }
    assert.deepEqual(stage.provider.heard, []);
  });

  it('gives up, and leaves no connection, when the client is dismissed', async (t) => {
    const stage = await scene(t);
    await ownVault(stage);
    const stop = new AbortController();
    stop.abort(new Error('The end.'));
    const credentials = { user: USER, secret: new Secret('my own'), kind: 'password' } as const;
    refused(await admit(credentials, { home: stage.home }, SILENT, stop.signal), 'UNAVAILABLE', /cancelled/);
    assert.deepEqual(stage.provider.heard, []);
  });

  it('lets a user in whose certificate cannot be published, and says so in the log', async (t) => {
    const stage = await scene(t);
    writeFileSync(join(stage.home, 'certificates'), 'no folder');
    const errors: string[] = [];
    const log: Log = { ...SILENT, error: (event) => errors.push(event) };
    const credentials = { user: USER, secret: new Secret(PASSWORD), kind: 'password' } as const;
    const options = { home: stage.home, ...enrolment(stage) };
    close(await admit(credentials, options, log, new AbortController().signal));
    assert.deepEqual(errors, ['certificate of a new user not published']);
  });
});

/** One bit of the sealed part is another one. */
function flipped(file: Buffer): Buffer {
  const octets = Buffer.from(file);
  octets[octets.length - 20] = (octets.at(-20) ?? 0) ^ 1;
  return octets;
}
