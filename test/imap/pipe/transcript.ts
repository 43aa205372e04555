import { type Ending, type PipeOptions, pipe } from '#imap/pipe/pipe';
import { Framer } from '#imap/wire/framer';
import { connectionPair } from '#test/lib/net/memory';
import { fakeAccount, fakeSeal, noKey } from './account.js';
import { type Cut, playSteps } from '../transcript.js';

/** Plays a transcript, whose form transcripts/README.md tells, against a pipe. Resolves to how the session ended. */
export async function replay(text: string, cut: Cut, options: Partial<PipeOptions> = {}): Promise<Ending> {
  const [clientSide, client] = connectionPair();
  const [providerSide, provider] = connectionPair();
  const literals = setting(text, 'literals')[0] as PipeOptions['literals'] | undefined;
  const account = fakeAccount({
    capabilities: setting(text, 'capabilities'),
    exempt: new Set(setting(text, 'exempt')),
    seal: setting(text, 'keys')[0] === 'none' ? noKey : fakeSeal,
  });
  const session = pipe(
    { connection: clientSide, framer: new Framer('client') },
    { connection: providerSide, framer: new Framer('provider') },
    { literals: literals ?? 'plus', account, signal: new AbortController().signal, ...options },
  );
  await playSteps(text, cut, { C: client, P: provider });
  return session;
}

/** The words of `#! name word word …`. */
function setting(text: string, name: string): readonly string[] {
  return new RegExp(`^#! ${name} (.*)$`, 'm').exec(text)?.[1]?.split(' ') ?? [];
}
