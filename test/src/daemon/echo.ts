import { setTimeout } from 'node:timers/promises';
import type { Accepted } from '#lib/accepted';
import type { Connection } from '#lib/net/connection';

/**
 * A protocol for the tests of the daemon. It greets with `hello` and gives lines back. `starttls` upgrades, `slowly` does so after a while, `quit` ends, `throw`
 * throws, `reject` and `crash` fail outside of the session, `hang` waits for ever, and `who` tells what the daemon has said of the client. When it has to end it says why.
 */
export async function serveEcho(accepted: Accepted): Promise<void> {
  let { connection } = accepted;
  const say = (line: string): void => {
    connection.write(Buffer.from(`${line}\n`));
  };
  const onAbort = (): void => {
    say(`bye ${(accepted.signal.reason as Error).message}`);
    void connection.end();
  };
  accepted.signal.addEventListener('abort', onAbort);
  say(`hello ${accepted.secure ? 'secure' : 'plain'}`);
  let { secure } = accepted;
  for (;;) {
    const line = await readLine(connection);
    if (line === undefined || accepted.signal.aborted) return;
    if (line === 'quit') break;
    if (line === 'throw') throw new TypeError('correct horse');
    if (line === 'reject') void Promise.reject(new TypeError('correct horse'));
    if (line === 'crash') setImmediate(throwHorse);
    if (line === 'hang') await new Promise(() => undefined);
    if (line === 'slowly') {
      say(line);
      await setTimeout(200);
    }
    if ((line === 'starttls' || line === 'slowly') && accepted.upgrade !== undefined) {
      say('go ahead');
      connection = await accepted.upgrade();
      secure = true;
    } else say(line === 'who' ? JSON.stringify({ secure, peer: accepted.peer.address }) : line);
  }
  say('bye');
}

function throwHorse(): never {
  throw new TypeError('correct horse');
}

/** One chunk as a line: the tests write them one by one. */
async function readLine(connection: Connection): Promise<string | undefined> {
  return (await connection.read())?.toString('latin1').trimEnd();
}
