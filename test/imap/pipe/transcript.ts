import { type Ending, type PipeOptions, pipe } from '#imap/pipe/pipe';
import { Framer } from '#imap/wire/framer';
import { connectionPair } from '#test/lib/net/memory';
import { fakeAccount } from './account.js';
import { type Cut, playSteps } from '../transcript.js';

/** Plays a transcript, whose form transcripts/README.md tells, against a pipe. Resolves to how the session ended. */
export async function replay(text: string, cut: Cut, options: Partial<PipeOptions> = {}): Promise<Ending> {
  const [clientSide, client] = connectionPair();
  const [providerSide, provider] = connectionPair();
  const literals = /^#! literals (plus|minus|none)$/m.exec(text)?.[1] as PipeOptions['literals'] | undefined;
  const session = pipe(
    { connection: clientSide, framer: new Framer('client') },
    { connection: providerSide, framer: new Framer('provider') },
    { literals: literals ?? 'plus', account: fakeAccount(), signal: new AbortController().signal, ...options },
  );
  await playSteps(text, cut, { C: client, P: provider });
  return session;
}
